"""`python -m cellenium_access`, or this directory given to Python."""

import sys
from pathlib import Path

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cellenium_access.cli import main

if __name__ == "__main__":
    sys.exit(main())
