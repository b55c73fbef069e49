"""A hundred thousand grants on a thousand locations: reconcile, lists, explanations: `python -m tests.bench.grants`.

PostgreSQL and the sandbox are processes of their own on this machine, so what they need is in the times. `--few` is a
tenth of everything.
"""

import argparse
import os
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from grants.sandbox.assembly import Sandbox
from grants.sandbox.embedded import EmbeddedSandbox
from tests.bench.audit import database
from tests.support.sandbox import Aws, allow, document

USERS = 200
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "access-grants.s3.amazonaws.com"},
    "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
}


def fill_aws(directory: Path, locations: int, grants: int) -> EmbeddedSandbox:
    """Make users, locations and grants as the product would have, and start the sandbox on them."""
    sandbox = EmbeddedSandbox(directory)
    sandbox.start()
    aws = Aws(sandbox)
    aws("s3").create_bucket(Bucket="bench-grants", CreateBucketConfiguration={"LocationConstraint": sandbox.region})
    role = aws.make_role(document(TRUST), allow("s3:*"), name="bench-location")
    control, iam = aws("s3control"), aws("iam")
    control.create_access_grants_instance(AccountId=sandbox.account)
    made = [
        control.create_access_grants_location(
            AccountId=sandbox.account, LocationScope=f"s3://bench-grants/lab-{number:04}/", IAMRoleArn=role
        )["AccessGrantsLocationId"]
        for number in range(locations)
    ]
    iam.create_group(GroupName="cellenium-admin-uploaders", Path="/cellenium-admin/")
    users = []
    for number in range(USERS):
        user = iam.create_user(UserName=f"bench-{number}", Path="/cellenium-admin/")["User"]
        iam.add_user_to_group(UserName=user["UserName"], GroupName="cellenium-admin-uploaders")
        users.append(user["Arn"])
    sandbox.stop()
    inside = Sandbox(directory)
    inside.access_grants.seed_grants(
        {
            "AccessGrantsLocationId": made[number % locations],
            "AccessGrantsLocationConfiguration": {"S3SubPrefix": f"project-{number:06}/*"},
            "Grantee": {"GranteeType": "IAM", "GranteeIdentifier": users[number % USERS]},
            "Permission": "READ",
            "Tags": [{"Key": "cellenium-admin:deployment", "Value": "cellenium-admin"}],
        }
        for number in range(grants)
    )
    inside.close()
    sandbox.start()
    return sandbox


def fill_database(aws: Any) -> float:
    """Make the rows that belong to what AWS has; give the seconds the listing took."""
    from grants.models import Grant, Location, Principal

    state = {"state": "active", "confirmed_at": timezone.now() - timedelta(days=1)}
    Location.objects.bulk_create(
        Location(aws_id=one.id, arn=one.arn, scope=one.scope, role_arn=one.role_arn, **state)
        for one in aws.access_grants.locations()
    )
    Principal.objects.bulk_create(
        Principal(name=one.name, arn=one.arn, unique_id=one.unique_id, **state)
        for one in aws.iam.users("/cellenium-admin/")
    )
    started = time.monotonic()
    seen = list(aws.access_grants.grants())
    listing = time.monotonic() - started
    locations = dict(Location.objects.values_list("aws_id", "pk"))
    principals = dict(Principal.objects.values_list("arn", "pk"))
    rows = (row(one, locations[one.location_id], principals[one.grantee], state) for one in seen)
    Grant.objects.bulk_create(rows, batch_size=5000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE grants_grant")
    return listing


def row(seen: Any, location: uuid.UUID, principal: uuid.UUID, state: dict[str, Any]) -> Any:
    """Make the row of a grant that AWS has."""
    from grants.models import Grant

    return Grant(
        aws_id=seen.id,
        arn=seen.arn,
        location_id=location,
        principal_id=principal,
        permission=seen.permission,
        sub_prefix=seen.sub_prefix,
        scope=seen.scope,
        expires_at=timezone.now() + timedelta(days=30),
        **state,
    )


def memory(name: str) -> float:
    """Give what the kernel knows of this process's memory, in MiB: VmRSS now, VmHWM at most."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1]) / 1024


def measured(what: str, call: Callable[[], Any]) -> None:
    """Print the time, the queries and the growth of memory of a call."""
    Path("/proc/self/clear_refs").write_text("5")  # let the most begin anew
    before, started = memory("VmRSS"), time.monotonic()
    with CaptureQueriesContext(connection) as queries:
        call()
    seconds = time.monotonic() - started
    print(
        f"{what:<58} {seconds:>8.3f} s {len(queries):>5} queries {memory('VmHWM') - before:>7.0f} MiB more", flush=True
    )


def pages(count: int) -> None:
    """Ask for the lists as people and programs do."""
    from django.test import Client

    from tests.builders.people import caller, person

    administrator = person(f"administrator-{count}", "administrator")
    browser, program = Client(), caller(administrator, ("read",))
    browser.force_login(administrator)
    for what, address in (
        ("admin: list of grants", "/admin/grants/grant/"),
        ("admin: grants, filtered and searched", "/admin/grants/grant/?q=project-0000&state=active"),
    ):
        browser.get(address)
        measured(f"{what}, {count} rows", lambda address=address: good(browser.get(address)))
    for address in ("/api/v1/grants", "/api/v1/grants?state=active&limit=100"):
        program.get(address)
        measured(f"GET {address}, {count} rows", lambda address=address: good(program.get(address)))


def good(answer: Any) -> None:
    """Insist on an answer."""
    assert answer.status_code == 200, answer.content[:300]


def explanations(aws: Any) -> None:
    """Ask who reaches a key."""
    from grants.services import explain

    key = "s3://bench-grants/lab-0007/project-000007/some/file.h5ad"
    explain.who_can_reach(key_uri=key, aws=aws)
    measured("who can reach a key", lambda: explain.who_can_reach(key_uri=key, aws=aws))


def reconciled(aws: Any, control: Any, listing: float) -> None:
    """Compare all of it, twice: the second time nothing is to be noted."""
    from cellenium_admin.core.context import Actor
    from grants.models import Grant
    from grants.services import reconcile

    actor = Actor.system("bench")
    for time_ in ("first", "second"):
        control.clear_calls()
        measured(f"reconcile, the {time_} time", lambda: reconcile.plan(aws=aws, actor=actor))
        calls = control.calls()
        listed = [call for call in calls if call["operation"] == "ListAccessGrants"]
        print(f"{'':<58} {len(calls)} calls to AWS, {len(listed)} of them pages of grants")
    print(f"{'':<58} of which listing the grants takes {listing:.1f} s on the sandbox")
    grant = Grant.objects.order_by("pk").first()
    aws.access_grants.delete_grant(grant.aws_id)
    run = reconcile.plan(aws=aws, actor=actor)
    # What was seeded past the API carries no tags, so a sample of it is found to have lost them.
    assert run.counts["grant_missing"] == 1, run.counts


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", action="store_true", help="a tenth of everything")
    few = parser.parse_args().few
    locations, grants = (100, 10_000) if few else (1_000, 100_000)
    with database(), tempfile.TemporaryDirectory(prefix="bench-grants-", dir="/var/tmp") as directory:
        from grants.aws.factory import connect

        sandbox = fill_aws(Path(directory) / "aws", locations, grants)
        try:
            os.environ.update(sandbox.environment())
            aws = connect()
            pages(0)
            listing = fill_database(aws)
            print(f"{locations} locations, {grants} grants, {USERS} users")
            pages(grants)
            explanations(aws)
            reconciled(aws, sandbox.control, listing)
        finally:
            sandbox.stop()


if __name__ == "__main__":
    main()
