"""Policy documents as IAM takes them: well-formed, and no longer than their quota."""

import functools
import json
import urllib.parse
from typing import Any

from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.policy_validation import (
    SERVICE_TYPE_REGION_INFORMATION_ERROR_ASSOCIATIONS as ARNS_WITH_REGION,
)
from moto.iam.policy_validation import IAMPolicyDocumentValidator

from grants.evaluator import Policy, PolicyError
from grants.sandbox.iam import refusals

# moto's table of S3's resources that have a Region knows access points, and not yet Access Grants.
ARNS_WITH_REGION["s3"]["valid_starting_values"] = ["accesspoint/", "access-grants/"]
_WHITE_SPACE = str.maketrans("", "", " \t\r\n")


def check_identity(document: str) -> None:
    """Raise MalformedPolicyDocument unless this is a policy for a user, group or role.

    moto knows IAM's own words for most mistakes; the evaluator has the last word, as it must understand every
    document that is kept.
    """
    try:
        IAMPolicyDocumentValidator(document).validate()
    except MalformedPolicyDocument as error:
        raise refusals.malformed_policy(error.message or "Syntax errors in policy.") from error
    parsed(document, "identity")


@functools.lru_cache(maxsize=4096)
def parsed(document: str, kind: str) -> Policy:
    """Parse a document of a kind the evaluator knows; MalformedPolicyDocument says what is wrong and where."""
    try:
        return Policy.parse(document, kind)
    except PolicyError as error:
        raise refusals.malformed_policy(str(error)) from error


@functools.lru_cache(maxsize=4096)
def loaded(document: str) -> Any:
    """Give the parsed JSON of a document that was checked; do not change it."""
    return json.loads(document)


def size(document: str) -> int:
    """Count a document's characters without white space, which IAM's quotas leave out.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    return len(document.translate(_WHITE_SPACE))


def encoded(document: str) -> str:
    """URL-encode a document as IAM's answers carry it (RFC 3986)."""
    return urllib.parse.quote(document, safe="-_.~")
