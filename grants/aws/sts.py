"""STS by boto3: who we are, and whom we become."""

from collections.abc import Mapping
from typing import Any

from grants.aws.access_grants import Boto3AccessGrants, session_of
from grants.aws.calls import Caller
from grants.aws.documents import written
from grants.aws.gateway import CallerIdentity, Session


class Boto3Sts:
    """STS of one Region."""

    def __init__(self, caller: Caller, region: str) -> None:
        """Speak through a client of STS."""
        self._caller, self._region = caller, region

    def caller(self) -> CallerIdentity:
        """Tell whom AWS takes us for."""
        return _identity(self._caller.ask("get_caller_identity"))

    def assume_role(
        self,
        role_arn: str,
        *,
        session_name: str,
        duration_seconds: int,
        policy: Mapping[str, Any] | None = None,
        source_identity: str = "",
    ) -> Session:
        """Become a role for a while, limited by a session policy where one is given."""
        more: dict[str, Any] = {"Policy": written(policy)} if policy is not None else {}
        if source_identity:
            more["SourceIdentity"] = source_identity
        answer, _ = self._caller.change(
            "assume_role",
            RoleArn=role_arn,
            RoleSessionName=session_name,
            DurationSeconds=duration_seconds,
            **more,
        )
        return session_of(answer["Credentials"], aws_user_id=answer["AssumedRoleUser"]["AssumedRoleId"])

    def caller_of(self, session: Session) -> CallerIdentity:
        """Tell whom AWS takes the bearer of a session for."""
        theirs = Caller("sts", region=self._region, credentials=credentials_of(session))
        return _identity(theirs.ask("get_caller_identity"))

    def access_grants_of(self, session: Session) -> Boto3AccessGrants:
        """Speak to S3 Access Grants as the bearer of a session."""
        account = self.caller_of(session).account
        return Boto3AccessGrants(Caller("s3control", region=self._region, credentials=credentials_of(session)), account)


def credentials_of(session: Session) -> dict[str, str]:
    """Give the credentials of a session as boto3 takes them."""
    return {
        "aws_access_key_id": session.access_key_id,
        "aws_secret_access_key": session.secret_access_key.reveal(),
        "aws_session_token": session.session_token.reveal(),
    }


def _identity(found: Mapping[str, Any]) -> CallerIdentity:
    return CallerIdentity(account=found["Account"], arn=found["Arn"], user_id=found["UserId"])
