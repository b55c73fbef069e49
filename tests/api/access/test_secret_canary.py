"""The secret of an access key is in the one answer that makes it, and in no row, log, queue or other answer."""

import logging
from typing import Any

import psycopg
import pytest

from cellenium_admin.core.models import AuditEvent, User
from cellenium_admin.core.services import job_channel
from tests.api.access.conftest import Client
from tests.api.test_secret_canary import places_with
from tests.grants.services.conftest import Stack
from tests.grants.services.issuing import Desk, desk, uploader

__all__ = ["desk", "uploader"]
pytestmark = pytest.mark.django_db(transaction=True)


class Listener(Client):
    """Keeps every answer, headers too, but for the answers that are meant to hold a secret."""

    def __init__(self, user: User) -> None:
        super().__init__(user)
        self.secrets: list[str] = []
        self.heard: list[str] = []

    def _checked(self, response: Any, status: int) -> Any:
        body = super()._checked(response, status)
        for name in ("secret_access_key", "session_token"):
            secret = body.pop(name, None) if isinstance(body, dict) else None
            self.secrets += [secret] if secret else []
        self.heard.append(f"{body} {dict(response.items())}")
        return body


def queued() -> str:
    """Give all that Valkey holds."""
    redis = job_channel.shared_client()
    return str([(key, redis.dump(key)) for key in redis.scan_iter()])


def test_secret_is_in_the_answer_alone(
    curator: User,
    stack: Stack,
    superuser_connection: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    for name in ("cellenium_admin", "grants", "django"):
        caplog.set_level(logging.DEBUG, logger=name)
    client = Listener(curator)
    principal = client.post("principals", {"name": stack.aws.name("canary")})
    keys = f"principals/{principal['id']}/keys"
    made = client.post(keys, {"reason": "canary"}, Idempotency_Key="k")
    client.post(keys, {"reason": "canary"}, status=409, Idempotency_Key="k")
    client.post(keys, {"reason": "other"}, status=422, Idempotency_Key="k")
    client.post(f"{keys}/rotate", Idempotency_Key="k")
    client.post(f"{keys}/rotate", status=409, Idempotency_Key="k")
    client.change(f"access-keys/{made['id']}/remove", {"reason": "old"})
    with monkeypatch.context() as broken:
        broken.setattr("grants.api.keys._with_secret", _break)
        client.post(keys, status=500, Idempotency_Key="k2")
    for path in (keys, f"access-keys/{made['id']}", "operations", "audit-events", "principals"):
        client.get(path)

    assert len(client.secrets) == 2
    secrets = [*client.secrets, *_lost]
    assert len(secrets) == len(set(secrets)) == 3
    assert all(len(secret) >= 16 for secret in secrets)
    written = capfd.readouterr()
    seen = {"answers": str(client.heard), "log": caplog.text, "queue": queued(), "streams": written.out + written.err}
    assert [(place, secret) for place, text in seen.items() for secret in secrets if secret in text] == []
    assert [places_with(superuser_connection, secret) for secret in secrets] == [[], [], []]
    assert "grants_accesskey" in places_with(superuser_connection, made["access_key_id"])
    assert AuditEvent.objects.filter(action="access_key.created").count() == 3


def test_temporary_credentials_are_in_the_answer_alone(
    desk: Desk,
    uploader: User,
    superuser_connection: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    for name in ("cellenium_admin", "grants", "django"):
        caplog.set_level(logging.DEBUG, logger=name)
    client = Listener(uploader)
    made = client.post("credentials", {"purpose": "upload"})
    assert client.last["Cache-Control"] == "no-store"
    client.post("credentials", {"purpose": "read"})
    client.post("credentials", {"purpose": "upload"}, status=400, Idempotency_Key="k")
    client.post("credentials", {"purpose": "upload", "prefix": "input/neighbour@example.org/"}, status=403)
    with monkeypatch.context() as broken:
        broken.setattr("grants.api.credentials._answer", _break_with_session)
        client.post("credentials", {"purpose": "upload"}, status=500)
    for path in ("issuances", f"issuances/{made['issuance_id']}", "me"):
        client.get(path)
    client.post(f"issuances/{made['issuance_id']}/cut", {"reason": "canary"}, status=200)

    secrets = [*client.secrets, *_lost_sessions]
    assert len(secrets) == len(set(secrets)) == 6
    assert all(len(secret) >= 16 for secret in secrets)
    written = capfd.readouterr()
    seen = {"answers": str(client.heard), "log": caplog.text, "queue": queued(), "streams": written.out + written.err}
    assert [(place, secret) for place, text in seen.items() for secret in secrets if secret in text] == []
    assert [places_with(superuser_connection, secret) for secret in secrets] == [[]] * 6
    assert "grants_issuance" in places_with(superuser_connection, made["access_key_id"])
    assert AuditEvent.objects.filter(action="credentials.issued").count() == 3
    assert AuditEvent.objects.filter(action="credentials.refused").count() == 1


def test_the_answer_is_not_cached(curator: User, stack: Stack) -> None:
    client = Client(curator)
    principal = client.post("principals", {"name": stack.aws.name("canary")})
    made = client.post(f"principals/{principal['id']}/keys")
    assert made["secret_access_key"] in client.last.content.decode()
    assert client.last["Cache-Control"] == "no-store"


_lost: list[str] = []
_lost_sessions: list[str] = []


def _break_with_session(issued: Any, region: str) -> Any:
    """Fail with a session at hand."""
    session = issued.session
    _lost_sessions.extend([session.secret_access_key.reveal(), session.session_token.reveal()])
    raise RuntimeError(f"cannot answer with {session} in {region}")


def _break(key: Any, secret: Any) -> None:
    """Fail with the secret at hand, as a fault while answering would."""
    _lost.append(secret.reveal())
    raise RuntimeError(f"cannot answer with {secret}")
