"""The test suite: real servers started by tests/conftest.py, which sets the CELLENIUM_... variables."""

from cellenium_admin.settings.base import *  # noqa: F403
from cellenium_admin.settings.base import INSTALLED_APPS

ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
# Workers of tests compile what they need and no more.
COMPILE_AT_START = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.support"]
