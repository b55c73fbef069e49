"""A bucket with a location on it, in the account that the gateway speaks to."""

from dataclasses import dataclass

import pytest

from grants.aws.gateway import Aws, ObservedGrant, ObservedLocation
from tests.support.sandbox import Aws as Sandbox
from tests.support.sandbox import allow


@dataclass(frozen=True)
class Place:
    """A bucket of its own, the role that serves it, and the location registered for it."""

    gateway: Aws
    sandbox: Sandbox
    bucket: str
    role_arn: str
    location: ObservedLocation

    def role(self) -> str:
        """Make another role that may serve the bucket."""
        return serving_role(self.sandbox, self.bucket)

    def grant(self, grantee: str, sub_prefix: str = "a/*", permission: str = "READ") -> ObservedGrant:
        """Give a grant without tags."""
        return self.gateway.access_grants.create_grant(
            location_id=self.location.id,
            sub_prefix=sub_prefix,
            grantee=grantee,
            permission=permission,
            is_object=not sub_prefix.endswith("*"),
            tags={},
        )[0]


def serving_role(sandbox: Sandbox, bucket: str) -> str:
    """Make a role that S3 Access Grants may assume."""
    service = {"Service": "access-grants.s3.amazonaws.com"}
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": service, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}],
    }
    data = allow("s3:*", [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"])
    return sandbox.make_role(trust, data, MaxSessionDuration=43_200)


@pytest.fixture
def place(gateway: Aws, aws: Sandbox) -> Place:
    """Give a location on a new bucket."""
    if gateway.access_grants.instance() is None:
        gateway.access_grants.create_instance({})
    bucket = aws.make_bucket()
    role_arn = serving_role(aws, bucket)
    location, _ = gateway.access_grants.create_location(f"s3://{bucket}/", role_arn, {})
    return Place(gateway, aws, bucket, role_arn, location)
