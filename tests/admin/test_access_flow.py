"""Actions carried out against the local AWS: what is told when it works, waits or fails, and where secrets go."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import AuditEvent
from grants.aws import factory
from grants.aws.errors import AwsRefusedError
from grants.aws.gateway import Aws
from grants.models import AccessKey, Grant, Location, Operation, Principal
from grants.sandbox.embedded import EmbeddedSandbox
from grants.services import grants, operations
from tests.builders.access_pages import issuance
from tests.builders.grants import grant as build_grant
from tests.builders.people import person
from tests.support.pages import browser, carried_out, confirm, told

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = Actor.system("test")


def form(location: Location, principal: Principal) -> dict[str, Any]:
    return {
        "location": location.scope,
        "principal": principal.arn,
        "permission": "READ",
        "sub_prefix": "data/*",
        "expires_at": f"{timezone.now() + timedelta(days=40):%Y-%m-%dT%H:%M}",
        "reason": "the study of this autumn",
    }


def test_outcomes_are_told_call_by_call(client: Client, location: Location, principal: Principal, gateway: Aws) -> None:
    answer = confirm(client, "/admin/grants/grant/new/", form(location, principal))
    grant = Grant.objects.get()
    assert "done in AWS" in told(answer)
    assert answer.redirect_chain[-1][0] == f"/admin/grants/grant/{grant.pk}/change/"
    assert gateway.access_grants.grant(grant.aws_id) is not None
    again = client.post("/admin/grants/grant/new/", {**form(location, principal), "step": "preview"})
    refused = client.post(
        "/admin/grants/grant/new/",
        {**form(location, principal), "step": "confirm", "seen": again.context["seen"]},
    )
    assert "extend that one" in refused.content.decode()
    assert Grant.objects.count() == 1


def test_what_waits_says_so(
    client: Client, location: Location, principal: Principal, sandbox: EmbeddedSandbox, gateway: Aws
) -> None:
    fault = {"service": "s3", "operation": "CreateAccessGrant", "times": 20, "kind": "error"}
    sandbox.control.faults([fault, {**fault, "service": "*"}])
    answer = confirm(client, "/admin/grants/grant/new/", form(location, principal))
    assert "waiting" in told(answer)
    assert Grant.objects.get().state == "pending_create"
    sandbox.control.clear_faults()
    operations.execute(operation_id=Operation.objects.get(kind="create_grant").pk, aws=gateway)
    assert Grant.objects.get().state == "active"


def test_what_failed_says_why_and_is_retried(
    client: Client, location: Location, principal: Principal, sandbox: EmbeddedSandbox
) -> None:
    refusal = {"operation": "CreateAccessGrant", "kind": "error", "code": "AccessDenied", "status": 403, "times": 20}
    sandbox.control.faults([refusal])
    answer = confirm(client, "/admin/grants/grant/new/", form(location, principal))
    assert "failed" in told(answer)
    assert "may not do this" in told(answer)
    operation = Operation.objects.get(kind="create_grant")
    assert operation.state == "failed"
    sandbox.control.clear_faults()
    url = f"/admin/grants/operation/{operation.pk}/retry/"
    assert f'href="/admin/grants/operation/{operation.pk}/change/"' in told(answer)
    assert "done in AWS" in told(confirm(client, url, {"reason": "the policy is mended"}))
    assert Grant.objects.get().state == "active"
    assert AuditEvent.objects.get(action="operation.retried").reason == "the policy is mended"


def test_without_aws_the_wish_is_kept(
    client: Client, location: Location, principal: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(**_: Any) -> Aws:
        raise AwsRefusedError("connect", "NoCredentials", "There are no credentials.")

    monkeypatch.setattr(factory, "connect", nobody)
    answer = confirm(client, "/admin/grants/grant/new/", form(location, principal))
    assert "It is recorded, but AWS cannot be asked now" in told(answer)
    assert Grant.objects.get().state == "pending_create"
    url = f"/admin/grants/principal/{principal.pk}/new-key/"
    shown = client.get(url)
    refused = client.post(url, {"reason": "key", "step": "confirm", "seen": shown.context["seen"]})
    assert "AWS did not do what was asked" in refused.content.decode()
    assert AccessKey.objects.count() == 0


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"sub_prefix": "data*"}, "sub_prefix", "put a / before the *"),
        ({"sub_prefix": "data"}, "sub_prefix", "end it with /*"),
        ({"sub_prefix": " data/*", "permission": "OWN"}, "permission", "Select a valid choice"),
        ({"sub_prefix": "a?/*"}, "sub_prefix", "which policies read as more"),
        ({"expires_at": "2020-01-01T00:00"}, "expires_at", "is over already"),
        ({"expires_at": "2090-01-01T00:00"}, "expires_at", "days at most"),
        ({"location": "s3://nowhere/"}, "location", "No location here has the scope s3://nowhere/"),
        ({"principal": "nobody"}, "principal", "No principal here goes by nobody"),
        ({"reason": " "}, "reason", "required"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    client: Client, location: Location, principal: Principal, changed: dict[str, str], field: str, words: str
) -> None:
    answer = client.post("/admin/grants/grant/new/", {**form(location, principal), **changed, "step": "preview"})
    assert answer.context["step"] == "ask"
    assert words in " ".join(answer.context["form"].errors[field])
    assert f'id="id_{field}_error"' in answer.content.decode()


def test_a_sub_prefix_is_taken_as_it_is_typed(client: Client, location: Location, principal: Principal) -> None:
    values = form(location, principal) | {"sub_prefix": " spaced /*"}
    shown = client.post("/admin/grants/grant/new/", {**values, "step": "preview"})
    assert "S3SubPrefix= spaced /*" in shown.context["preview"].calls[0]


def test_foreign_grants_are_adopted_and_replaced(
    client: Client, location: Location, principal: Principal, gateway: Aws
) -> None:
    made, _ = gateway.access_grants.create_grant(
        location_id=location.aws_id,
        sub_prefix="old*",
        grantee=principal.arn,
        permission="READ",
        is_object=False,
        tags={},
    )
    confirm(client, "/admin/grants/reconcilerun/plan/", {})
    grant = Grant.objects.get(aws_id=made.id)
    assert grant.origin == "foreign"
    page = f"/admin/grants/grant/{grant.pk}/"
    answer = confirm(client, f"{page}adopt/", {"reason": "it is the pilot's"})
    assert "Adopted: 0 locations, 0 principals, 1 grants." in told(answer)
    assert "Kept" in told(confirm(client, f"{page}review/", {"reason": "still used"}))
    until = form(location, principal)["expires_at"]
    values = {"sub_prefix": "old/*", "permission": "READ", "expires_at": until, "reason": "the grammar"}
    answer = confirm(client, f"{page}replace/", values)
    assert told(answer).count("done in AWS") == 2
    assert Grant.objects.get(state="active", origin="managed").scope == f"{location.scope}old/*"
    assert gateway.access_grants.grant(made.id) is None


def test_a_plan_that_is_another_one_by_now_is_not_applied(
    location: Location, principal: Principal, gateway: Aws
) -> None:
    client = browser(person("administrator", "administrator"))
    given = []
    for prefix in ("a/*", "b/*"):
        grant, operation = grants.create(
            location=location, principal=principal, sub_prefix=prefix, permission="READ", actor=SYSTEM
        )
        given.append(carried_out(grant, operation, gateway))
    gateway.access_grants.delete_grant(given[0].aws_id)
    answer = confirm(client, "/admin/grants/reconcilerun/plan/", {})
    url = answer.redirect_chain[-1][0].replace("change/", "apply/")
    shown = client.get(url)
    assert len(shown.context["preview"].calls) == 1
    gateway.access_grants.delete_grant(given[1].aws_id)
    answer = client.post(url, {"step": "confirm", "seen": shown.context["seen"]}, follow=True)
    assert "another one by now" in told(answer)
    assert not Operation.objects.filter(reason="reconcile").exists()
    newest = answer.redirect_chain[-1][0].replace("change/", "apply/")
    assert newest != url
    answer = confirm(client, newest, {})
    assert "2 operations done in AWS" in told(answer)
    assert [len(table.rows) for table in answer.context["tables"]] == [2]


@pytest.mark.parametrize("everybody", [True, False])
def test_sessions_are_cut_without_touching_the_grant(
    location: Location, principal: Principal, gateway: Aws, everybody: bool
) -> None:
    client = browser(person("administrator", "administrator"))
    made, operation = grants.create(
        location=location, principal=principal, sub_prefix="data/*", permission="READ", actor=SYSTEM
    )
    grant = carried_out(made, operation, gateway)
    session, other = (issuance(grant, person(name)) for name in ("uploader", "neighbour"))
    values = {"which": "everybody"} if everybody else {"which": "named", "sessions": [str(session.pk)]}
    answer = confirm(client, f"/admin/grants/grant/{grant.pk}/cut/", {**values, "reason": "a lost laptop"})
    assert "done in AWS" in told(answer)
    policy = str(gateway.iam.role_policy(location.role_arn.rpartition("/")[2], "cellenium-admin-cut"))
    assert (session.aws_user_id in policy) is not everybody
    assert ("aws:TokenIssueTime" in policy) is everybody
    assert other.aws_user_id not in policy
    grant.refresh_from_db()
    assert grant.state == "active"


def test_cutting_nothing_is_refused_beside_its_field(location: Location, principal: Principal) -> None:
    client = browser(person("administrator", "administrator"))
    grant = build_grant(location=location, principal=principal)
    issuance(grant, person("uploader"))
    values = {"which": "named", "reason": "because", "step": "preview"}
    answer = client.post(f"/admin/grants/grant/{grant.pk}/cut/", values)
    assert "Choose at least one session" in str(answer.context["form"].errors["sessions"])
