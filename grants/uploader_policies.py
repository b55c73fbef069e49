"""The session policy of credentials for one's own prefix: what is allowed of what the importer role allows. Pure.

The effective rights are what both allow. Lists must name a prefix that lies within one's own: a list without
`s3:prefix` matches no condition and is denied.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
"""

import json

from grants.policies import VERSION, Document, literal

UPLOAD, READ = "upload", "read"
# What STS takes as plain text; its packed limit may be lower still, which only AWS can tell.
MOST_CHARACTERS = 2048
# Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (Policy)
LAST_LETTER = "\u00ff"
_READS = ("s3:GetObject", "s3:GetObjectVersion")
_WRITES = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
_LISTS = ("s3:ListBucket", "s3:ListBucketVersions")


class UnfitPrefixError(ValueError):
    """AWS would not take the policy that bounds a prefix: too long, or letters that STS does not take."""


def session_policy(bucket: str, prefix: str, *, purpose: str, may_delete: bool = False, kms_key: str = "") -> Document:
    """Give the policy for all keys that begin with `prefix`, which ends in a slash; `purpose` is upload or read.

    Reading is part of uploading: whoever uploads must see what has arrived. `kms_key` is the ARN of the key that
    encrypts the bucket. Raises ValueError for an empty or open prefix, UnfitPrefixError beyond 2,048 characters and
    for letters beyond Latin-1, which STS takes in no policy.
    """
    if not prefix.strip("/") or not prefix.endswith("/"):
        raise ValueError(f"A prefix of one's own ends in a slash and is not empty, unlike {prefix!r}.")
    actions = [*_READS]
    if purpose == UPLOAD:
        actions += [*_WRITES, *(["s3:DeleteObject"] if may_delete else [])]
    elif purpose != READ:
        raise ValueError(f"Credentials are for {UPLOAD} or {READ}, not for {purpose!r}.")
    plain = literal(prefix)
    document: Document = {
        "Version": VERSION,
        "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": [f"arn:aws:s3:::{bucket}/{plain}*"]},
            {
                "Effect": "Allow",
                "Action": list(_LISTS),
                "Resource": [f"arn:aws:s3:::{bucket}"],
                "Condition": {"StringLike": {"s3:prefix": [plain, f"{plain}*"]}},
            },
            *_key(kms_key, purpose),
        ],
    }
    _check(document, prefix)
    return document


def _key(kms_key: str, purpose: str) -> list[Document]:
    """Let the session use the bucket's key; every part of an upload is decrypted again when they are put together.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuAndPermissions.html
    """
    if not kms_key:
        return []
    actions = ["kms:Decrypt", *(["kms:GenerateDataKey"] if purpose == UPLOAD else [])]
    return [{"Effect": "Allow", "Action": actions, "Resource": [kms_key]}]


def _check(document: Document, prefix: str) -> None:
    if any(not " " <= letter <= LAST_LETTER for letter in prefix):
        raise UnfitPrefixError("AWS takes no letters beyond Latin-1, and no control characters, in a session's policy.")
    if len(written(document)) > MOST_CHARACTERS:
        raise UnfitPrefixError(f"The prefix {prefix[:60]}... is too long for the policy of a session.")


def written(document: Document) -> str:
    """Write a policy as it is sent."""
    return json.dumps(document, separators=(",", ":"))
