"""Settings: every variable is named CELLENIUM_... and read once, in `base`."""

import os

ENVIRONMENTS = ("production", "development", "testing")


def settings_module() -> str:
    """Name the settings module that CELLENIUM_ENVIRONMENT asks for, production unless told otherwise."""
    environment = os.environ.get("CELLENIUM_ENVIRONMENT", "production")
    if environment not in ENVIRONMENTS:
        raise SystemExit(f"CELLENIUM_ENVIRONMENT is {environment!r}: choose one of {', '.join(ENVIRONMENTS)}.")
    return f"cellenium_admin.settings.{environment}"
