"""Credentials for one's own prefix with real sessions: what they can, what they cannot, and what is recorded."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import (
    ConflictError,
    InvalidInputError,
    RefusedError,
    TooManyError,
    UnavailableError,
)
from cellenium_admin.core.models import AuditEvent, User
from cellenium_admin.core.services import users
from grants.aws.errors import AwsInvalidError
from grants.aws.factory import connect_anew
from grants.aws.gateway import Aws
from grants.models import Cut, Issuance, Operation
from grants.services import cuts, operation_queue
from tests.builders.people import person
from tests.grants.services.issuing import Desk, desk, neighbour, revealed, uploader
from tests.support.sandbox import allow, refusal

__all__ = ["desk", "neighbour", "uploader"]
pytestmark = pytest.mark.django_db(transaction=True)
CHAINING = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"


def actions_of(issuance: Issuance) -> list[str]:
    found = AuditEvent.objects.filter(object_type="issuance", object_id=str(issuance.pk))
    return list(found.order_by("seq").values_list("action", flat=True))


def test_one_s_own_prefix_and_nothing_else(desk: Desk, uploader: User, neighbour: User) -> None:
    own, foreign = f"{uploader.upload_prefix}a.h5ad", f"{neighbour.upload_prefix}b.h5ad"
    desk.put(foreign)
    issuance, session = desk.issue(uploader)
    s3, where = desk.s3(session), {"Bucket": desk.bucket}
    s3.put_object(**where, Key=own, Body=b"mine")
    assert s3.get_object(**where, Key=own)["Body"].read() == b"mine"
    assert [one["Key"] for one in s3.list_objects_v2(**where, Prefix=uploader.upload_prefix)["Contents"]] == [own]
    assert s3.list_object_versions(**where, Prefix=uploader.upload_prefix)["Versions"]
    started = s3.create_multipart_upload(**where, Key=own)["UploadId"]
    part = {**where, "Key": own, "UploadId": started}
    tag = s3.upload_part(**part, PartNumber=1, Body=b"parts")["ETag"]
    assert len(s3.list_parts(**part)["Parts"]) == 1
    s3.complete_multipart_upload(**part, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    assert s3.get_object(**where, Key=own)["Body"].read() == b"parts"
    denied = {
        "get": refusal(s3.get_object, **where, Key=foreign),
        "head": refusal(s3.head_object, **where, Key=foreign),
        "put": refusal(s3.put_object, **where, Key=foreign, Body=b"x"),
        "copy from": refusal(s3.copy_object, **where, Key=own, CopySource=f"{desk.bucket}/{foreign}"),
        "copy to": refusal(s3.copy_object, **where, Key=foreign, CopySource=f"{desk.bucket}/{own}"),
        "multipart": refusal(s3.create_multipart_upload, **where, Key=foreign),
        "delete": refusal(s3.delete_object, **where, Key=foreign),
        "delete of its own": refusal(s3.delete_object, **where, Key=own),
        "list of theirs": refusal(s3.list_objects_v2, **where, Prefix=neighbour.upload_prefix),
        "list without prefix": refusal(s3.list_objects_v2, **where),
        "list of all": refusal(s3.list_objects_v2, **where, Prefix="input/", Delimiter="/"),
        "list of look-alikes": refusal(s3.list_objects_v2, **where, Prefix=uploader.upload_prefix[:-1]),
        "uploads": refusal(s3.list_multipart_uploads, **where),
        "buckets": refusal(s3.list_buckets),
        "policy": refusal(s3.get_bucket_policy, **where),
    }
    assert {name: code for name, code in denied.items() if code not in {"AccessDenied", "403"}} == {}
    assert issuance.state == Issuance.State.ISSUED
    assert issuance.aws_user_id.endswith(f":{issuance.pk.hex}")
    assert actions_of(issuance) == ["credentials.requested", "credentials.issued"]


def test_the_session_bears_ids_and_no_address(desk: Desk, uploader: User) -> None:
    desk.sandbox.sandbox.control.clear_calls()
    issuance, session = desk.issue(uploader)
    calls = [call["operation"] for call in desk.sandbox.sandbox.control.calls()]
    assert calls == ["AssumeRole"], "issuing costs one call"
    who = desk.sandbox("sts", revealed(session)).get_caller_identity()
    assert who["Arn"].endswith(f"/{issuance.pk.hex}")
    assert who["UserId"] == issuance.aws_user_id
    assert "uploader" not in who["Arn"]


def test_credentials_for_reading_write_nothing(desk: Desk, uploader: User) -> None:
    own = f"{uploader.upload_prefix}a.h5ad"
    desk.put(own)
    issuance, session = desk.issue(uploader, "read")
    s3, where = desk.s3(session), {"Bucket": desk.bucket, "Key": own}
    assert refusal(s3.get_object, **where) is None
    assert refusal(s3.put_object, **where, Body=b"x") == "AccessDenied"
    assert refusal(s3.create_multipart_upload, **where) == "AccessDenied"
    assert refusal(s3.delete_object, **where) == "AccessDenied"
    assert (issuance.permission, issuance.purpose) == ("READ", "read")


def test_deletion_is_a_setting_and_for_uploads_alone(desk: Desk, uploader: User, settings: Any) -> None:
    settings.CREDENTIALS_MAY_DELETE = True
    where = {"Bucket": desk.bucket, "Key": f"{uploader.upload_prefix}a.h5ad"}
    desk.put(where["Key"])
    read, upload = desk.s3(desk.issue(uploader, "read").session), desk.s3(desk.issue(uploader).session)
    assert refusal(read.delete_object, **where) == "AccessDenied"
    assert refusal(upload.delete_object, **where) is None
    versions = desk.sandbox("s3").list_object_versions(Bucket=desk.bucket)["Versions"]
    gone = refusal(upload.delete_object, **where, VersionId=versions[0]["VersionId"])
    assert gone == "AccessDenied", "an old version stays"


def test_a_part_of_one_s_prefix(desk: Desk, uploader: User) -> None:
    part = f"{uploader.upload_prefix}week 1*/"
    issuance, session = desk.issue(uploader, prefix=part)
    s3 = desk.s3(session)
    assert issuance.scope == f"s3://{desk.bucket}/{part}*"
    assert refusal(s3.put_object, Bucket=desk.bucket, Key=f"{part}x", Body=b"") is None
    for key in (f"{uploader.upload_prefix}x", f"{uploader.upload_prefix}week 1x/y"):
        assert refusal(s3.put_object, Bucket=desk.bucket, Key=key, Body=b"") == "AccessDenied"


def test_a_store_with_a_root_of_its_own(desk: Desk, uploader: User, settings: Any) -> None:
    settings.H5AD_STORE = f"s3://{desk.bucket}/root"
    issuance, _ = desk.issue(uploader)
    assert issuance.scope == f"s3://{desk.bucket}/root/{uploader.upload_prefix}*"


def test_what_is_refused_before_aws_is_asked(desk: Desk, uploader: User, neighbour: User, settings: Any) -> None:
    desk.sandbox.sandbox.control.clear_calls()
    own = uploader.upload_prefix
    for prefix in (neighbour.upload_prefix, "input/", own[:-1], f"x{own}", "/", f"/{own}"):
        with pytest.raises(RefusedError, match="below"):
            desk.issue(uploader, prefix=prefix)
    for prefix in (f"{own}x", f"{own}../neighbour@example.org/", f"{own}./", f"{own}a\n/", f"{own}Ω/", own + 900 * "x"):
        with pytest.raises(InvalidInputError) as caught:
            desk.issue(uploader, prefix=prefix)
        assert caught.value.errors[0].pointer == "/prefix"
    for seconds in (0, 899, 43_201):
        with pytest.raises(InvalidInputError, match="900 to 43200"):
            desk.issue(uploader, duration=seconds)
    with pytest.raises(RefusedError, match="no upload prefix"):
        desk.issue(person("stranger"))
    User.objects.filter(pk=uploader.pk).update(is_active=False)
    with pytest.raises(RefusedError, match="closed"):
        desk.issue(uploader)
    settings.H5AD_STORE = "/some/directory"
    with pytest.raises(ConflictError, match="directory"):
        desk.issue(neighbour)
    assert desk.sandbox.sandbox.control.calls() == []
    assert not Issuance.objects.exists()


def test_durations_and_their_setting(desk: Desk, uploader: User, settings: Any) -> None:
    assert desk.issue(uploader).issuance.duration_seconds == 3600
    longest = desk.issue(uploader, duration=43_200)
    left = longest.session.expires_at - timezone.now()
    assert timedelta(hours=11, minutes=50) < left < timedelta(hours=12, minutes=1)
    settings.CREDENTIALS_MAX_SECONDS = 1800
    assert desk.issue(uploader).issuance.duration_seconds == 1800
    with pytest.raises(InvalidInputError, match="900 to 1800"):
        desk.issue(uploader, duration=3600)


@pytest.fixture
def chained(desk: Desk, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The product as a session of a role, which the importer role trusts too."""
    aws = desk.sandbox
    user = aws.make_user(allow("*"))
    outer = aws.make_role(user["Arn"], allow("*"))
    inner = {"Effect": "Allow", "Principal": {"AWS": outer}, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}
    everything = allow("s3:*", [f"arn:aws:s3:::{desk.bucket}", f"arn:aws:s3:::{desk.bucket}/*"])
    trust = {"Version": "2012-10-17", "Statement": [inner]}
    settings.IMPORTER_ROLE_ARN = aws.make_role(trust, everything, MaxSessionDuration=43_200)
    session = aws.assume(outer, user)
    for name, value in aws.sandbox.environment(session).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SESSION_TOKEN", session["SessionToken"])
    return connect_anew()


