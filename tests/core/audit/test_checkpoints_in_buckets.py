"""Checkpoints in a bucket of the local AWS, by an identity with the rights the documents name."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError

from cellenium_admin.core.models import AuditCheckpoint
from cellenium_admin.core.services import audit_checkpoints
from cellenium_admin.core.services.audit_verification import Kind
from tests.core.audit.conftest import ACTOR, Signing, rewrite
from tests.core.audit.verifying import kinds, run
from tests.support.sandbox import Aws, allow

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("eight_events")]

Sign = Callable[..., AuditCheckpoint]
Tampering = Callable[[], Any]


@pytest.fixture
def worker(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, str]]:
    """A bucket, and an identity with the rights the documents name, which this process uses."""
    bucket = aws.make_bucket(versioned=True)
    user = aws.make_user(
        allow("s3:ListBucket", f"arn:aws:s3:::{bucket}"),
        allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/checkpoints/*"),
    )
    for name, value in aws.sandbox.environment(user).items():
        monkeypatch.setenv(name, value)
    return bucket, user


def test_checkpoints_in_a_bucket(
    signing: Signing, sign: Sign, settings: Any, aws: Aws, worker: tuple[str, dict[str, str]], tampering: Tampering
) -> None:
    bucket, _ = worker
    place = settings.CHECKPOINT_TARGET = f"s3://{bucket}/checkpoints/"
    rows = [sign(), sign(), sign()]
    keys = [entry["Key"] for entry in aws("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == [f"checkpoints/{row.seq:020d}.json" for row in rows]
    assert [row.uri for row in rows] == [f"s3://{bucket}/{key}" for key in keys]
    assert run("--checkpoint", place) == (0, "audit verify: ok (14 events, 3 checkpoints)")
    assert run("--checkpoint", place.rstrip("/")) == (0, "audit verify: ok (14 events, 3 checkpoints)")
    assert run("--checkpoint", rows[0].uri) == (0, "audit verify: ok (14 events, 1 checkpoints)")
    with tampering() as superuser:
        rewrite(superuser, 1)
    assert kinds("--checkpoint", place) == [(9, "rewritten")]
    assert kinds("--checkpoint", rows[1].uri) == [(11, "rewritten")]
    aws("s3").delete_object(Bucket=bucket, Key=keys[2])
    assert (13, "gap") in kinds("--checkpoint", place)


def test_an_object_is_never_overwritten(
    signing: Signing, settings: Any, aws: Aws, worker: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another object appears after the prefix was looked at."""
    bucket, _ = worker
    settings.CHECKPOINT_TARGET = f"s3://{bucket}/checkpoints"
    key = f"checkpoints/{8:020d}.json"

    def late(*args: Any, **kwargs: Any) -> Any:
        aws("s3").put_object(Bucket=bucket, Key=key, Body=b"mine")
        return original(*args, **kwargs)

    original = audit_checkpoints._keep
    monkeypatch.setattr(audit_checkpoints, "_keep", late)
    with pytest.raises(audit_checkpoints.TrailBrokenError) as found:
        audit_checkpoints.sign(actor=ACTOR)
    assert found.value.breach.kind is Kind.FORGED
    assert aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == b"mine"


def test_a_bucket_that_refuses_says_so(signed: Signing, worker: tuple[str, dict[str, str]]) -> None:
    bucket, _ = worker
    with pytest.raises(CommandError, match="S3 refuses"):
        run("--checkpoint", f"s3://{bucket}-of-somebody-else/checkpoints/")
    with pytest.raises(CommandError, match=f"nothing at s3://{bucket}/checkpoints/1.json"):
        run("--checkpoint", f"s3://{bucket}/checkpoints/1.json")
