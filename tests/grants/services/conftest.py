"""A stack as the services find it: an instance, a role that serves a bucket, a group of uploaders."""

import pytest

from grants import policies, stack_policies
from grants.aws.gateway import Aws
from grants.services import ownership
from tests.support.sandbox import Aws as Sandbox


class Stack:
    """What `access up` makes, made by hand."""

    def __init__(self, aws: Sandbox, gateway: Aws, group: str) -> None:
        self.aws, self.gateway, self.group = aws, gateway, group
        if gateway.access_grants.instance() is None:
            gateway.access_grants.create_instance({})
        if not gateway.iam.group_exists(group):
            gateway.iam.create_group(group, ownership.PATH)
            document = stack_policies.uploader_group(gateway.instance_arn)
            gateway.iam.put_group_policy(group, "access-grants", document)
        self.bucket = aws.make_bucket()
        self.role_arn = self.make_role()
        self.scope = f"s3://{self.bucket}/"

    def make_role(self) -> str:
        bucket = f"arn:aws:s3:::{self.bucket}"
        allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": [bucket, f"{bucket}/*"]}
        trust = policies.location_trust(self.gateway.instance_arn)
        document = {"Version": "2012-10-17", "Statement": [allowed]}
        return self.aws.make_role(trust, document, MaxSessionDuration=43200)


@pytest.fixture
def stack(aws: Sandbox, gateway: Aws, settings: pytest.FixtureRequest) -> Stack:
    return Stack(aws, gateway, settings.UPLOADER_GROUP)
