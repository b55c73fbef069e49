"""A served installation: HTTPS only, secrets from the environment, nothing assumed."""

from cellenium_admin.settings.base import *  # noqa: F403
from cellenium_admin.settings.base import env

ALLOWED_HOSTS = env.list("CELLENIUM_ALLOWED_HOSTS")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_SSL_REDIRECT = env.bool("CELLENIUM_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = env.int("CELLENIUM_HSTS_SECONDS", default=31_536_000)
SECURE_REDIRECT_EXEMPT = [r"^health/"]
if TRUSTED_PROXY_HOPS := env.int("CELLENIUM_TRUSTED_PROXY_HOPS", default=0):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
