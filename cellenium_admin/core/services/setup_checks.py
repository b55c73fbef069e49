"""Is this installation set up as it must be? Looks at everything the settings name, and changes nothing."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import redis
from celery import Celery
from django.conf import settings
from kombu.exceptions import KombuError

from cellenium_admin.core import storage
from cellenium_admin.core.exceptions import UnavailableError
from cellenium_admin.core.services.setup_checkpoints import checkpoint_finding
from cellenium_admin.core.services.setup_database import database_findings
from cellenium_admin.core.services.setup_findings import Finding, State, doubtful, good, wrong

TIMEOUT_SECONDS = 3
# What a task may take to end once its limit has interrupted it.
GRACE_SECONDS = 60
SHORTEST_KEY, FEWEST_CHARACTERS = 50, 5


def findings() -> Iterator[Finding]:
    """Run every check, the quick ones first; what cannot be looked at because something else is away is left out."""
    yield _secret_key()
    yield _debug()
    yield _time_limits()
    for name in ("STORE_DIR", "SCRATCH_DIR"):
        yield _directory(name)
    yield from database_findings()
    yield checkpoint_finding()
    reached = _redis()
    yield reached
    if reached.state is not State.FAILED:
        yield _eviction()
        yield _workers()
    yield _store()


def _secret_key() -> Finding:
    key = settings.SECRET_KEY
    if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS or key.startswith("django-insecure"):
        detail = f"CELLENIUM_SECRET_KEY has {len(key)} characters, {len(set(key))} of them different."
        return wrong("secret key", detail, "Give it 50 random ones: openssl rand -base64 48")
    return good("secret key", "It is long enough.")


def _debug() -> Finding:
    if settings.DEBUG and not str(settings.SETTINGS_MODULE).endswith(".development"):
        return wrong("debug", "DEBUG is on: error pages show settings and code.", "Switch it off.")
    return good("debug", "On, as it may be in development." if settings.DEBUG else "Off.")


def _time_limits() -> Finding:
    timeout = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    longest = max(settings.IMPORT_TIME_LIMIT, settings.COMPUTE_TIME_LIMIT) + GRACE_SECONDS
    if timeout <= longest:
        detail = f"The broker delivers a task again after {timeout} s, and one may run for {longest} s."
        return wrong("time limits", detail, f"Set CELLENIUM_VISIBILITY_TIMEOUT above {longest}, or leave it out.")
    return good("time limits", f"A task may run for {longest} s, the broker waits {timeout} s.")


def _directory(name: str) -> Finding:
    label, path = name.lower().replace("_", " "), Path(getattr(settings, name))
    try:
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        detail = f"CELLENIUM_{name}: {path} cannot be written to: {error.strerror}."
        return wrong(label, detail, "Make it, owned by the account the workers run as.")
    return good(label, f"{path} can be written to.")


def _redis() -> Finding:
    try:
        with _client() as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        return wrong("redis", f"CELLENIUM_REDIS_URL: {error}", "Start the server or mend the URL.")
    return good("redis", "It answers.")


def _eviction() -> Finding:
    with _client() as client:
        policy = client.info("memory").get("maxmemory_policy", "unknown")
    if policy != "noeviction":
        detail = f"maxmemory-policy is {policy}: a full Redis would throw messages away."
        return wrong("redis memory", detail, "Set it to noeviction.")
    return good("redis memory", "Nothing is thrown away when it is full.")


def _workers() -> Finding:
    app = Celery("cellenium_admin.setup", set_as_current=False, fixups=[])
    app.config_from_object("django.conf:settings", namespace="CELERY")
    try:
        answers = app.control.inspect(timeout=TIMEOUT_SECONDS).ping()
    except (KombuError, redis.RedisError, OSError) as error:
        return doubtful("workers", f"They cannot be asked: {error}", "Look at Redis.")
    if not answers:
        remedy = "Start one: celery --app cellenium_admin worker --queues default,imports,compute"
        return doubtful("workers", f"None answered within {TIMEOUT_SECONDS} s.", remedy)
    return good("workers", f"{', '.join(sorted(answers))} answered.")


def _store() -> Finding:
    try:
        first = next(storage.list_files(settings.SCAN_PREFIX), None)
    except UnavailableError as error:
        return wrong("h5ad store", error.detail, "Mend CELLENIUM_H5AD_STORE, or the rights of its credentials.")
    held = "holds files" if first else "is empty"
    return good("h5ad store", f"{settings.H5AD_STORE} can be listed; {settings.SCAN_PREFIX} {held}.")


def _client() -> redis.Redis:
    limits = {"socket_connect_timeout": TIMEOUT_SECONDS, "socket_timeout": TIMEOUT_SECONDS}
    return redis.Redis.from_url(settings.REDIS_URL, **limits)
