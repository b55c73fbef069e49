"""Entry point of `cellenium-admin` and `manage.py`."""

import importlib.util
import os
import sys

from django.core.management import execute_from_command_line, load_command_class

from cellenium_admin.settings import settings_module


def main() -> None:
    """Run one management command under the settings that CELLENIUM_ENVIRONMENT names.

    The local AWS is no part of the product and needs none of its settings; the images do not have it.
    """
    if sys.argv[1:2] == ["sandbox"] and importlib.util.find_spec("grants.sandbox"):
        load_command_class("grants", "sandbox").run_from_argv(sys.argv)
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
