"""Users, keys and roles as SeaweedFS has them: put, changed, taken away, over its end and its restart."""

import os
import signal
import stat
import time
from pathlib import Path

import pytest

from cellenium_admin.embedded import EmbeddedServerError
from grants.sandbox.errors import AwsError
from grants.sandbox.seaweed import SeaweedFS
from tests.support.seaweed import ANYTHING, BUCKET, BUCKET_ARN, Stage, allow, document, refusal, s3_client, unique

READ_A = document(allow("s3:GetObject", f"{BUCKET_ARN}/a/*"))
READ_B = document(allow("s3:GetObject", f"{BUCKET_ARN}/b/*"))
KEYS = ("AKIAEXAMPLE000000000", "example-secret-that-opens-nothing-elsewhere")


def test_names_of_users_may_have_every_character_of_iam(stage: Stage) -> None:
    for name in ("a+b=c,d.e@f-g_h", "x" * 64, "admin", "broker", unique("UPPER")):
        client = stage.user(name, READ_A)
        assert refusal(client.get_object, Bucket=BUCKET, Key="a/x") is None, name
        assert refusal(client.get_object, Bucket=BUCKET, Key="b/x") == "AccessDenied", name


def test_a_change_counts_once_the_call_is_back(stage: Stage) -> None:
    name, role = unique("user"), unique("role")
    stage.server.put_role(role, [])
    user, session = stage.user(name), stage.session(role)
    for documents, expected in [([READ_A], None), ([], "AccessDenied")] * 10:
        stage.server.put_user(name, documents)
        assert refusal(user.get_object, Bucket=BUCKET, Key="a/x") == expected
        stage.server.put_role(role, documents)
        assert refusal(session.get_object, Bucket=BUCKET, Key="a/x") == expected


def test_several_documents_add_up(stage: Stage) -> None:
    client = stage.user(unique("user"), READ_A, READ_B)
    assert [refusal(client.get_object, Bucket=BUCKET, Key=key) for key in ("a/x", "b/x")] == [None, None]


def test_two_keys_one_inactive_one_deleted(stage: Stage) -> None:
    name = unique("user")
    stage.server.put_user(name, [READ_A])
    clients = {}
    for number in (1, 2):
        keys = (f"AKIA{unique('')[-6:].upper():0>16}", f"secret-{number}-of-{name}")
        stage.server.put_key(name, *keys, active=True)
        clients[keys] = s3_client(stage.server.endpoint_url, *keys)
    (first, one), (second, two) = clients.items()
    assert [refusal(client.get_object, Bucket=BUCKET, Key="a/x") for client in (one, two)] == [None, None]
    stage.server.put_key(name, *first, active=False)
    stage.server.delete_key(name, second[0])
    assert [refusal(client.get_object, Bucket=BUCKET, Key="a/x") for client in (one, two)] == ["InvalidAccessKeyId"] * 2
    stage.server.put_key(name, *first, active=True)
    assert refusal(one.get_object, Bucket=BUCKET, Key="a/x") is None


def test_deleted_users_and_roles_are_refused_and_may_be_deleted_twice(stage: Stage) -> None:
    name, role = unique("user"), unique("role")
    stage.server.put_role(role, [READ_A])
    user, session = stage.user(name, READ_A), stage.session(role)
    for _ in range(2):
        stage.server.delete_user(name)
        stage.server.delete_role(role)
        stage.server.delete_key(name, KEYS[0])
    assert refusal(user.get_object, Bucket=BUCKET, Key="a/x") == "InvalidAccessKeyId"
    assert refusal(session.get_object, Bucket=BUCKET, Key="a/x") == "AccessDenied"


def test_a_role_made_again_does_not_revive_old_sessions(stage: Stage) -> None:
    role = unique("role")
    stage.server.put_role(role, [READ_A])
    old = stage.session(role)
    stage.server.delete_role(role)
    stage.server.put_role(role, [READ_A])
    assert refusal(stage.session(role).get_object, Bucket=BUCKET, Key="a/x") is None
    assert refusal(old.get_object, Bucket=BUCKET, Key="a/x") == "AccessDenied"


def test_a_session_policy_too_long_for_seaweedfs_leaves_the_role_to_bound_it(stage: Stage) -> None:
    role = unique("role")
    stage.server.put_role(role, [READ_A])
    long = document(allow("s3:GetObject", *(f"{BUCKET_ARN}/{'x' * 80}/{number}" for number in range(60))))
    session = stage.session(role, long)
    assert [refusal(session.get_object, Bucket=BUCKET, Key=key) for key in ("a/x", "b/x")] == [None, "AccessDenied"]


