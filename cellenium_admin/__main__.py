"""Entry point of `cellenium-admin` and `manage.py`."""

import os
import sys

from django.core.management import execute_from_command_line

from cellenium_admin.settings import settings_module


def main() -> None:
    """Run one management command under the settings that CELLENIUM_ENVIRONMENT names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
