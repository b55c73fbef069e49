"""A bucket that people upload to through Access Grants, as cytoskel sets one up, in a sandbox of its own."""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grants.sandbox.embedded import EmbeddedSandbox
from tests.support.clients import Terminal

BUCKET, ROLE, GROUP = "gallery", "gallery-access", "uploaders"
_USER_ACTIONS = ["s3:GetDataAccess", "s3:ListCallerAccessGrants", "s3:GetAccessGrantsInstanceForPrefix"]
_OBJECT_ACTIONS = [
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
]


class Gallery:
    """The bucket, the Access Grants instance, the location and its role; makes uploaders."""

    def __init__(self, sandbox: EmbeddedSandbox, directory: Path) -> None:
        self.sandbox, self.directory = sandbox, directory
        self.account = sandbox.account
        self._numbers = itertools.count(1)
        self.s3, self.iam, self.s3control = (sandbox.client(name) for name in ("s3", "iam", "s3control"))
        self._set_up()

    def _set_up(self) -> None:
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": self.sandbox.region})
        instance = self.s3control.create_access_grants_instance(AccountId=self.account)["AccessGrantsInstanceArn"]
        trusted = {
            "Effect": "Allow",
            "Principal": {"Service": "access-grants.s3.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
            "Condition": {"StringEquals": {"aws:SourceAccount": self.account, "aws:SourceArn": instance}},
        }
        self.role = self.iam.create_role(
            RoleName=ROLE, MaxSessionDuration=43_200, AssumeRolePolicyDocument=_document([trusted])
        )["Role"]["Arn"]
        within = {"StringEquals": {"s3:AccessGrantsInstanceArn": instance}}
        objects = _allow(_OBJECT_ACTIONS, f"arn:aws:s3:::{BUCKET}/*", Condition=within)
        listing = _allow(["s3:ListBucket"], f"arn:aws:s3:::{BUCKET}", Condition=within)
        self.iam.put_role_policy(RoleName=ROLE, PolicyName="data", PolicyDocument=_document([objects, listing]))
        self.location = self.s3control.create_access_grants_location(
            AccountId=self.account, LocationScope=f"s3://{BUCKET}/", IAMRoleArn=self.role
        )["AccessGrantsLocationId"]
        self.iam.create_group(GroupName=GROUP)
        own = _document([_allow(_USER_ACTIONS, instance)])
        self.iam.put_group_policy(GroupName=GROUP, PolicyName="access", PolicyDocument=own)

    def uploader(self, permission: str = "READWRITE") -> "Uploader":
        """Make a user with a project of their own, which has one object in it, and a grant on its prefix."""
        number = next(self._numbers)
        uploader = Uploader(self, f"uploader{number}", f"cpg{number:04}")
        uploader.grant(f"{uploader.project}/*", permission)
        return uploader

    def cut(self, name: str, condition: Mapping[str, Any]) -> None:
        """Forbid the location's role everything on this condition, as revoking sessions does."""
        statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
        self.iam.put_role_policy(RoleName=ROLE, PolicyName=name, PolicyDocument=_document([statement]))

    def uncut(self, name: str) -> None:
        self.iam.delete_role_policy(RoleName=ROLE, PolicyName=name)

    def keys(self, project: str) -> list[str]:
        """List what root sees in a project."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{project}/").get("Contents", [])
        return [entry["Key"] for entry in listed]


class Uploader:
    """An IAM user with a key, the project they may upload to, and a terminal with their key in its variables."""

    def __init__(self, gallery: Gallery, name: str, project: str) -> None:
        self.gallery, self.name, self.project = gallery, name, project
        self.arn = gallery.iam.create_user(UserName=name)["User"]["Arn"]
        gallery.iam.add_user_to_group(GroupName=GROUP, UserName=name)
        self.key = gallery.iam.create_access_key(UserName=name)["AccessKey"]
        gallery.s3.put_object(Bucket=BUCKET, Key=f"{project}/first.txt", Body=b"first")
        self.url = f"s3://{BUCKET}/{project}"
        self.grants: list[str] = []
        home = gallery.directory / name
        home.mkdir()
        self.variables = gallery.sandbox.environment(self.key)
        self.terminal = Terminal(home, self.variables)

    def grant(self, sub_prefix: str, permission: str) -> None:
        answer = self.gallery.s3control.create_access_grant(
            AccountId=self.gallery.account,
            AccessGrantsLocationId=self.gallery.location,
            AccessGrantsLocationConfiguration={"S3SubPrefix": sub_prefix},
            Grantee={"GranteeType": "IAM", "GranteeIdentifier": self.arn},
            Permission=permission,
        )
        self.grants.append(answer["AccessGrantId"])

    def revoke(self) -> None:
        for grant in self.grants:
            self.gallery.s3control.delete_access_grant(AccountId=self.gallery.account, AccessGrantId=grant)

    def asking(self, target: str = "", permission: str = "READWRITE", seconds: int = 3600) -> str:
        """Give the command line that asks for access, to the whole project if not said otherwise."""
        return (
            f"aws s3control get-data-access --account-id {self.gallery.account} --target '{target or self.url + '/*'}' "
            f"--permission {permission} --privilege Default --duration-seconds {seconds} "
            f"--region {self.gallery.sandbox.region}"
        )

    def access(self, permission: str = "READWRITE", seconds: int = 3600) -> Terminal:
        """Ask for access and give a terminal with what was handed out."""
        return self.terminal.with_(self.terminal.told(self.asking("", permission, seconds))["Credentials"])


def _allow(actions: Sequence[str], resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def _document(statements: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
