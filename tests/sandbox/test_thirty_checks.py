"""The checks that AWS would pass and most emulators do not, each through the front with boto3.

They are those by which an S3 server was chosen: own prefix, neighbours' prefix, groups, sessions, session policies,
conditions, copies, presigned URLs, bucket policies and keys, as seen by an uploader, a neighbour and a member.
"""

import io
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, allow, deny, document, refusal, trusting

OBJECT_ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
Outcome = tuple[str | None, str | None]


class Cast:
    """The uploader and the neighbour with a prefix each, a member by way of a group, and a role for sessions."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.bucket, self.other_bucket = aws.make_bucket(), aws.make_bucket()
        self.uploader, self.neighbour = aws.make_user(self.own("uploader")), aws.make_user(self.own("neighbour"))
        self.member = aws.make_user()
        self._join()
        everything = allow("s3:*", [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"])
        self.role = aws.make_role(trusting(self.uploader["Arn"]), everything)
        for name in ("uploader", "neighbour"):
            aws("s3").put_object(Bucket=self.bucket, Key=f"input/{name}/there", Body=name.encode())
        aws("s3").put_object(Bucket=self.other_bucket, Key="there", Body=b"other")

    def own(self, name: str) -> dict[str, Any]:
        """Allow a prefix and no deletion."""
        listing = {"StringLike": {"s3:prefix": [f"input/{name}/", f"input/{name}/*"]}}
        return document(
            {"Effect": "Allow", "Action": OBJECT_ACTIONS, "Resource": f"arn:aws:s3:::{self.bucket}/input/{name}/*"},
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{self.bucket}",
             "Condition": listing},
        )  # fmt: skip

    def _join(self) -> None:
        iam, group = self.aws("iam"), self.aws.name("group")
        iam.create_group(GroupName=group)
        iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=json.dumps(self.own("uploader")))
        iam.add_user_to_group(GroupName=group, UserName=self.member["UserName"])

    def s3(self, who: Mapping[str, str]) -> Any:
        return self.aws("s3", who)

    def session(self, **parameters: Any) -> dict[str, str]:
        return self.aws.assume(self.role, self.uploader, **parameters)

    def narrow(self) -> dict[str, str]:
        """A session of the wide role limited to the uploader's prefix by its session policy."""
        return self.session(Policy=json.dumps(self.own("uploader")))

    def put(self, who: Mapping[str, str], key: str) -> str | None:
        return refusal(self.s3(who).put_object, Bucket=self.bucket, Key=key, Body=b"x")

    def get(self, who: Mapping[str, str], key: str, bucket: str = "") -> str | None:
        return refusal(self.s3(who).get_object, Bucket=bucket or self.bucket, Key=key)

    def list(self, who: Mapping[str, str], **parameters: str) -> str | None:
        return refusal(self.s3(who).list_objects_v2, Bucket=self.bucket, **parameters)

    def copy(self, who: Mapping[str, str], source: str) -> str | None:
        wish = {"Bucket": self.bucket, "Key": source}
        return refusal(self.s3(who).copy_object, Bucket=self.bucket, Key="input/uploader/copy", CopySource=wish)

    def multipart(self, who: Mapping[str, str], key: str) -> str | None:
        """Upload six megabytes in parts of five."""
        config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20, use_threads=False)
        try:
            self.s3(who).upload_fileobj(io.BytesIO(b"x" * (6 << 20)), self.bucket, key, Config=config)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return None

    def presigned(self, who: Mapping[str, str], key: str, change: Callable[[str], str] = str, seconds: int = 60) -> str:
        """Fetch an object by a presigned URL, changed on the way; gives OK or the error's code."""
        parameters = {"Bucket": self.bucket, "Key": key}
        url = self.s3(who).generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(change(url), timeout=10) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode().partition("<Code>")[2].partition("</Code>")[0]
        return "OK"


@pytest.fixture(scope="module")
def cast(aws: Aws) -> Cast:
    return Cast(aws)