def test_role_chaining_is_told(desk: Desk, chained: Aws, uploader: User) -> None:
    desk.service = chained
    assert ":assumed-role/" in chained.caller_arn
    capped, plain = desk.issue(uploader, duration=7200), desk.issue(uploader, duration=3600)
    assert (capped.issuance.duration_seconds, capped.issuance.capped_by) == (3600, "role_chaining")
    assert (plain.issuance.duration_seconds, plain.issuance.capped_by) == (3600, "")
    assert refusal(desk.s3(capped.session).list_objects_v2, Bucket=desk.bucket, Prefix=uploader.upload_prefix) is None


@pytest.mark.parametrize("arn", ["arn:aws:sts::1:assumed-role/server/i-0123456789abcdef0", "arn:aws:iam::1:user/us"])
def test_chaining_that_only_aws_knows_of_is_told_too(desk: Desk, chained: Aws, uploader: User, arn: str) -> None:
    desk.service = replace(chained, caller_arn=arn)
    control = desk.sandbox.sandbox.control
    control.clear_calls()
    issued = desk.issue(uploader, duration=7200)
    assert [call["operation"] for call in control.calls()] == ["AssumeRole", "AssumeRole"]
    found = Issuance.objects.get()
    assert (found.pk, found.duration_seconds, found.capped_by) == (issued.issuance.pk, 3600, "role_chaining")
    assert found.expires_at < timezone.now() + timedelta(minutes=61)


