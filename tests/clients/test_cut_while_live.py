"""A principal with the AWS CLI and with the official plugin, under grants of ours; then cut while they work."""

import pytest

from grants.services import cuts, grants, operations
from tests.clients.conftest import Reader
from tests.support.clients import ProgramWithPlugin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_with_the_aws_cli(reader: Reader) -> None:
    world, terminal, bucket = reader.world, reader.terminal(), reader.world.stack.bucket
    account = f"--account-id {world.aws.account}"
    listed = terminal.told(f"aws s3control list-caller-access-grants {account} --output json")
    assert [grant["GrantScope"] for grant in listed["CallerAccessGrantsList"]] == [reader.scope]
    asked = f"aws s3control get-data-access {account} --target '{reader.scope}' --permission READWRITE --output json"
    session = terminal.with_(terminal.told(asked)["Credentials"])
    assert session.good(f"aws s3 cp s3://{bucket}/data/one -") == "one"
    session.good(f"echo three | aws s3 cp - s3://{bucket}/data/three")
    assert "Forbidden" in session.refused(f"aws s3 cp s3://{bucket}/other/two -")
    assert "Forbidden" in terminal.refused(f"aws s3 cp s3://{bucket}/data/one -"), "the key itself reads nothing"

    grant = world.principal.grants.get()
    _, revoking = grants.revoke(grant=grant, actor=world.actor, reason="a lost laptop")
    world.done(revoking)
    assert session.good(f"aws s3 cp s3://{bucket}/data/one -") == "one", "AWS lets sessions live on"
    [(_, cutting)] = cuts.cut_of_grant(grant=grant, everybody=True, actor=world.actor, reason="a lost laptop")
    operations.execute(operation_id=cutting.pk, aws=world.aws)
    assert "Forbidden" in session.refused(f"aws s3 cp s3://{bucket}/data/one -")
    assert "AccessDenied" in terminal.refused(asked)
    assert terminal.told(f"aws s3control list-caller-access-grants {account} --output json") in (
        {},
        {"CallerAccessGrantsList": []},
    )


def test_with_the_official_plugin(reader: Reader) -> None:
    world, bucket = reader.world, reader.world.stack.bucket
    with ProgramWithPlugin(reader.variables) as program:
        assert "answer" in program.does("get_object", Bucket=bucket, Key="data/one")
        assert "answer" in program.does("put_object", Bucket=bucket, Key="data/four", Body="4")
        assert program.does("get_object", Bucket=bucket, Key="other/two").get("error")
        grant = world.principal.grants.get()
        _, revoking = grants.revoke(grant=grant, actor=world.actor, reason="a lost laptop")
        [(_, cutting)] = cuts.cut_of_grant(grant=grant, everybody=True, actor=world.actor, reason="a lost laptop")
        world.done(revoking, cutting)
        assert program.does("get_object", Bucket=bucket, Key="data/one").get("error") == "AccessDenied"
