"""The scopes of S3 Access Grants: which data a location, a grant or a target names, and which contains which.

AWS writes them as S3 paths. What its pages leave open is decided here, so that one file has to change when AWS shows
otherwise; each time the reading that gives more is taken for what a grant covers (a promise tested against it errs on
the safe side), and the reading that refuses for what may be created (nothing is built on what AWS may not take).

- A path that ends in `*` is every key that begins so, the key that is the prefix itself included; any other `*` is a
  character of the key. A path without a trailing `*` is one key.
- `s3://bucket` and `s3://bucket/` are the whole bucket: they name no key, and AWS calls such a scope "a bucket".
- A grant's scope is the location's followed by the sub-prefix, as they are. A `/` is put between a bare bucket and the
  sub-prefix; a `/` the sub-prefix begins with is dropped where the location has one already, for AWS's own example
  gives `/object-key-name` to a bucket location. Prefixes are not divided by `/` otherwise: `s3://b/p` and `q*` make
  `s3://b/pq*`.
- A location `s3://b/p*` loses its `*` before a sub-prefix, which could otherwise only name keys with a `*` in them.
- A sub-prefix on `s3://` must name a bucket, a `/` and something after it.
- Of two scopes that contain a target the one with the longer prefix is closer, and one key is closer than a prefix.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-grant-create.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-credentials.html
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SCHEME = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class ScopeError(ValueError):
    """A path that names nothing S3 Access Grants could give; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One key of a bucket, or with `is_prefix` all keys that begin with `key`; without a bucket all data there is."""

    bucket: str
    key: str
    is_prefix: bool

    def __str__(self) -> str:
        """Write it in the one way that no other scope is written."""
        if not self.bucket:
            return SCHEME
        return f"{SCHEME}{self.bucket}/{self.key}{'*' if self.is_prefix else ''}"

    def covers(self, other: "Scope") -> bool:
        """Tell whether all that `other` names is named by this one too."""
        if not self.bucket:
            return True
        if self.bucket != other.bucket:
            return False
        return other.key.startswith(self.key) if self.is_prefix else self == other

    @property
    def closeness(self) -> tuple[int, bool]:
        """Give what the closest scope has most of."""
        return len(self.key), not self.is_prefix


def parse(path: str) -> Scope:
    """Read a path; raises ScopeError when it does not begin with `s3://` and the name of a bucket, or nothing."""
    if not path.startswith(SCHEME):
        raise ScopeError(f"{path} is no S3 path: begin it with {SCHEME}")
    bucket, _, key = path.removeprefix(SCHEME).partition("/")
    if not bucket and not key:
        return Scope("", "", is_prefix=True)
    if not _BUCKET.fullmatch(bucket):
        raise ScopeError(f"{path} names no bucket: write {SCHEME}bucket/prefix*")
    if not key:
        return Scope(bucket, "", is_prefix=True)
    return Scope(bucket, key.removesuffix("*"), is_prefix=key.endswith("*"))


def join(location_scope: str, sub_prefix: str) -> str:
    """Give the path of a grant at a location; raises ScopeError for one that AWS takes no grant on."""
    location = parse(location_scope)
    if not sub_prefix:
        if not location.bucket:
            raise ScopeError(f"A grant on {SCHEME} has to name a bucket: give a sub-prefix such as bucket/prefix/*")
        return location_scope
    if not location.bucket:
        return _narrowed(SCHEME + sub_prefix.lstrip("/"))
    base = location_scope.removesuffix("*")
    if not location.key:
        base = f"{SCHEME}{location.bucket}/"
    joined = base + (sub_prefix.lstrip("/") if base.endswith("/") else sub_prefix)
    parse(joined)
    return joined


def covers(scope: str, target: str) -> bool:
    """Tell whether the path `scope` contains all that the path `target` names; a partial order of what they name."""
    return parse(scope).covers(parse(target))


def closest(scopes: Iterable[Scope], target: Scope) -> Scope | None:
    """Give the closest of the scopes that cover a target, or None when none does."""
    return max((scope for scope in scopes if scope.covers(target)), key=lambda scope: scope.closeness, default=None)


def covering(target: Scope) -> Iterator[Scope]:
    """Give every scope below `s3://` that covers a target, the closest first."""
    if not target.is_prefix:
        yield target
    for length in range(len(target.key), -1, -1):
        yield Scope(target.bucket, target.key[:length], is_prefix=True)


def _narrowed(path: str) -> str:
    scope = parse(path)
    if not scope.key and not path.endswith("/*"):
        raise ScopeError(f"{path} does not narrow {SCHEME}: write bucket/*, bucket/prefix* or bucket/key")
    return path
