"""Buckets and their settings by boto3; objects are never touched here."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from grants.aws.calls import Caller
from grants.aws.documents import written
from grants.aws.errors import AwsInvalidError
from grants.aws.gateway import Document, ObservedBucket, Receipt

NOT_EMPTY = (
    "Bucket {name} is not empty. Delete its objects, former versions, delete markers and unfinished uploads first; "
    "nothing here deletes them."
)
CLOSED = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
FIRST_REGION = "us-east-1"
# What S3 calls the Region of buckets older than the Regions' names.
# Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
OLD_NAMES = {"EU": "eu-west-1"}


class Boto3Buckets:
    """Buckets of one Region."""

    def __init__(self, caller: Caller, region: str, *, account: str = "") -> None:
        """Speak through a client of S3; `account` is whose the buckets must be."""
        self._caller, self._region = caller, region
        # Who takes a name that became free may open that bucket to us, and read what we put there.
        # Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
        self._owner = {"ExpectedBucketOwner": account} if account else {}

    def bucket(self, name: str) -> ObservedBucket | None:
        """Give a bucket's settings, or None when there is none. Raises AwsRefusedError for another account's."""
        where = self._caller.ask_or_none("get_bucket_location", Bucket=name, **self._owner)
        if where is None:
            return None
        logging = self._caller.ask("get_bucket_logging", Bucket=name).get("LoggingEnabled") or {}
        target = f"{logging['TargetBucket']}/{logging.get('TargetPrefix', '')}" if logging else ""
        region = where.get("LocationConstraint") or FIRST_REGION
        return ObservedBucket(
            name=name,
            region=OLD_NAMES.get(region, region),
            public_access_blocked=self._is_closed(name),
            encryption=self._encryption(name),
            logging_target=target,
            versioned=self._caller.ask("get_bucket_versioning", Bucket=name).get("Status") == "Enabled",
        )

    def create(self, name: str) -> Receipt:
        """Make a bucket in our Region."""
        here = {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        return self._change("create_bucket", name, **(here if self._region != FIRST_REGION else {}))

    def block_public_access(self, name: str) -> Receipt:
        """Close a bucket to the public, whatever its policy and ACLs say."""
        closed = dict.fromkeys(CLOSED, True)
        return self._change("put_public_access_block", name, PublicAccessBlockConfiguration=closed)

    def encrypt(self, name: str, kms_key_arn: str = "") -> Receipt:
        """Let S3 encrypt new objects, with its own key or one of KMS."""
        rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": kms_key_arn} if kms_key_arn else {"SSEAlgorithm": "AES256"}
        rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": bool(kms_key_arn)}]}
        return self._change("put_bucket_encryption", name, ServerSideEncryptionConfiguration=rules)

    def log_to(self, name: str, target_bucket: str, target_prefix: str) -> Receipt:
        """Let S3 write its access log into another bucket."""
        target = {"LoggingEnabled": {"TargetBucket": target_bucket, "TargetPrefix": target_prefix}}
        return self._change("put_bucket_logging", name, BucketLoggingStatus=target)

    def version(self, name: str) -> Receipt:
        """Keep former versions of objects."""
        return self._change("put_bucket_versioning", name, VersioningConfiguration={"Status": "Enabled"})

    def policy(self, name: str) -> Document | None:
        """Give the bucket policy, or None."""
        found = self._caller.ask_or_none("get_bucket_policy", Bucket=name)
        return None if found is None else json.loads(found["Policy"])

    def put_policy(self, name: str, document: Mapping[str, Any]) -> Receipt:
        """Write the bucket policy."""
        return self._change("put_bucket_policy", name, Policy=written(document))

    def delete_policy(self, name: str) -> Receipt:
        """Delete the bucket policy."""
        return self._change("delete_bucket_policy", name)

    def cors(self, name: str) -> list[Document]:
        """Give the CORS rules, those of everybody."""
        return list((self._caller.ask_or_none("get_bucket_cors", Bucket=name) or {}).get("CORSRules", ()))

    def put_cors(self, name: str, rules: Sequence[Document]) -> Receipt:
        """Write the CORS rules in place of those that are there."""
        if not rules:
            return self._change("delete_bucket_cors", name)
        return self._change("put_bucket_cors", name, CORSConfiguration={"CORSRules": list(rules)})

    def lifecycle(self, name: str) -> Document:
        """Give the lifecycle configuration: its Rules, and what else S3 keeps beside them."""
        found = self._caller.ask_or_none("get_bucket_lifecycle_configuration", Bucket=name) or {}
        return {"Rules": [], **_content(found)}

    def put_lifecycle(self, name: str, document: Mapping[str, Any]) -> Receipt:
        """Write the lifecycle configuration in place of the one that is there."""
        if not document["Rules"]:
            return self._change("delete_bucket_lifecycle", name)
        beside = {key: value for key, value in document.items() if key != "Rules"}
        rules = {"Rules": document["Rules"]}
        return self._change("put_bucket_lifecycle_configuration", name, LifecycleConfiguration=rules, **beside)

    def notification(self, name: str) -> Document:
        """Give whom the bucket tells of what: queues, topics, functions and EventBridge."""
        return _content(self._caller.ask_or_none("get_bucket_notification_configuration", Bucket=name) or {})

    def put_notification(self, name: str, document: Mapping[str, Any], *, checked: bool = True) -> Receipt:
        """Write whom the bucket tells, in place of all that is there; `checked` lets S3 try each destination first."""
        wish = {"NotificationConfiguration": dict(document), "SkipDestinationValidation": not checked}
        return self._change("put_bucket_notification_configuration", name, **wish)

    def delete(self, name: str) -> Receipt:
        """Delete an empty bucket; raises AwsInvalidError while anything is in it, and says what to do."""
        try:
            return self._change("delete_bucket", name)
        except AwsInvalidError as error:
            if error.code != "BucketNotEmpty":
                raise
            raise AwsInvalidError(
                error.operation,
                error.code,
                NOT_EMPTY.format(name=name),
                request_id=error.request_id,
                status=error.status,
            ) from None

    def _is_closed(self, name: str) -> bool:
        found = self._caller.ask_or_none("get_public_access_block", Bucket=name)
        return found is not None and all(found["PublicAccessBlockConfiguration"].get(one) for one in CLOSED)

    def _encryption(self, name: str) -> str:
        found = self._caller.ask_or_none("get_bucket_encryption", Bucket=name)
        if found is None:
            return ""
        rule = found["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
        return str(rule.get("KMSMasterKeyID") or rule["SSEAlgorithm"])

    def _change(self, operation: str, name: str, **parameters: Any) -> Receipt:
        owner = {} if operation == "create_bucket" else self._owner
        return self._caller.change(operation, Bucket=name, **owner, **parameters)[1]


def _content(answer: Mapping[str, Any]) -> Document:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}
