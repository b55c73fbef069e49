"""S3 Access Grants by boto3.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_AWS_S3_Control.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from grants.aws.calls import Caller, tag_dict, tag_list
from grants.aws.gateway import ObservedGrant, ObservedInstance, ObservedLocation, Receipt, Session
from grants.aws.secret import Secret

PAGE = 1000


class Boto3AccessGrants:
    """The S3 Access Grants instance of one account and Region."""

    def __init__(self, caller: Caller, account: str) -> None:
        """Speak through a client of S3 Control for an account."""
        self._caller, self._account = caller, account

    def instance(self) -> ObservedInstance | None:
        """Give the instance, or None."""
        found = self._caller.ask_or_none("get_access_grants_instance", AccountId=self._account)
        return None if found is None else _instance(found)

    def create_instance(self, tags: Mapping[str, str]) -> tuple[ObservedInstance, Receipt]:
        """Make the instance."""
        made, receipt = self._change("create_access_grants_instance", Tags=tag_list(tags))
        return _instance(made), receipt

    def delete_instance(self) -> Receipt:
        """Delete the instance, once it is empty."""
        return self._change("delete_access_grants_instance")[1]

    def locations(self) -> Iterator[ObservedLocation]:
        """Give all locations."""
        pages = self._caller.pages("list_access_grants_locations", AccountId=self._account, MaxResults=PAGE)
        for page in pages:
            yield from map(_location, page.get("AccessGrantsLocationsList", ()))

    def location(self, location_id: str) -> ObservedLocation | None:
        """Give one location, or None."""
        found = self._caller.ask_or_none(
            "get_access_grants_location", AccountId=self._account, AccessGrantsLocationId=location_id
        )
        return None if found is None else _location(found)

    def create_location(self, scope: str, role_arn: str, tags: Mapping[str, str]) -> tuple[ObservedLocation, Receipt]:
        """Register a prefix."""
        made, receipt = self._change(
            "create_access_grants_location", LocationScope=scope, IAMRoleArn=role_arn, Tags=tag_list(tags)
        )
        return _location(made), receipt

    def update_location(self, location_id: str, role_arn: str) -> Receipt:
        """Let another role serve a location."""
        wish = {"AccessGrantsLocationId": location_id, "IAMRoleArn": role_arn}
        return self._change("update_access_grants_location", **wish)[1]

    def delete_location(self, location_id: str) -> Receipt:
        """Delete a location, once no grant is on it."""
        return self._change("delete_access_grants_location", AccessGrantsLocationId=location_id)[1]

    def grants(self, *, grantee: str = "", scope: str = "", permission: str = "") -> Iterator[ObservedGrant]:
        """Give all grants, of a grantee, scope and permission where these are given."""
        wish: dict[str, Any] = {"GrantScope": scope, "Permission": permission}
        if grantee:
            wish |= {"GranteeType": "IAM", "GranteeIdentifier": grantee}
        given = {name: value for name, value in wish.items() if value}
        for page in self._caller.pages("list_access_grants", AccountId=self._account, MaxResults=PAGE, **given):
            yield from map(_grant, page.get("AccessGrantsList", ()))

    def grant(self, grant_id: str) -> ObservedGrant | None:
        """Give one grant, or None."""
        found = self._caller.ask_or_none("get_access_grant", AccountId=self._account, AccessGrantId=grant_id)
        return None if found is None else _grant(found)

    def create_grant(
        self,
        *,
        location_id: str,
        sub_prefix: str,
        grantee: str,
        permission: str,
        is_object: bool,
        tags: Mapping[str, str],
    ) -> tuple[ObservedGrant, Receipt]:
        """Give a grant to an IAM identity."""
        more = {"S3PrefixType": "Object"} if is_object else {}
        made, receipt = self._change(
            "create_access_grant",
            AccessGrantsLocationId=location_id,
            AccessGrantsLocationConfiguration={"S3SubPrefix": sub_prefix},
            Grantee={"GranteeType": "IAM", "GranteeIdentifier": grantee},
            Permission=permission,
            Tags=tag_list(tags),
            **more,
        )
        return _grant(made), receipt

    def delete_grant(self, grant_id: str) -> Receipt:
        """Delete a grant; sessions it has given live on."""
        return self._change("delete_access_grant", AccessGrantId=grant_id)[1]

    def tags(self, arn: str) -> dict[str, str]:
        """Give the tags of an instance, a location or a grant."""
        found = self._caller.ask("list_tags_for_resource", AccountId=self._account, ResourceArn=arn)
        return tag_dict(found.get("Tags", []))

    def tag(self, arn: str, tags: Mapping[str, str]) -> Receipt:
        """Add tags, or change their values."""
        return self._change("tag_resource", ResourceArn=arn, Tags=tag_list(tags))[1]

    def data_access(
        self,
        *,
        target: str,
        permission: str,
        duration_seconds: int,
        minimal: bool = False,
        is_object: bool = False,
        audit_context: str = "",
    ) -> Session:
        """Ask for credentials under the closest grant of whoever asks."""
        more = {"TargetType": "Object"} if is_object and minimal else {}
        if audit_context:
            more["AuditContext"] = audit_context
        answer, _ = self._change(
            "get_data_access",
            Target=target,
            Permission=permission,
            DurationSeconds=duration_seconds,
            Privilege="Minimal" if minimal else "Default",
            **more,
        )
        return session_of(answer["Credentials"], answer.get("MatchedGrantTarget", ""))

    def _change(self, operation: str, **parameters: Any) -> tuple[dict[str, Any], Receipt]:
        return self._caller.change(operation, AccountId=self._account, **parameters)


def session_of(credentials: Mapping[str, Any], matched_scope: str = "", aws_user_id: str = "") -> Session:
    """Give the credentials of an answer, the secrets wrapped."""
    return Session(
        access_key_id=credentials["AccessKeyId"],
        secret_access_key=Secret(credentials["SecretAccessKey"]),
        session_token=Secret(credentials["SessionToken"]),
        expires_at=credentials["Expiration"],
        matched_scope=matched_scope,
        aws_user_id=aws_user_id,
    )


def _instance(found: Mapping[str, Any]) -> ObservedInstance:
    return ObservedInstance(found["AccessGrantsInstanceId"], found["AccessGrantsInstanceArn"], found["CreatedAt"])


def _location(found: Mapping[str, Any]) -> ObservedLocation:
    return ObservedLocation(
        id=found["AccessGrantsLocationId"],
        arn=found["AccessGrantsLocationArn"],
        scope=found["LocationScope"],
        role_arn=found["IAMRoleArn"],
        created_at=found["CreatedAt"],
    )


def _grant(found: Mapping[str, Any]) -> ObservedGrant:
    return ObservedGrant(
        id=found["AccessGrantId"],
        arn=found["AccessGrantArn"],
        location_id=found["AccessGrantsLocationId"],
        scope=found["GrantScope"],
        sub_prefix=(found.get("AccessGrantsLocationConfiguration") or {}).get("S3SubPrefix") or "",
        permission=found["Permission"],
        grantee_type=found["Grantee"]["GranteeType"],
        grantee=found["Grantee"]["GranteeIdentifier"],
        application_arn=found.get("ApplicationArn") or "",
        created_at=found["CreatedAt"],
    )
