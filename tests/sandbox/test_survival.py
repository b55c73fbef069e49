"""The sandbox loses nothing: a restart and a `kill -9` of the front and of SeaweedFS, each alone.

Users, keys, groups, policies, grants, locations, tags, bucket settings, objects, versions, unexpired sessions and the
clock are there afterwards; what was under way fails clean and may be repeated.
"""

import http.client
import json
import os
import signal
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from grants.sandbox.embedded import EmbeddedSandbox
from tests.support.sandbox import Aws, allow, document, refusal, trusting

pytestmark = pytest.mark.slow

HOUR = 3600
RESTART_SECONDS = 3.0


def end_of_the_front(number: signal.Signals) -> Callable[[EmbeddedSandbox], None]:
    """End the front with a signal and start it again; SeaweedFS goes with it."""

    def end(sandbox: EmbeddedSandbox) -> None:
        assert sandbox.pid is not None
        os.kill(sandbox.pid, number)
        await_that(lambda: not sandbox.alive, 15)
        sandbox.start()

    return end


def end_of_seaweedfs(number: signal.Signals) -> Callable[[EmbeddedSandbox], None]:
    """End SeaweedFS with a signal under a front that goes on, which starts it again by itself."""

    def end(sandbox: EmbeddedSandbox) -> None:
        before = seaweedfs_pid(sandbox)
        assert before > 0
        os.kill(before, number)
        await_that(lambda: not is_running(before), 15)  # it takes its time over a SIGTERM
        await_that(lambda: seaweedfs_pid(sandbox) not in {0, before}, RESTART_SECONDS)
        assert sandbox.control.health()["seaweedfs"] is True

    return end


ENDS = {
    "the front restarted": end_of_the_front(signal.SIGTERM),
    "the front killed": end_of_the_front(signal.SIGKILL),
    "SeaweedFS restarted": end_of_seaweedfs(signal.SIGTERM),
    "SeaweedFS killed": end_of_seaweedfs(signal.SIGKILL),
}
every_end = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())


def await_that(holds: Callable[[], bool], seconds: float) -> None:
    """Wait for something to hold; an error when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"It did not come to that within {seconds} s."
        time.sleep(0.02)


def seaweedfs_pid(sandbox: EmbeddedSandbox) -> int:
    """Find the front's child; 0 when it has none."""
    children = Path(f"/proc/{sandbox.pid}/task/{sandbox.pid}/children").read_text().split()
    return int(children[0]) if children else 0


