"""Access from the first request to the last cut, over HTTP, with AWS behind it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cellenium_admin.core.models import AuditEvent, User
from grants.models import Grant, Issuance, Operation
from tests.api.access.conftest import Client
from tests.grants.services.conftest import Stack
from tests.support.sandbox import refusal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def location(curation: Client, stack: Stack) -> dict[str, Any]:
    made = curation.post("locations", {"scope": stack.scope, "role_arn": stack.role_arn})
    assert (made["state"], made["origin"]) == ("active", "managed")
    return made


@pytest.fixture
def principal(curation: Client, stack: Stack, member: User) -> dict[str, Any]:
    made = curation.post("principals", {"name": stack.aws.name("uploader"), "user_id": str(member.pk)})
    assert made["state"] == "active"
    assert made["user"] == {"id": str(member.pk), "label": "member@example.org"}
    return made


@pytest.fixture
def grant(curation: Client, location: dict[str, Any], principal: dict[str, Any]) -> dict[str, Any]:
    wish = {"location_id": location["id"], "principal_id": principal["id"], "sub_prefix": "data/*"}
    made = curation.post("grants", {**wish, "permission": "READ", "reason": "to read"})
    assert (made["state"], made["permission"], made["reason"]) == ("active", "READ", "to read")
    return made


def test_everything_made_is_in_aws(
    curation: Client, stack: Stack, location: dict[str, Any], principal: dict[str, Any], grant: dict[str, Any]
) -> None:
    found = stack.gateway.access_grants.grant(grant["aws_id"])
    assert found is not None
    assert (found.scope, found.grantee) == (f"{stack.scope}data/*", principal["arn"])
    assert stack.gateway.access_grants.location(location["aws_id"]).scope == stack.scope
    assert curation.last["Location"] == f"/api/v1/grants/{grant['id']}"
    assert curation.get(f"grants/{grant['id']}") == grant
    assert grant["created_by"]["label"] == "curator@example.org"


def test_a_key_opens_what_the_grant_says(curation: Client, stack: Stack, grant: dict[str, Any]) -> None:
    keys = f"principals/{grant['principal']['id']}/keys"
    made = curation.post(keys)
    assert curation.last["Cache-Control"] == "no-store"
    stack.aws("s3").put_object(Bucket=stack.bucket, Key="data/one", Body=b"1")
    credentials = {"AccessKeyId": made["access_key_id"], "SecretAccessKey": made["secret_access_key"]}
    ask = {"AccountId": stack.gateway.account, "Target": grant["scope"], "Permission": "READ"}
    session = stack.aws("s3control", credentials).get_data_access(**ask)["Credentials"]
    body = stack.aws("s3", session).get_object(Bucket=stack.bucket, Key="data/one")["Body"]
    assert body.read() == b"1"
    shown = curation.get(keys)["results"]
    assert [key["access_key_id"] for key in shown] == [made["access_key_id"]]
    assert "secret_access_key" not in shown[0]

    rotated = curation.post(f"{keys}/rotate")
    old = next(key for key in curation.get(keys)["results"] if key["id"] == made["id"])
    assert (old["is_enabled"], rotated["is_enabled"]) == (False, True)
    assert refusal(stack.aws("sts", credentials).get_caller_identity)
    curation.post(keys, status=409)  # AWS allows two
    assert curation.change(f"access-keys/{made['id']}/remove", {"reason": "old"})["state"] == "deleted"
    off = curation.change(f"access-keys/{rotated['id']}", {"is_enabled": False}, method="patch")
    assert off["is_enabled"] is False


def test_revoking_names_the_sessions_that_live_on_and_a_cut_ends_them(
    administration: Client, stack: Stack, grant: dict[str, Any], member: User
) -> None:
    alive = {"method": "data_access", "state": "issued", "user": member, "scope": grant["scope"], "permission": "READ"}
    later = timezone.now() + timedelta(hours=1)
    session = Issuance.objects.create(
        grant=Grant.objects.get(),
        role_arn=stack.role_arn,
        duration_seconds=3600,
        expires_at=later,
        access_key_id="ASIAEXAMPLE",
        aws_user_id="AROAEXAMPLE:session",
        **alive,
    )
    revoked = administration.change(f"grants/{grant['id']}/revoke", {"reason": "left the team"})
    assert (revoked["state"], revoked["deleted_at"] is not None) == ("deleted", True)
    assert [one["access_key_id"] for one in revoked["live_sessions"]] == ["ASIAEXAMPLE"]
    assert stack.gateway.access_grants.grant(grant["aws_id"]) is None

    [cut] = administration.change(f"grants/{grant['id']}/cut", {"reason": "now"})["cuts"]
    assert (cut["state"], cut["user_ids"]) == ("active", ["AROAEXAMPLE:session"])
    session.refresh_from_db()
    assert session.cut_at is not None
    role = stack.role_arn.rpartition("/")[2]
    documents = [stack.gateway.iam.role_policy(role, name) for name in stack.gateway.iam.role_policies(role)]
    assert "AROAEXAMPLE:session" in str(documents)


def test_nothing_to_cut_is_a_conflict(administration: Client, grant: dict[str, Any]) -> None:
    administration.change(f"grants/{grant['id']}/cut", {"reason": "now"}, status=409)
    [cut] = administration.change(f"grants/{grant['id']}/cut", {"reason": "now", "everybody": True})["cuts"]
    assert (cut["state"], cut["user_ids"]) == ("active", [])


def test_a_request_is_asked_for_approved_and_becomes_a_grant(
    membership: Client, curation: Client, stack: Stack, location: dict[str, Any], principal: dict[str, Any]
) -> None:
    wish = {"path": f"{stack.scope}mine/*", "permission": "READWRITE", "justification": "To upload."}
    asked = membership.post("access-requests", {**wish, "principal_id": principal["id"]})
    assert (asked["state"], asked["grant_id"], asked["scope"]) == ("pending", None, f"{stack.scope}mine/*")
    path = f"access-requests/{asked['id']}"
    membership.change(f"{path}/approve", {}, status=403)
    curation.change(f"{path}/approve", {"permission": "READ", "sub_prefix": "*"}, status=422)
    assert [one["pointer"] for one in curation.last.json()["errors"]] == ["/sub_prefix"]
    narrower = {"permission": "READ", "sub_prefix": "mine/sub/*"}
    approved = curation.change(f"{path}/approve", narrower)
    assert (approved["state"], approved["decided_by"]["label"]) == ("approved", "curator@example.org")
    grant = membership.get(f"grants/{approved['grant_id']}")
    assert (grant["state"], grant["permission"], grant["scope"]) == ("active", "READ", f"{stack.scope}mine/sub/*")
    assert grant["access_request_id"] == asked["id"]
    curation.change(f"{path}/reject", {"reason": "no"}, status=409)


def test_requests_are_rejected_with_a_reason_and_taken_back(
    membership: Client, curation: Client, stack: Stack, location: dict[str, Any]
) -> None:
    wish = {"path": f"{stack.scope}a/*", "permission": "READ", "justification": "To read."}
    first, second = (membership.post("access-requests", wish)["id"] for _ in range(2))
    curation.change(f"access-requests/{first}/reject", {}, status=422)
    assert curation.change(f"access-requests/{first}/reject", {"reason": "ask later"})["state"] == "rejected"
    assert membership.get(f"access-requests/{first}")["decision_reason"] == "ask later"
    assert membership.change(f"access-requests/{second}/cancel")["state"] == "cancelled"
    own = curation.post("access-requests", wish)["id"]
    curation.change(f"access-requests/{own}/approve", {}, status=403)


def test_an_identity_that_exists_is_registered_and_left_as_it_is(
    curation: Client, stack: Stack, location: dict[str, Any]
) -> None:
    there = stack.aws.make_user()
    body = {"arn": there["Arn"]}
    made = curation.post("principals", body, Idempotency_Key="k")
    assert (made["origin"], made["state"], made["name"]) == ("adopted", "active", there["UserName"])
    assert curation.post("principals", body, Idempotency_Key="k") == made
    curation.post("principals", body, status=409)
    curation.post("principals", {"arn": there["Arn"] + "x"}, status=422)
    curation.post("principals", {**body, "name": "both"}, status=422)
    curation.post("principals", {}, status=422)
    gone = curation.change(f"principals/{made['id']}/remove", {"reason": "left"})
    assert gone["state"] == "deleted"
    assert stack.gateway.iam.user(there["UserName"]) is not None


def test_removing_takes_grants_keys_and_user_away(curation: Client, stack: Stack, grant: dict[str, Any]) -> None:
    principal, location = grant["principal"], grant["location"]
    curation.post(f"principals/{principal['id']}/keys")
    curation.change(f"locations/{location['id']}/remove", {"reason": "x"}, status=409)
    assert curation.change(f"principals/{principal['id']}/remove", {"reason": "left"})["state"] == "deleted"
    assert curation.get(f"grants/{grant['id']}")["state"] == "deleted"
    assert stack.gateway.iam.user(principal["name"]) is None
    assert curation.change(f"locations/{location['id']}/remove", {"reason": "x"})["state"] == "deleted"
    assert stack.gateway.access_grants.location(grant["aws_id"]) is None


def test_a_location_gets_another_role(curation: Client, stack: Stack, location: dict[str, Any]) -> None:
    other = stack.make_role()
    changed = curation.change(f"locations/{location['id']}", {"role_arn": other}, method="patch")
    assert (changed["role_arn"], changed["state"]) == (other, "active")
    assert stack.gateway.access_grants.location(location["aws_id"]).role_arn == other


def test_extending_tells_aws_nothing(curation: Client, grant: dict[str, Any]) -> None:
    before = Operation.objects.count()
    later = (timezone.now() + timedelta(days=200)).replace(microsecond=0)
    extended = curation.change(f"grants/{grant['id']}/extend", {"expires_at": later.isoformat(), "reason": "goes on"})
    assert extended["expires_at"] == later.isoformat().replace("+00:00", "Z")
    too_late = {"expires_at": (timezone.now() + timedelta(days=400)).isoformat(), "reason": "x"}
    curation.change(f"grants/{grant['id']}/extend", too_late, status=422)
    assert curation.last.json()["errors"][0]["pointer"] == "/expires_at"
    assert Operation.objects.count() == before


def test_what_aws_refuses_is_failed_and_can_be_tried_again(
    curation: Client, stack: Stack, sandbox: Any, location: dict[str, Any], principal: dict[str, Any]
) -> None:
    fault = {"service": "s3control", "operation": "CreateAccessGrant", "code": "AccessDenied", "status": 403}
    sandbox.control.faults([fault])
    wish = {"location_id": location["id"], "principal_id": principal["id"], "sub_prefix": "data/*"}
    grant = curation.post("grants", {**wish, "permission": "READ"})
    assert grant["state"] == "failed"
    [failed] = curation.get(f"operations?subject_id={grant['id']}")["results"]
    assert (failed["state"], failed["error"]["code"]) == ("failed", "AccessDenied")
    again = curation.change(f"operations/{failed['id']}/retry", {"reason": "mended"})
    assert again["state"] == "succeeded"
    assert curation.get(f"grants/{grant['id']}")["state"] == "active"
    curation.change(f"operations/{failed['id']}/retry", {"reason": "x"}, status=409)
    assert AuditEvent.objects.filter(action="operation.retried", actor_label="curator@example.org").count() == 1