def test_an_instance_of_ec2_is_not_chained(desk: Desk, uploader: User) -> None:
    desk.service = replace(desk.service, caller_arn="arn:aws:sts::1:assumed-role/server/i-0123456789abcdef0")
    assert desk.issue(uploader, duration=7200).issuance.capped_by == ""


def test_what_aws_refuses_is_recorded(desk: Desk, uploader: User, settings: Any) -> None:
    settings.IMPORTER_ROLE_ARN = f"{settings.IMPORTER_ROLE_ARN}-gone"
    with pytest.raises(UnavailableError, match="no credentials"):
        desk.issue(uploader)
    found = Issuance.objects.get()
    assert (found.state, found.error_code, found.is_live) == ("refused", "AccessDenied", False)
    assert actions_of(found) == ["credentials.requested", "credentials.failed"]


def test_no_answer_is_an_unknown_outcome_that_stays_visible(desk: Desk, uploader: User) -> None:
    fault = {"service": "sts", "operation": "AssumeRole", "kind": "reset", "when": "after", "times": 9}
    desk.sandbox.sandbox.control.faults([fault])
    with pytest.raises(UnavailableError):
        desk.issue(uploader)
    desk.sandbox.sandbox.control.faults([])
    found = Issuance.objects.get()
    assert (found.state, found.is_live, found.access_key_id) == ("unknown", True, "")
    assert list(Issuance.objects.live(timezone.now())) == [found]


