"""S3's actions as SeaweedFS takes them."""

import fnmatch
import re
from collections.abc import Iterable

ANY = "s3:*"
PUT = "s3:PutObject"
MULTIPART = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads")
LISTINGS = ("s3:ListBucket", "s3:ListBucketVersions")
# Needed where SeaweedFS compares letter by letter, and where a pattern has to be taken apart.
# Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
ACTIONS = (
    *MULTIPART,
    *LISTINGS,
    PUT,
    *(
        f"s3:{name}"
        for name in """
        BypassGovernanceRetention CreateBucket DeleteBucket DeleteBucketPolicy DeleteBucketWebsite DeleteObject
        DeleteObjectTagging DeleteObjectVersion DeleteObjectVersionTagging GetAccelerateConfiguration GetBucketAcl
        GetBucketCORS GetBucketLocation GetBucketLogging GetBucketNotification GetBucketObjectLockConfiguration
        GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock
        GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration
        GetLifecycleConfiguration GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention
        GetObjectTagging GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes GetObjectVersionTagging
        ListAllMyBuckets PutAccelerateConfiguration PutBucketAcl PutBucketCORS PutBucketLogging PutBucketNotification
        PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock
        PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration
        PutLifecycleConfiguration PutObjectAcl PutObjectLegalHold PutObjectRetention PutObjectTagging
        PutObjectVersionAcl PutObjectVersionTagging RestoreObject
        """.split()  # noqa: SIM905 - as one reads it
    ),
)
_NAMES = {action.lower(): action for action in ACTIONS}
# What SeaweedFS calls some of them in bucket policies.
_OTHER_NAMES = {"s3:GetBucketCORS": "s3:GetBucketCors", "s3:PutBucketCORS": "s3:PutBucketCors"}


def allowed(patterns: Iterable[str]) -> list[str]:
    """Write the actions an Allow names; empty when none of them is S3's."""
    found = [action for pattern in patterns for action in _spelt(pattern)]
    return _unique([*found, *(_OTHER_NAMES[action] for action in found if action in _OTHER_NAMES)])


def denied(patterns: Iterable[str]) -> list[str]:
    """Write the actions a Deny names, less those that would deny more.

    SeaweedFS takes a Deny of PutObject for one of aborting and listing multipart uploads as well.
    """
    given = list(patterns)
    if all(matches(given, action) for action in MULTIPART) or not matches(given, PUT):
        return _unique(action for pattern in given for action in _spelt(pattern))
    return [action for action in ACTIONS if action != PUT and matches(given, action)]


def matches(patterns: Iterable[str], action: str) -> bool:
    """Tell whether one of IAM's patterns, in which letters count without their case, covers an action."""
    return any(_matches(pattern, action) for pattern in patterns)


def _matches(pattern: str, action: str) -> bool:
    escaped = pattern.lower().replace("[", "[[]")
    return fnmatch.fnmatchcase(action.lower(), escaped)


def _spelt(pattern: str) -> list[str]:
    """Spell one pattern as S3 spells its actions; the known ones it covers when its own spelling might not do."""
    if pattern == "*" or pattern.lower() == ANY:
        return [ANY]
    if (name := _NAMES.get(pattern.lower())) is not None:
        return [name]
    found = [action for action in ACTIONS if _matches(pattern, action)]
    if pattern.startswith("s3:"):
        same = re.fullmatch(r"s3:[A-Za-z]*\*?", pattern) and all(
            action.startswith(pattern.rstrip("*")) for action in found
        )
        return [pattern] if same else [pattern, *found]
    return found


def _unique(actions: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(actions))
