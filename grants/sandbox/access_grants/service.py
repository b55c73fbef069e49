"""S3 Control as far as S3 Access Grants goes: 21 operations and the three for tags.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_AWS_S3_Control.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from grants.sandbox.access_grants import access_grants, constraints, data_access, instances, locations, pages, tags
from grants.sandbox.access_grants.desk import SCHEMA, TABLES, Desk, Operation
from grants.sandbox.calls import Call
from grants.sandbox.errors import AwsError, access_denied
from grants.sandbox.iam import IamService
from grants.sandbox.sessions import Sessions
from grants.sandbox.world import World

OPERATIONS: Mapping[str, Operation] = {
    "AssociateAccessGrantsIdentityCenter": instances.associate,
    "CreateAccessGrant": access_grants.create_grant,
    "CreateAccessGrantsInstance": instances.create_instance,
    "CreateAccessGrantsLocation": locations.create_location,
    "DeleteAccessGrant": access_grants.delete_grant,
    "DeleteAccessGrantsInstance": instances.delete_instance,
    "DeleteAccessGrantsInstanceResourcePolicy": instances.delete_policy,
    "DeleteAccessGrantsLocation": locations.delete_location,
    "DissociateAccessGrantsIdentityCenter": instances.dissociate,
    "GetAccessGrant": access_grants.get_grant,
    "GetAccessGrantsInstance": instances.get_instance,
    "GetAccessGrantsInstanceForPrefix": instances.get_instance_for_prefix,
    "GetAccessGrantsInstanceResourcePolicy": instances.get_policy,
    "GetAccessGrantsLocation": locations.get_location,
    "GetDataAccess": data_access.get_data_access,
    "ListAccessGrants": access_grants.list_grants,
    "ListAccessGrantsInstances": instances.list_instances,
    "ListAccessGrantsLocations": locations.list_locations,
    "ListCallerAccessGrants": data_access.list_caller_grants,
    "ListTagsForResource": tags.list_tags_for_resource,
    "PutAccessGrantsInstanceResourcePolicy": instances.put_policy,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateAccessGrantsLocation": locations.update_location,
}


class AccessGrantsService:
    """One account's S3 Access Grants; used from one thread."""

    SCHEMA = SCHEMA + pages.SCHEMA

    def __init__(self, world: World, iam: IamService, sessions: Sessions) -> None:
        """Keep everything in the world's memory; `iam` knows grantees and roles, `sessions` makes sessions."""
        self._world = world
        self._desk = Desk(world, iam, sessions, pages.Pages(world.state))

    def handle(self, call: Call) -> Mapping[str, Any]:
        """Answer one call with the members of its output in botocore's model; AwsError says no."""
        operation = OPERATIONS.get(call.operation)
        if operation is None:
            message = f"The sandbox does not have {call.operation}; docs/sandbox.md lists what it leaves out."
            raise AwsError("NotImplemented", message, 501)
        constraints.check(call.operation, call.parameters)
        if call.parameters["AccountId"] != self._world.account:
            raise access_denied(f"Account {call.parameters['AccountId']} is not this sandbox's {self._world.account}")
        return operation(self._desk, call)

    def seed_grants(self, grants: Iterable[Mapping[str, Any]]) -> int:
        """Make many grants at once, or none, each from CreateAccessGrant's parameters; see `access_grants.seed`."""
        return access_grants.seed(self._desk, grants)

    def reset(self) -> None:
        """Forget everything."""
        with self._world.state.transaction():
            for table in TABLES:
                self._world.state.run(f"DELETE FROM {table}")  # noqa: S608 - our names
