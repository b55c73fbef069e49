"""Every verb of `cellenium-admin access`: what it prints, what it changes, and its exit code."""

import json
from pathlib import Path

import pytest

from grants.aws.gateway import Aws
from grants.models import Grant, Location, Operation, Principal
from tests.builders.grants import grant as make_grant
from tests.builders.people import person
from tests.grants.commands.conftest import Terminal
from tests.grants.services.test_keys_cuts_and_credentials import stored_text
from tests.support.sandbox import Aws as Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


def test_up_plan_and_destroy(terminal: Terminal, gateway: Aws) -> None:
    plan = terminal.type("plan", "--output", "json")
    assert plan.code == 3
    assert {step["status"] for step in plan.json} <= {"missing", "ok"}
    refused = terminal.type("up")
    assert (refused.code, "say --yes" in refused.told) == (2, True)
    assert gateway.buckets.bucket(terminal.bucket) is None
    assert "uploader group" in terminal.good("up", "--yes").output
    assert terminal.type("plan").code == 0
    assert "kept" in terminal.good("destroy", "--yes").told
    assert gateway.buckets.bucket(terminal.bucket) is not None
    wrong = terminal.type("destroy", "--yes", "--bucket", "another")
    assert (wrong.code, "nothing was done" in wrong.told) == (1, True)
    terminal.good("destroy", "--yes", "--bucket", terminal.bucket)
    assert gateway.buckets.bucket(terminal.bucket) is None


def test_what_is_printed_is_what_is_made(up: Terminal, gateway: Aws, tmp_path: Path) -> None:
    up.good("up", "--print", "--to", str(tmp_path))
    role = Location.objects.get(origin="managed").role_arn.rpartition("/")[2]
    printed = json.loads((tmp_path / "location-role-policy.json").read_text())
    found = gateway.iam.role(role)
    assert found is not None
    assert printed == gateway.iam.role_policy(role, "cellenium-admin")
    assert json.loads((tmp_path / "location-role-trust.json").read_text()) == found.trust
    assert f"arn:aws:s3:::{up.bucket}*" not in up.good("up", "--print").output
    assert f"--location-scope s3://{up.bucket}/" in (tmp_path / "checklist.sh").read_text()


def test_a_user_a_grant_and_their_end(up: Terminal, aws: Sandbox, gateway: Aws) -> None:
    person("uploader")
    name = aws.name("reader")
    made = up.good("create", "user", name, "--for", "uploader@example.org", "--key-format", "json")
    key = made.json
    assert "shown this once" in made.told
    assert key["SecretAccessKey"] not in made.told + stored_text()
    identity = aws("sts", key).get_caller_identity()
    assert identity["Arn"].endswith(f"/{name}")
    scope = f"s3://{up.bucket}"
    grant = up.told("create", "grant", name, scope, "data/*", "--permission", "READWRITE", "--expires", "30d")
    assert (grant["scope"], grant["state"]) == (f"{scope}/data/*", "active")
    assert gateway.access_grants.grant(grant["id"]) is not None
    listed = {row["id"]: row for row in up.told("list", "grant")}
    assert listed[grant["id"]]["principal"] == name
    assert next(row for row in up.told("list", "user") if row["name"] == name)["account"] == "uploader@example.org"
    assert f"{scope}/" in [row["scope"] for row in up.told("list", "location")]
    up.good("extend", grant["id"], "60d", "--reason", "more work")
    assert up.told("key", "list", name)[0]["id"] == key["AccessKeyId"]
    rotated = up.good("key", "rotate", name, "--key-format", "profile").output
    assert rotated.startswith(f"[{name}]")
    up.good("key", "delete", name, key["AccessKeyId"], "--yes")
    assert up.type("reconcile").code == 0
    deleted = up.good("delete", "grant", grant["id"], "--cut", "all", "--yes")
    assert "DeleteAccessGrant" in deleted.told
    assert not [row for row in up.told("list", "grant") if up.bucket in row["scope"]]
    gone = up.good("delete", "user", name, "--yes")
    assert "RemoveUserFromGroup" in gone.told
    assert gateway.iam.user(name) is None
    assert not Principal.objects.existing().filter(origin="managed").exists()


def test_reconcile_shows_and_applies(up: Terminal, aws: Sandbox, gateway: Aws) -> None:
    name = aws.name("reader")
    up.good("create", "user", name, "--no-key")
    grant = up.told("create", "grant", name, f"s3://{up.bucket}", "data/*")
    gateway.access_grants.delete_grant(grant["id"])
    found = up.type("reconcile")
    assert (found.code, "grant_missing" in found.output) == (3, True)
    up.good("reconcile", "--apply", "--yes")
    assert gateway.access_grants.grant(Grant.objects.get(origin="managed").aws_id) is not None
    assert up.type("reconcile").code == 0


def test_adopt_takes_over(up: Terminal, aws: Sandbox, gateway: Aws) -> None:
    user = aws.make_user()
    location = Location.objects.get(origin="managed")
    made, _ = gateway.access_grants.create_grant(
        location_id=location.aws_id, sub_prefix="*", grantee=user["Arn"], permission="READ", is_object=False, tags={}
    )
    assert up.type("reconcile").code == 0, "what is foreign is reported, there is nothing to do"
    assert up.told("adopt", "--all")["grants"] >= 1
    assert Grant.objects.get(aws_id=made.id).origin == "adopted"
    up.good("delete", "grant", made.id, "--yes")
    assert gateway.access_grants.grant(made.id) is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("delete", "grant", "nonsense", "--yes"), "access list grant"),
        (("delete", "user", "nobody", "--yes"), "access list user"),
        (("create", "grant", "nobody", "s3://nowhere", "a/*"), "list"),
        (("create", "user", "two words"), "user name"),
        (("create", "location", "nonsense", "arn:aws:iam::1:role/x"), "s3://"),
        (("extend", "nonsense", "30d", "--reason", "x"), "access list grant"),
        (("retry", "nonsense"), "access list operation"),
        (("adopt", "--grant", "nonsense"), "access list grant"),
    ],
)
def test_mistakes_are_told_in_one_sentence(terminal: Terminal, words: tuple[str, ...], says: str) -> None:
    typed = terminal.type(*words)
    assert typed.code == 1
    assert says in typed.told
    assert "Traceback" not in typed.told


def test_a_wrong_date_names_what_is_taken(up: Terminal, aws: Sandbox) -> None:
    name = aws.name("reader")
    up.good("create", "user", name, "--no-key")
    for wrong in ("yesterday", "2027-99-99", "2027-01-01T00:00:00", "d"):
        typed = up.type("create", "grant", name, f"s3://{up.bucket}", "a/*", "--expires", wrong)
        assert (typed.code, "30d" in typed.told) == (1, True), wrong
    assert up.type("create", "grant", name, f"s3://{up.bucket}", "data*").code == 1
    assert not Operation.objects.filter(kind="create_grant").exists()


def test_aws_saying_no_is_one_sentence(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong" * 8)
    typed = terminal.type("plan")
    assert (typed.code, "AWS says no" in typed.told) == (1, True)


def test_lists_are_complete_and_cannot_steer_a_terminal(terminal: Terminal) -> None:
    first = make_grant(sub_prefix="evil\x1b[2J/*", scope="s3://bucket/evil\x1b[2J/*")
    for number in range(150):
        make_grant(location=first.location, principal=first.principal, sub_prefix=f"n{number}/*")
    assert len(terminal.told("list", "grant")) == 151
    table = terminal.good("list", "grant").output
    assert "\x1b" not in table
    assert "\\x1b[2J" in table
    assert len(table.splitlines()) == 152