def test_the_limit_of_an_hour_is_exact_among_threads(desk: Desk, uploader: User, settings: Any) -> None:
    settings.CREDENTIALS_PER_HOUR = 3
    answers: list[str] = []
    waits: list[int] = []

    def ask() -> None:
        try:
            desk.issue(uploader)
            answers.append("given")
        except TooManyError as error:
            answers.append(error.code)
            waits.append(error.retry_seconds or 0)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["given"] * 3 + ["too_many_credentials"] * 5
    assert all(3500 < wait <= 3601 for wait in waits)
    assert Issuance.objects.count() == 3
    told = AuditEvent.objects.filter(action="credentials.refused", details__code="too_many_credentials")
    assert 1 <= told.count() <= 5
    Issuance.objects.update(created_at=timezone.now() - timedelta(hours=1, seconds=1))
    assert desk.issue(uploader).issuance.state == "issued"


def test_closing_the_account_cuts_what_lives_at_once(desk: Desk, uploader: User, curator: User) -> None:
    desk.put(f"{uploader.upload_prefix}a")
    _, session = desk.issue(uploader)
    s3, where = desk.s3(session), {"Bucket": desk.bucket, "Key": f"{uploader.upload_prefix}a"}
    assert refusal(s3.get_object, **where) is None
    users.deactivate(user=uploader, actor=Actor.of(curator))
    assert Issuance.objects.get().cut_at is not None
    assert Operation.objects.get().state == "pending", "recorded with the closing, told to AWS by a worker"
    operation_queue.drain(aws=desk.service)
    assert refusal(s3.get_object, **where) == "AccessDenied"


@pytest.mark.parametrize("what", ["account_closed", "cut_meanwhile"])
def test_what_is_overtaken_is_never_released(
    desk: Desk, uploader: User, curator: User, what: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    assume = desk.service.sts.assume_role

    def overtaken(*args: Any, **more: Any) -> Any:
        if what == "account_closed":
            users.deactivate(user=User.objects.get(pk=uploader.pk), actor=Actor.of(curator))
        else:
            cuts.cut_all(role_arn=settings.IMPORTER_ROLE_ARN, actor=Actor.of(curator), reason="a theft")
        return assume(*args, **more)

    monkeypatch.setattr(desk.service.sts, "assume_role", overtaken)
    with pytest.raises(RefusedError) as caught:
        desk.issue(uploader)
    found = Issuance.objects.get()
    assert (caught.value.code, found.state, found.error_code, found.access_key_id) == (what, "refused", what, "")
    assert actions_of(found)[-1] == "credentials.failed"


def test_a_cut_meets_the_named_session_alone(desk: Desk, uploader: User, curator: User) -> None:
    first, second = desk.issue(uploader), desk.issue(uploader)
    [(cut, _)] = cuts.cut_sessions(issuances=[first.issuance], actor=Actor.of(curator), reason="a lost laptop")
    operation_queue.drain(aws=desk.service)
    assert Cut.objects.get().user_ids == [first.issuance.aws_user_id] == cut.user_ids
    where = {"Bucket": desk.bucket, "Prefix": uploader.upload_prefix}
    assert refusal(desk.s3(first.session).list_objects_v2, **where) == "AccessDenied"
    assert refusal(desk.s3(second.session).list_objects_v2, **where) is None


def test_an_error_that_is_not_about_chaining_is_not_asked_again(
    desk: Desk, uploader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuses(*_: Any, **__: Any) -> None:
        asked.append(1)
        raise AwsInvalidError("AssumeRole", "PackedPolicyTooLarge", "The packed policy is too large.", status=400)

    monkeypatch.setattr(desk.service.sts, "assume_role", refuses)
    with pytest.raises(UnavailableError, match="too large"):
        desk.issue(uploader, duration=7200)
    assert (len(asked), Issuance.objects.get().state) == (1, "refused")


def test_the_second_answer_about_chaining_ends_it(desk: Desk, uploader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuses(*_: Any, duration_seconds: int, **__: Any) -> None:
        asked.append(duration_seconds)
        raise AwsInvalidError("AssumeRole", "ValidationError", CHAINING, status=400)

    monkeypatch.setattr(desk.service.sts, "assume_role", refuses)
    with pytest.raises(UnavailableError, match="role chaining"):
        desk.issue(uploader, duration=7200)
    assert asked == [7200, 3600]
    assert Issuance.objects.get().capped_by == "role_chaining"
