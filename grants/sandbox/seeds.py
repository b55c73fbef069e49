"""What a sandbox may be filled with when it starts, put there through its front as an administrator would."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cellenium_admin.embedded import passwords
from grants import stack_policies
from grants.sandbox.clients import make_client
from grants.sandbox.world import DEFAULT_ACCOUNT, DEFAULT_REGION

BUCKET = "cellenium-demo"
INPUT = "input/"
UPLOAD_PREFIX = f"{INPUT}uploader@example.org/"
EVENT_QUEUE = "cellenium-demo-events"
_STACK_QUEUES = (f"cellenium-admin-{BUCKET}-events", f"cellenium-admin-{BUCKET}-events-dead")
"""Those `access up` makes for this bucket."""
ORIGINS = ("http://127.0.0.1:*", "http://localhost:*")
"""Of the pages that may upload from a browser: the web server's port is chosen later."""
PRODUCT, UPLOADER, ADMINISTRATOR = "cellenium-admin", "uploader", "administrator"

Document = Mapping[str, Any]
Variables = Mapping[str, str]


def apply(name: str, *, variables: Variables, directory: Path) -> None:
    """Put a seed into the running sandbox that `variables` lead to, as root; what is there already stays.

    The keys of the users it makes are kept in `users.json` of the state directory.
    """
    SEEDS[name](variables, directory)


def kept_keys(directory: Path) -> dict[str, dict[str, str]]:
    """Read the keys of the users a seed has made: by user name, access_key_id and secret_access_key."""
    path = _keys_file(directory)
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _demo(variables: Variables, directory: Path) -> None:
    """A private, versioned bucket, open to pages of this machine; product, uploader and administrator as IAM users.

    A queue waits for the bucket's events. `access up` points them at one of its own, so here they point nowhere.
    """
    s3 = make_client("s3", variables)
    _make_bucket(s3, variables["AWS_REGION"])
    _open_to_browsers(s3)
    _make_queue(make_client("sqs", variables))
    iam, keys = make_client("iam", variables), kept_keys(directory)
    for user, document in _users().items():
        keys[user] = _make_user(iam, user, document, keys.get(user))
    passwords.write_private(_keys_file(directory), json.dumps(keys, indent=1) + "\n")


def _events(variables: Variables, directory: Path) -> None:
    """The demo's, and its queue hears of every upload, for whoever runs no `access up`."""
    _demo(variables, directory)
    _tell(make_client("s3", variables))


def _users() -> dict[str, Document]:
    """Give each user exactly what it needs: the product what its own page says, the uploader its own prefix."""
    bucket, instance = f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:access-grants"
    own = f"{bucket}/{UPLOAD_PREFIX}*"
    below = {"StringLike": {"s3:prefix": f"{UPLOAD_PREFIX}*"}}
    return {
        PRODUCT: stack_policies.service(
            BUCKET,
            account=DEFAULT_ACCOUNT,
            instance_arn=f"{instance}/default",
            path="/cellenium-admin/",
            prefix=INPUT,
            queues=(EVENT_QUEUE, *_STACK_QUEUES),
        ),
        UPLOADER: _document(
            _allow(["s3:ListBucket"], bucket, Condition=below),
            _allow(["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"], own),
        ),
        ADMINISTRATOR: _document(_allow(["*"], "*")),
    }


def _make_bucket(s3: Any, region: str) -> None:
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    closed = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(closed, True))


def _open_to_browsers(s3: Any) -> None:
    """Let a page of the web server put presigned parts, and end what nobody finishes."""
    rule = {
        "AllowedMethods": ["GET", "HEAD", "PUT"],
        "AllowedOrigins": list(ORIGINS),
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag", "x-amz-checksum-sha256"],
        "MaxAgeSeconds": 3600,
    }
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})
    unfinished = {
        "ID": "unfinished-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": INPUT},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [unfinished]})


def _make_queue(sqs: Any) -> None:
    """Make the queue of events, open to S3 for this bucket alone."""
    policy = stack_policies.event_queue(_queue_arn(), bucket=BUCKET, account=DEFAULT_ACCOUNT)
    url = sqs.create_queue(QueueName=EVENT_QUEUE)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})


def _tell(s3: Any) -> None:
    """Tell the queue of every object that comes; once, for each time brings a test event."""
    if s3.get_bucket_notification_configuration(Bucket=BUCKET).get("QueueConfigurations"):
        return
    wanted = {
        "Id": "uploads",
        "QueueArn": _queue_arn(),
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": INPUT}]}},
    }
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [wanted]})


def _queue_arn() -> str:
    return f"arn:aws:sqs:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:{EVENT_QUEUE}"


def _make_user(iam: Any, user: str, document: Document, key: dict[str, str] | None) -> dict[str, str]:
    """Make the user unless there is one, say anew what it may do, and give its key, a new one if ours is lost."""
    try:
        iam.create_user(UserName=user)
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise
    _bind(iam, user, json.dumps(document, separators=(",", ":")))
    there = [found["AccessKeyId"] for found in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]]
    if key and key["access_key_id"] in there:
        return key
    for lost in there:
        iam.delete_access_key(UserName=user, AccessKeyId=lost)
    made = iam.create_access_key(UserName=user)["AccessKey"]
    return {"access_key_id": made["AccessKeyId"], "secret_access_key": made["SecretAccessKey"]}


def _bind(iam: Any, user: str, document: str) -> None:
    """Say what a user may do, as a managed policy: one written into the user has room for 2,048 characters."""
    arn = f"arn:aws:iam::{DEFAULT_ACCOUNT}:policy/{user}"
    try:
        iam.create_policy(PolicyName=user, PolicyDocument=document)
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    iam.attach_user_policy(UserName=user, PolicyArn=arn)


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions: Sequence[str], resource: str, **more: Any) -> Document:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def _keys_file(directory: Path) -> Path:
    return directory / "users.json"


SEEDS: Mapping[str, Callable[[Variables, Path], None]] = {"demo": _demo, "events": _events}
