"""Resource patterns and their variables as SeaweedFS takes them."""

import re
from collections.abc import Mapping

_S3 = "arn:aws:s3:::"
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


def widened(pattern: str, variables: Mapping[str, str]) -> str:
    """Write a pattern that matches at least what IAM's does: what cannot be known or written matches anything.

    SeaweedFS knows no variable but the user's name, none of IAM's literal escapes (`${*}`, `${?}`, `${$}`), and takes
    a backslash for one of its own.
    """
    return _known(pattern, variables, otherwise="*").replace("\\", "?")


def exact(pattern: str, variables: Mapping[str, str], *, any_case: bool) -> str | None:
    """Write a pattern that matches just what IAM's does, or None when there is no such pattern.

    With `any_case` SeaweedFS disregards the case of letters in keys, as it does outside of bucket policies.
    """
    known = _known(pattern, variables, otherwise="\\")
    if "\\" in known or (known != "*" and not known.startswith(_S3)):
        return None
    if any_case and known != "*" and _has_letters_of_keys(known.removeprefix(_S3)):
        return None
    return known


def names_bucket(pattern: str, bucket: str) -> bool:
    """Tell whether a pattern names this bucket or objects of it without a wildcard in the bucket's name."""
    return pattern == f"{_S3}{bucket}" or pattern.startswith(f"{_S3}{bucket}/")


def whole_bucket(bucket: str) -> list[str]:
    """Name a bucket and everything in it."""
    return [f"{_S3}{bucket}", f"{_S3}{bucket}/*"]


def covers_whole_bucket(pattern: str, bucket: str) -> bool:
    """Tell whether a pattern surely covers a bucket and everything in it."""
    return pattern.endswith("*") and f"{_S3}{bucket}".startswith(pattern[:-1]) and not set(pattern[:-1]) & {"*", "?"}


def _has_letters_of_keys(path: str) -> bool:
    """Tell whether letters may stand for those of keys: buckets have small ones only, which match as they are."""
    bucket = re.split(r"[/*?]", path, maxsplit=1)[0]
    key = path[len(bucket) :]
    return key.lower() != key.upper() or bucket != bucket.lower()


def _known(pattern: str, variables: Mapping[str, str], *, otherwise: str) -> str:
    lower = {name.lower(): value for name, value in variables.items()}

    def value(match: re.Match[str]) -> str:
        return lower.get(match[1].lower(), otherwise)

    found = _VARIABLE.sub(value, pattern)
    return otherwise if "${" in found else found
