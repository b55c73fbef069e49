"""A Redis that a test may kill, and real workers on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from cellenium_admin.core.services import job_broker, job_channel, job_wait
from cellenium_admin.embedded import EmbeddedValkey
from tests.support.worker import CeleryProcess, make_beat, make_worker, running


@pytest.fixture
def own_redis(tmp_path: Path, settings: Settings) -> Iterator[EmbeddedValkey]:
    """A Redis for one test, used by what runs in this process."""
    server = EmbeddedValkey(tmp_path / "valkey", durable=False)
    server.start()
    use(server, settings)
    yield server
    server.stop()
    forget_connections()


@pytest.fixture(scope="module")
def module_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A Redis for the workers of a module: they take seconds to start, so they are shared."""
    server = EmbeddedValkey(tmp_path_factory.mktemp("valkey"), durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def module_beat(
    module_redis: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory, django_db_setup: None
) -> Iterator[CeleryProcess]:
    process = make_beat(tmp_path_factory.mktemp("beat"), CELLENIUM_REDIS_URL=module_redis.url)
    with running(process):
        yield process


@pytest.fixture(scope="module")
def module_worker(
    module_redis: EmbeddedValkey,
    module_beat: CeleryProcess,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
) -> Iterator[CeleryProcess]:
    process = make_worker(tmp_path_factory.mktemp("worker"), CELLENIUM_REDIS_URL=module_redis.url)
    with running(process):
        yield process


@pytest.fixture
def redis(
    module_redis: EmbeddedValkey, module_beat: CeleryProcess, transactional_db: None, settings: Settings
) -> Iterator[EmbeddedValkey]:
    """The module's Redis with its beat, and the worker's short times in this process."""
    settings.LEASE_SECONDS, settings.RESEND_SECONDS, settings.RETRY_SECONDS = 3, 5, 1
    if not module_redis.alive:
        module_redis.start()
    use(module_redis, settings)
    yield module_redis
    forget_connections()


@pytest.fixture
def worker(redis: EmbeddedValkey, module_worker: CeleryProcess) -> CeleryProcess:
    """The module's worker, to be left alive."""
    if not module_worker.alive:
        module_worker.start()
    return module_worker


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the test tasks note what they do."""
    return tmp_path / "out"


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """The test tasks go on when this file appears."""
    return tmp_path / "gate"


def use(server: EmbeddedValkey, settings: Settings) -> None:
    settings.REDIS_URL = settings.CELERY_BROKER_URL = server.url
    forget_connections()


def forget_connections() -> None:
    """Let the next sender and the next listener read the settings again."""
    job_broker._producer.cache_clear()
    job_channel.shared_client.cache_clear()
    job_wait._slots.cache_clear()