def is_running(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


class Account:
    """An account with something of everything, and what each client of it should see."""

    def __init__(self, sandbox: EmbeddedSandbox) -> None:
        self.aws = Aws(sandbox)
        self.bucket = self.aws.make_bucket(versioned=True)
        self.objects = f"arn:aws:s3:::{self.bucket}/*"
        self.key = self.aws.make_user(allow("s3:GetObject", f"arn:aws:s3:::{self.bucket}/own/*"))
        self._people()
        self._objects()
        self._grants()
        self._sessions()
        sandbox.control.move_clock(HOUR / 2)

    def _people(self) -> None:
        iam, name = self.aws("iam"), self.key["UserName"]
        self.group, self.policy = self.aws.name("group"), self.aws.name("policy")
        iam.create_group(GroupName=self.group)
        iam.put_group_policy(
            GroupName=self.group,
            PolicyName="read",
            PolicyDocument=json.dumps(allow("s3:GetObject", f"arn:aws:s3:::{self.bucket}/shared/*")),
        )
        iam.add_user_to_group(GroupName=self.group, UserName=name)
        made = iam.create_policy(PolicyName=self.policy, PolicyDocument=json.dumps(allow("s3:GetObjectTagging")))
        iam.attach_user_policy(UserName=name, PolicyArn=made["Policy"]["Arn"])
        iam.tag_user(UserName=name, Tags=[{"Key": "team", "Value": "atlas"}])
        self.inactive = iam.create_access_key(UserName=name)["AccessKey"]
        iam.update_access_key(UserName=name, AccessKeyId=self.inactive["AccessKeyId"], Status="Inactive")

    def _objects(self) -> None:
        s3 = self.aws("s3")
        self.first = s3.put_object(Bucket=self.bucket, Key="own/a", Body=b"first")["VersionId"]
        s3.put_object(Bucket=self.bucket, Key="own/a", Body=b"second", Tagging="kind=raw")
        s3.put_object(Bucket=self.bucket, Key="shared/b", Body=b"shared")
        s3.put_object(Bucket=self.bucket, Key="project/c", Body=b"granted")
        s3.put_public_access_block(Bucket=self.bucket, PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
        policy = document(
            {
                "Effect": "Deny",
                "Principal": {"AWS": self.key["Arn"]},
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{self.bucket}/shared/not/*",
            }
        )
        s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(policy))

    def _grants(self) -> None:
        control = self.aws("s3control")
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "access-grants.s3.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
        }
        location_role = self.aws.make_role(document(trust), allow("s3:*"))
        account = {"AccountId": self.aws.account}
        control.create_access_grants_instance(**account)
        location = control.create_access_grants_location(
            **account, LocationScope=f"s3://{self.bucket}", IAMRoleArn=location_role
        )
        self.location = location["AccessGrantsLocationId"]
        grant = control.create_access_grant(
            **account,
            AccessGrantsLocationId=self.location,
            AccessGrantsLocationConfiguration={"S3SubPrefix": "project/*"},
            Grantee={"GranteeType": "IAM", "GranteeIdentifier": self.key["Arn"]},
            Permission="READ",
            Tags=[{"Key": "opkey", "Value": "17"}],
        )
        self.grant, self.grant_arn = grant["AccessGrantId"], grant["AccessGrantArn"]
        self.aws("iam").put_user_policy(
            UserName=self.key["UserName"], PolicyName="access", PolicyDocument=json.dumps(allow("s3:GetDataAccess"))
        )

    def _sessions(self) -> None:
        role = self.aws.make_role(trusting(self.key["Arn"]), allow("s3:GetObject", self.objects))
        self.role = role.rpartition("/")[2]
        bounds = json.dumps(allow("s3:GetObject", f"arn:aws:s3:::{self.bucket}/shared/*"))
        self.aws("iam").put_user_policy(
            UserName=self.key["UserName"], PolicyName="assume", PolicyDocument=json.dumps(allow("sts:AssumeRole", role))
        )
        self.session = self.aws.assume(role, self.key, Policy=bounds, SourceIdentity="uploader")
        self.vended = self.aws("s3control", self.key).get_data_access(
            AccountId=self.aws.account, Target=f"s3://{self.bucket}/project/*", Permission="READ"
        )["Credentials"]

    def read(self, credentials: dict[str, str], key: str, **more: str) -> str | None:
        """Read an object as somebody; the error code, or None."""
        return refusal(self.aws("s3", credentials).get_object, Bucket=self.bucket, Key=key, **more)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedSandbox]:
    """Run a sandbox that these tests may end."""
    found = EmbeddedSandbox(tmp_path_factory.mktemp("survival") / "state")
    found.start()
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def account(own: EmbeddedSandbox) -> Account:
    """Fill its account once; the tests only look."""
    return Account(own)


@every_end
def test_everything_is_still_there(
    own: EmbeddedSandbox, account: Account, end: Callable[[EmbeddedSandbox], None]
) -> None:
    end(own)
    check_people(account)
    check_objects(account)
    check_grants(account)
    check_sessions(account)
    assert own.control.clock()["offset_seconds"] == HOUR / 2


def check_people(account: Account) -> None:
    iam, name = account.aws("iam"), account.key["UserName"]
    assert iam.list_user_tags(UserName=name)["Tags"] == [{"Key": "team", "Value": "atlas"}]
    assert [group["GroupName"] for group in iam.list_groups_for_user(UserName=name)["Groups"]] == [account.group]
    attached = iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == [account.policy]
    assert sorted(iam.list_user_policies(UserName=name)["PolicyNames"]) == ["access", "assume", "policy0"]
    statuses = {key["AccessKeyId"]: key["Status"] for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]}
    assert statuses == {account.key["AccessKeyId"]: "Active", account.inactive["AccessKeyId"]: "Inactive"}
    assert account.read(account.key, "own/a") is None
    assert account.read(account.key, "shared/b") is None
    assert account.read(account.key, "shared/not/b") == "AccessDenied"
    assert account.read(account.key, "project/c") == "AccessDenied"
    assert account.read(account.inactive, "own/a") == "InvalidAccessKeyId"


def check_objects(account: Account) -> None:
    s3 = account.aws("s3")
    assert s3.get_object(Bucket=account.bucket, Key="own/a")["Body"].read() == b"second"
    assert s3.get_object(Bucket=account.bucket, Key="own/a", VersionId=account.first)["Body"].read() == b"first"
    tags = account.aws("s3", account.key).get_object_tagging(Bucket=account.bucket, Key="own/a")["TagSet"]
    assert tags == [{"Key": "kind", "Value": "raw"}]
    assert s3.get_bucket_versioning(Bucket=account.bucket)["Status"] == "Enabled"
    block = s3.get_public_access_block(Bucket=account.bucket)["PublicAccessBlockConfiguration"]
    assert block["BlockPublicPolicy"] is True
    policy = json.loads(s3.get_bucket_policy(Bucket=account.bucket)["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": account.key["Arn"]}


def check_grants(account: Account) -> None:
    control, who = account.aws("s3control"), {"AccountId": account.aws.account}
    location = control.get_access_grants_location(**who, AccessGrantsLocationId=account.location)
    assert location["LocationScope"].rstrip("/") == f"s3://{account.bucket}"
    grant = control.get_access_grant(**who, AccessGrantId=account.grant)
    assert grant["GrantScope"] == f"s3://{account.bucket}/project/*"
    tags = control.list_tags_for_resource(**who, ResourceArn=account.grant_arn)["Tags"]
    assert tags == [{"Key": "opkey", "Value": "17"}]
    fresh = account.aws("s3control", account.key).get_data_access(
        **who, Target=f"s3://{account.bucket}/project/*", Permission="READ"
    )["Credentials"]
    assert account.read(fresh, "project/c") is None


def check_sessions(account: Account) -> None:
    identity = account.aws("sts", account.session).get_caller_identity()["Arn"]
    assert f"assumed-role/{account.role}/" in identity
    assert account.read(account.session, "shared/b") is None
    assert account.read(account.session, "own/a") == "AccessDenied"
    assert account.read(account.vended, "project/c") is None
    assert account.read(account.vended, "own/a") == "AccessDenied"


@every_end
def test_an_upload_under_way_fails_clean_and_may_be_repeated(
    own: EmbeddedSandbox, account: Account, end: Callable[[EmbeddedSandbox], None]
) -> None:
    s3, key, size = account.aws("s3"), f"interrupted/{time.monotonic_ns()}", 8 * 1024 * 1024
    address = urllib.parse.urlsplit(s3.generate_presigned_url("put_object", {"Bucket": account.bucket, "Key": key}))
    connection = http.client.HTTPConnection(address.netloc, timeout=20)
    connection.putrequest("PUT", f"{address.path}?{address.query}")
    connection.putheader("Content-Length", str(size))
    connection.endheaders(b"x" * (size // 2))
    end(own)
    assert rest_of(connection, b"x" * (size // 2)) != http.HTTPStatus.OK
    assert refusal(s3.head_object, Bucket=account.bucket, Key=key) == "404"
    s3.put_object(Bucket=account.bucket, Key=key, Body=b"x" * size)
    assert s3.head_object(Bucket=account.bucket, Key=key)["ContentLength"] == size


def rest_of(connection: http.client.HTTPConnection, body: bytes) -> int | None:
    """Send the rest of a request and give the status of its answer, None when there is none."""
    try:
        connection.send(body)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@every_end
def test_a_multipart_upload_goes_on_afterwards(
    own: EmbeddedSandbox, account: Account, end: Callable[[EmbeddedSandbox], None]
) -> None:
    s3, part = account.aws("s3"), b"p" * (5 * 1024 * 1024)
    where = {"Bucket": account.bucket, "Key": f"parts/{time.monotonic_ns()}"}
    upload = where | {"UploadId": s3.create_multipart_upload(**where)["UploadId"]}
    tags = [s3.upload_part(**upload, PartNumber=1, Body=part)["ETag"]]
    end(own)
    tags.append(s3.upload_part(**upload, PartNumber=2, Body=b"end")["ETag"])
    parts: list[dict[str, Any]] = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, start=1)]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(**where)["Body"].read() == part + b"end"


def test_while_seaweedfs_is_away_requests_are_answered_and_within_seconds_as_before(
    own: EmbeddedSandbox, account: Account
) -> None:
    s3 = account.aws("s3")
    child = seaweedfs_pid(own)
    assert child > 0
    os.kill(child, signal.SIGKILL)
    started = time.monotonic()
    codes = []
    while time.monotonic() < started + 10:
        try:
            s3.get_object(Bucket=account.bucket, Key="own/a")["Body"].read()
            break
        except ClientError as error:
            codes.append(error.response["ResponseMetadata"]["HTTPStatusCode"])
    assert time.monotonic() - started < RESTART_SECONDS
    assert set(codes) <= {500, 502, 503}


def test_two_processes_never_share_a_state(own: EmbeddedSandbox, account: Account) -> None:
    other = EmbeddedSandbox(own.directory, port=own.port)
    with pytest.raises(Exception, match="Another sandbox runs"):
        other.start()
    check_sessions(account)
