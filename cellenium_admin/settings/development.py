"""The demo and a developer's own machine: plain HTTP on loopback."""

from cellenium_admin.settings.base import *  # noqa: F403
from cellenium_admin.settings.base import env

DEBUG = env.bool("CELLENIUM_DEBUG", default=False)
ALLOWED_HOSTS = env.list("CELLENIUM_ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
WHITENOISE_USE_FINDERS = True
