"""Small random accounts in the sandbox: users, groups, roles, policies, a bucket policy, locations and grants.

Made twice: in the sandbox, which judges, and as rows, which explanations are made of.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from grants import policies, scopes
from grants.aws.errors import AwsExistsError
from grants.aws.gateway import Aws as Gateway
from tests.builders import grants as rows
from tests.support.sandbox import Aws, document, trusting

KEYS = ("a/x", "a/b/y", "ab/z", "c")
ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket")
PERMISSIONS = ("READ", "WRITE", "READWRITE")
CHOICES = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "s3:Get*", "s3:*Object", "s3:*")
PREFIXES = ("", "a*", "a/*", "a/b/*", "ab/z", "${aws:username}/*", "*b*")


@dataclass
class Somebody:
    """A user with its key, or a role that one user may become."""

    name: str
    arn: str
    credentials: dict[str, str] = field(default_factory=dict)


class World:
    """One random account; whoever has the seed has the account."""

    def __init__(self, aws: Aws, gateway: Gateway, seed: int) -> None:
        self.aws, self.gateway, self.random = aws, gateway, random.Random(seed)
        self._session = boto3.Session()
        self._clients: dict[tuple[str, str], Any] = {}
        self._sessions: dict[tuple[str, str], dict[str, str] | None] = {}
        self._vended: dict[tuple[str, str, str], dict[str, Any] | None] = {}
        if gateway.access_grants.instance() is None:
            gateway.access_grants.create_instance({})
        self.bucket = aws.make_bucket()
        for key in KEYS:
            self.put(key)
        self.users = [self._user(name) for name in ("one", "two", "three")]
        self.roles = [self._role() for _ in range(2)]
        self._bucket_policy()
        self.locations = [self._location(scope) for scope in self.random.sample(["", "a/", "a*", "ab/"], 2)]
        self.grants = [grant for _ in range(6) if (grant := self._grant()) is not None]

    def put(self, key: str) -> None:
        """Write an object as the root."""
        self.aws("s3").put_object(Bucket=self.bucket, Key=key, Body=b"x")

    def uri(self, key: str) -> str:
        """Give the address of a key."""
        return f"s3://{self.bucket}/{key}"

    def done(self, credentials: Mapping[str, str], key: str, prefixes: tuple[str | None, ...]) -> set[str]:
        """Give the actions that S3 really allows on a key; a list is allowed when one of the prefixes is."""
        s3, place = self._client("s3", credentials), {"Bucket": self.bucket, "Key": key}
        found = set()
        if allowed(s3.get_object, **place):
            found.add("s3:GetObject")
        if allowed(s3.put_object, **place, Body=b"y"):
            found.add("s3:PutObject")
        if allowed(s3.delete_object, **place):
            found.add("s3:DeleteObject")
            self.put(key)
        if any(self.lists(credentials, prefix) for prefix in prefixes):
            found.add("s3:ListBucket")
        return found

    def lists(self, credentials: Mapping[str, str], prefix: str | None) -> bool:
        """Tell whether S3 allows a list of a prefix, or without one."""
        given = {} if prefix is None else {"Prefix": prefix}
        return allowed(self._client("s3", credentials).list_objects_v2, Bucket=self.bucket, **given)

    def assume(self, role: Somebody, credentials: Mapping[str, str]) -> dict[str, str] | None:
        """Give a session of a role, begun once; None when STS says no."""
        key = (role.arn, credentials["AccessKeyId"])
        if key not in self._sessions:
            sts = self._client("sts", credentials)
            try:
                answer = sts.assume_role(RoleArn=role.arn, RoleSessionName="test")
            except ClientError:
                answer = {"Credentials": None}
            self._sessions[key] = answer["Credentials"]
        return self._sessions[key]

    def data_access(self, credentials: Mapping[str, str], target: str, permission: str) -> dict[str, Any] | None:
        """Ask S3 Access Grants once; None when it says no."""
        key = (target, permission, credentials["AccessKeyId"])
        if key not in self._vended:
            self._vended[key] = self._ask(credentials, target, permission)
        return self._vended[key]

    def _ask(self, credentials: Mapping[str, str], target: str, permission: str) -> dict[str, Any] | None:
        control = self._client("s3control", credentials)
        try:
            answer: dict[str, Any] = control.get_data_access(
                AccountId=self.aws.account, Target=target, Permission=permission
            )
        except ClientError:
            return None
        return answer

    def tear_down(self) -> None:
        """Take away what the next account would be read together with, and what is counted."""
        for grant in self.grants:
            self.gateway.access_grants.delete_grant(grant.aws_id)
        for location in self.locations:
            self.gateway.access_grants.delete_location(location.aws_id)
        iam = self.gateway.iam
        for user in self.users:
            for kind, identity in iam.user_belongings(user.name).in_order():
                iam.remove_belonging(user.name, kind, identity)
            iam.delete_user(user.name)
        for name in (*(role.name for role in self.roles), *(row.role_arn.rpartition("/")[2] for row in self.locations)):
            for policy in iam.role_policies(name):
                iam.delete_role_policy(name, policy)
            iam.delete_role(name)

    def _client(self, service: str, credentials: Mapping[str, str]) -> Any:
        """Make a client once: that takes longer than a call."""
        key = (service, credentials["AccessKeyId"])
        if key not in self._clients:
            self._clients[key] = self._new_client(service, self.aws.sandbox.environment(credentials))
        return self._clients[key]

    def _new_client(self, service: str, variables: Mapping[str, str]) -> Any:
        of_control = service == "s3control"
        proxies = {"proxies": {"http": variables["HTTP_PROXY"]}} if of_control else {}
        return self._session.client(
            service,
            endpoint_url=variables["AWS_ENDPOINT_URL_S3_CONTROL" if of_control else "AWS_ENDPOINT_URL"],
            region_name=variables["AWS_REGION"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=variables.get("AWS_SESSION_TOKEN"),
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, **proxies),
        )

    def _user(self, name: str) -> Somebody:
        made = self.aws.make_user(*self._policies(2), self._may_ask(0.8), name=self.aws.name(name))
        if self.random.random() < 0.5:
            self._in_a_group(made["UserName"])
        return Somebody(made["UserName"], made["Arn"], made)

    def _in_a_group(self, user: str) -> None:
        iam, group = self.aws("iam"), self.aws.name("group")
        iam.create_group(GroupName=group)
        for number, policy in enumerate(self._policies(1)):
            iam.put_group_policy(GroupName=group, PolicyName=f"p{number}", PolicyDocument=json.dumps(policy))
        text = json.dumps(self._policy())
        managed = iam.create_policy(PolicyName=self.aws.name("managed"), PolicyDocument=text)["Policy"]["Arn"]
        iam.attach_group_policy(GroupName=group, PolicyArn=managed)
        iam.add_user_to_group(GroupName=group, UserName=user)

    def _role(self) -> Somebody:
        trusted = self.random.choice([self.users[0].arn, f"arn:aws:iam::{self.aws.account}:root"])
        arn = self.aws.make_role(trusting(trusted), *self._policies(1), self._may_ask(0.5))
        if self.random.random() < 0.6:
            may = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn})
            who = self.random.choice(self.users).name
            self.aws("iam").put_user_policy(UserName=who, PolicyName="assume", PolicyDocument=json.dumps(may))
        return Somebody(arn.rpartition("/")[2], arn)

    def _bucket_policy(self) -> None:
        if self.random.random() < 0.3:
            return
        who = [somebody.arn for somebody in (*self.users, *self.roles)]
        statements = []
        for _ in range(self.random.randint(1, 2)):
            statement = self._statement(variables=False)
            everybody = f"arn:aws:iam::{self.aws.account}:root"
            # A Deny of the account would stop the root too, who sets the scene.
            named = self.random.choice([*who, everybody] if statement["Effect"] == "Allow" else who)
            statements.append({**statement, "Principal": {"AWS": named}})
        self.aws("s3").put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(document(*statements)))

    def _location(self, prefix: str) -> Any:
        everything = {"Effect": "Allow", "Action": "s3:*"}
        everything |= {"Resource": [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"]}
        allowed_here = everything if self.random.random() < 0.6 else self._statement(allow=True, variables=False)
        trust = policies.location_trust(self.gateway.instance_arn)
        more = [self._policy()] if self.random.random() < 0.3 else []
        role = self.aws.make_role(trust, document(allowed_here), *more)
        made, _ = self.gateway.access_grants.create_location(f"s3://{self.bucket}/{prefix}", role, {})
        return rows.location(made.scope, aws_id=made.id, role_arn=role)

    def _grant(self) -> Any:
        location = self.random.choice(self.locations)
        sub_prefix = self.random.choice(["*", "a/*", "b/*", "x", "b/y", "z"])
        somebody = self.random.choice([*self.users, *self.roles[:1]])
        permission = self.random.choice(PERMISSIONS)
        is_object = not sub_prefix.endswith("*")
        try:
            made, _ = self.gateway.access_grants.create_grant(
                location_id=location.aws_id,
                sub_prefix=sub_prefix,
                grantee=somebody.arn,
                permission=permission,
                is_object=is_object,
                tags={},
            )
        except AwsExistsError:  # the same was drawn before
            return None
        kind = "role" if ":role/" in somebody.arn else "user"
        principal = rows.Principal.objects.filter(arn=somebody.arn).first() or rows.principal(
            somebody.name, arn=somebody.arn, kind=kind, origin="adopted"
        )
        assert made.scope == scopes.join(location.scope, sub_prefix)
        return rows.grant(
            location=location,
            principal=principal,
            sub_prefix=sub_prefix,
            scope=made.scope,
            permission=permission,
            is_object=is_object,
            aws_id=made.id,
        )

    def _may_ask(self, chance: float) -> dict[str, Any]:
        action = "s3:GetDataAccess" if self.random.random() < chance else "s3:ListCallerAccessGrants"
        return document({"Effect": "Allow", "Action": action, "Resource": self.gateway.instance_arn})

    def _policies(self, most: int) -> list[dict[str, Any]]:
        return [self._policy() for _ in range(self.random.randint(1, most))]

    def _policy(self) -> dict[str, Any]:
        return document(*(self._statement() for _ in range(self.random.randint(1, 2))))

    def _statement(self, *, allow: bool = False, variables: bool = True) -> dict[str, Any]:
        choose = self.random.choice
        prefix = choose(PREFIXES if variables else [one for one in PREFIXES if "$" not in one])
        here = f"arn:aws:s3:::{self.bucket}"
        negated = self.random.random() < 0.1
        statement: dict[str, Any] = {
            "Effect": "Allow" if allow or self.random.random() < 0.75 else "Deny",
            "NotAction" if negated else "Action": self.random.sample(CHOICES, self.random.randint(1, 3)),
            "Resource": [f"{here}/{prefix}", *([here] if self.random.random() < 0.5 else [])],
        }
        condition = choose([None, None, None, *self._conditions()])
        return statement | ({"Condition": condition} if condition else {})

    def _conditions(self) -> list[dict[str, Any]]:
        return [
            {"StringLike": {"s3:prefix": ["a/*", "a/b/"]}},
            {"StringNotLike": {"s3:prefix": "ab*"}},
            {"Null": {"s3:prefix": "true"}},
            {"IpAddress": {"aws:SourceIp": self.random.choice(["127.0.0.0/8", "192.0.2.0/24"])}},
            {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
            {"Bool": {"aws:SecureTransport": "true"}},
            {"StringLike": {"aws:username": "one*"}},
            {"StringNotEquals": {"aws:PrincipalTag/team": "cells"}},
            {"DateLessThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}},
            {"Null": {"s3:AccessGrantsInstanceArn": "true"}},
        ]


def allowed(call: Any, **parameters: Any) -> bool:
    """Tell whether a call is not refused for want of permission."""
    try:
        answer = call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    if "Body" in answer:
        answer["Body"].close()
    return True
