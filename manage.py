#!/usr/bin/env python3
"""Django's command line; `cellenium-admin` is the same command after `pip install`."""

from cellenium_admin.__main__ import main

if __name__ == "__main__":
    main()