CHECKS: dict[str, tuple[Callable[[Cast], Any], Any]] = {
    "get in one's own prefix": (lambda c: c.get(c.uploader, "input/uploader/there"), None),
    "put in one's own prefix": (lambda c: c.put(c.uploader, "input/uploader/new"), None),
    "get in another's prefix": (lambda c: c.get(c.uploader, "input/neighbour/there"), "AccessDenied"),
    "put in another's prefix": (lambda c: c.put(c.uploader, "input/neighbour/new"), "AccessDenied"),
    "a prefix that only begins the same": (lambda c: c.put(c.uploader, "input/uploader2/new"), "AccessDenied"),
    "delete without the right": (
        lambda c: refusal(c.s3(c.uploader).delete_object, Bucket=c.bucket, Key="input/uploader/there"), "AccessDenied",
    ),
    "put by a group's policy": (lambda c: c.put(c.member, "input/uploader/by-member"), None),
    "put outside of a group's policy": (lambda c: c.put(c.member, "input/neighbour/by-member"), "AccessDenied"),
    "list with one's own prefix": (lambda c: c.list(c.uploader, Prefix="input/uploader/"), None),
    "list with another's prefix": (lambda c: c.list(c.uploader, Prefix="input/neighbour/"), "AccessDenied"),
    "list without a prefix": (lambda c: c.list(c.uploader), "AccessDenied"),
    "a wrong secret": (
        lambda c: c.get({**c.uploader, "SecretAccessKey": "x" * 40}, "input/uploader/there"), "SignatureDoesNotMatch",
    ),
    "an unknown key": (
        lambda c: c.get({**c.uploader, "AccessKeyId": "AKIA0000000000000000"}, "input/uploader/there"),
        "InvalidAccessKeyId",
    ),
    "a wrong session token": (
        lambda c: c.get({**c.session(), "SessionToken": "x" * 100}, "input/uploader/there"), "InvalidToken",
    ),
    "a session without its token": (
        lambda c: c.get({**c.session(), "SessionToken": ""}, "input/uploader/there"), "InvalidToken",
    ),
    "assume a role that trusts one": (lambda c: bool(c.session()["SessionToken"]), True),
    "assume a role that does not": (
        lambda c: refusal(c.aws("sts", c.neighbour).assume_role, RoleArn=c.role, RoleSessionName="s1"), "AccessDenied",
    ),
    "a role within its policy": (lambda c: c.get(c.session(), "input/neighbour/there"), None),
    "a role outside of its policy": (lambda c: c.get(c.session(), "there", c.other_bucket), "AccessDenied"),
    "put within a session policy": (lambda c: c.put(c.narrow(), "input/uploader/narrow"), None),
    "put outside of a session policy": (lambda c: c.put(c.narrow(), "input/neighbour/narrow"), "AccessDenied"),
    "list within a session policy": (lambda c: c.list(c.narrow(), Prefix="input/uploader/"), None),
    "list outside of a session policy": (lambda c: c.list(c.narrow(), Prefix="input/neighbour/"), "AccessDenied"),
    "multipart within a session policy": (lambda c: c.multipart(c.narrow(), "input/uploader/parts"), None),
    "multipart outside of a session policy": (
        lambda c: c.multipart(c.narrow(), "input/neighbour/parts"), "AccessDenied",
    ),
    "copy with the right to the source": (lambda c: c.copy(c.uploader, "input/uploader/there"), None),
    "copy without the right to the source": (lambda c: c.copy(c.uploader, "input/neighbour/there"), "AccessDenied"),
    "a presigned URL within the rights": (lambda c: c.presigned(c.uploader, "input/uploader/there"), "OK"),
    "a presigned URL outside of the rights": (
        lambda c: c.presigned(c.uploader, "input/neighbour/there"), "AccessDenied",
    ),
    "a presigned URL for another key": (
        lambda c: c.presigned(c.uploader, "input/uploader/there", lambda url: url.replace("/there?", "/new?")),
        "SignatureDoesNotMatch",
    ),
    "a presigned URL made to live longer": (
        lambda c: c.presigned(c.uploader, "input/uploader/there", lambda url: url.replace("=60", "=600")),
        "SignatureDoesNotMatch",
    ),
    "a presigned URL that has expired": (
        lambda c: c.presigned(c.uploader, "input/uploader/there", seconds=-1), "AuthorizationQueryParametersError",
    ),
}  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_what_aws_answers(cast: Cast, check: str) -> None:
    ask, expected = CHECKS[check]
    assert ask(cast) == expected


def test_a_bucket_policy_that_denies_wins(aws: Aws) -> None:
    bucket = aws.make_bucket()
    user = aws.make_user(allow("s3:*", [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]))
    statement = deny("s3:PutObject", f"arn:aws:s3:::{bucket}/closed/*")["Statement"][0]
    policy = document({**statement, "Principal": {"AWS": user["Arn"]}})
    aws("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert refusal(aws("s3", user).put_object, Bucket=bucket, Key="closed/x", Body=b"") == "AccessDenied"
    assert refusal(aws("s3", user).put_object, Bucket=bucket, Key="open/x", Body=b"") is None


def test_an_inactive_key_opens_nothing_until_it_is_active_again(aws: Aws) -> None:
    bucket = aws.make_bucket()
    user = aws.make_user(allow("s3:*", [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]))
    change = {"UserName": user["UserName"], "AccessKeyId": user["AccessKeyId"]}
    aws("iam").update_access_key(**change, Status="Inactive")
    assert refusal(aws("s3", user).list_objects_v2, Bucket=bucket) == "InvalidAccessKeyId"
    assert refusal(aws("sts", user).get_caller_identity) == "InvalidClientTokenId"
    aws("iam").update_access_key(**change, Status="Active")
    assert refusal(aws("s3", user).list_objects_v2, Bucket=bucket) is None