def test_a_bucket_without_a_policy_may_be_told_to_have_none(stage: Stage) -> None:
    bucket = unique("bare")
    stage.root.create_bucket(Bucket=bucket)
    stage.server.put_bucket_policy(bucket, None)
    stage.server.put_bucket_policy(bucket, document(allow("s3:GetObject", "arn:aws:s3:::another/*", Principal="*")))
    stage.server.put_bucket_policy(bucket, None)
    with pytest.raises(AwsError, match="refused"):
        stage.server.put_bucket_policy("no-such-bucket", None)


def test_the_same_again_costs_nothing(stage: Stage) -> None:
    name = unique("user")
    stage.user(name, READ_A)
    started = time.monotonic()
    for _ in range(100):
        stage.server.put_user(name, [READ_A])
    assert time.monotonic() - started < 0.5


def test_secrets_are_not_in_the_credentials_representation(stage: Stage) -> None:
    role = unique("role")
    stage.server.put_role(role, [])
    found = stage.server.assume(role, session_name="session", duration=900, policies=[])
    assert found.secret_access_key not in repr(found)
    assert found.session_token not in repr(found)


def test_a_server_that_does_not_run_is_told_at_once(tmp_path: Path) -> None:
    server = SeaweedFS(tmp_path, account="123456789012")
    started = time.monotonic()
    for call in (
        lambda: server.put_user("uploader", []),
        lambda: server.put_key("uploader", *KEYS, active=True),
    ):
        with pytest.raises(AwsError, match="does not answer") as caught:
            call()
        assert caught.value.status == 503
    assert time.monotonic() - started < 1
    assert not server.alive


def test_one_that_cannot_be_started_again_is_tried_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = SeaweedFS(tmp_path, account="123456789012")

    def fail() -> None:
        raise EmbeddedServerError("weed is missing")

    monkeypatch.setattr(server, "start", fail)
    assert not server.ensure()
    assert "could not be started again: weed is missing" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_everything_survives_the_servers_end(tmp_path: Path, end: str) -> None:
    found = Stage(tmp_path / "seaweed")
    server = found.server
    try:
        user = found.user("uploader", READ_A)
        server.put_role("reader", [READ_B])
        session = found.session("reader", document(ANYTHING))
        server.put_bucket_policy(BUCKET, document(allow("s3:GetObject", f"{BUCKET_ARN}/é/*", Principal="*")))
        if end == "kill":
            os.kill(server.pid or 0, signal.SIGKILL)
            time.sleep(0.2)
            started = time.monotonic()
            assert server.ensure()
            assert time.monotonic() - started < 3
        else:
            server.stop()
            server = found.server = SeaweedFS(tmp_path / "seaweed", account="123456789012", port=port_of(server))
            server.start()
        assert not server.ensure()
        assert refusal(user.get_object, Bucket=BUCKET, Key="a/x") is None
        assert refusal(user.get_object, Bucket=BUCKET, Key="b/x") == "AccessDenied"
        assert refusal(session.get_object, Bucket=BUCKET, Key="b/x") is None
        assert refusal(session.get_object, Bucket=BUCKET, Key="a/x") == "AccessDenied"
        assert refusal(session.get_object, Bucket=BUCKET, Key="é/x") is None
        server.put_role("reader", [])
        assert refusal(session.get_object, Bucket=BUCKET, Key="b/x") == "AccessDenied"
    finally:
        server.stop()


@pytest.mark.slow
def test_its_files_are_its_owners_alone(stage: Stage) -> None:
    directory = Path(stage.server._state)
    for name in ("iam.json", "broker.json", "keys.json", "slots.json"):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600, name


@pytest.mark.slow
def test_a_hundred_users_do_not_make_a_change_slow(tmp_path: Path) -> None:
    found = Stage(tmp_path / "seaweed")
    try:
        for number in range(100):
            found.server.put_user(f"user-{number}", [READ_A])
            found.server.put_key(f"user-{number}", f"AKIA{number:016}", "secret" * 6, active=True)
        started = time.monotonic()
        for number in range(20):
            found.server.put_user(f"user-{number}", [READ_B])
        assert (time.monotonic() - started) / 20 < 0.1
    finally:
        found.server.stop()


def port_of(server: SeaweedFS) -> int:
    return int(server.endpoint_url.rpartition(":")[2])
