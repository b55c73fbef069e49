"""IAM by boto3: the parts for users, groups and roles put together."""

from collections.abc import Iterator, Mapping
from typing import Any

from grants.aws.iam_groups import Boto3Groups
from grants.aws.iam_keys import Boto3Keys
from grants.aws.iam_roles import Boto3Roles
from grants.aws.iam_users import Boto3Users


class Boto3Iam(Boto3Users, Boto3Keys, Boto3Groups, Boto3Roles):
    """IAM of one account."""

    def account_details(self) -> Iterator[Mapping[str, Any]]:
        """Give all users, groups, roles and policies of the account as AWS describes them, page by page."""
        yield from self._caller.pages("get_account_authorization_details", sent="Marker", got="Marker", MaxItems=1000)
