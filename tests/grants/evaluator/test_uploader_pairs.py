"""Pairs of hostile e-mail addresses: whoever has credentials for one prefix reaches nothing of the other's."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

import botocore.session
import pytest

from cellenium_admin.core.prefixes import MOST_CHARACTERS, ROOT, prefix_for
from grants import stack_policies, uploader_policies
from grants.evaluator import Policy, Principal, Request, evaluate
from tests.support.hostile_emails import pairs, same_person

BUCKET, ACCOUNT = "example-cellenium", "123456789012"
ARN = f"arn:aws:s3:::{BUCKET}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/importer"
WHO = Principal(f"arn:aws:sts::{ACCOUNT}:assumed-role/importer/session", ROLE, ACCOUNT)
LISTS = ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads")
# IAM's names where they differ from those of the operations.
# Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
MORE_ACTIONS = (
    "GetObjectVersion", "GetObjectVersionAcl", "GetObjectVersionTagging", "GetObjectVersionAttributes",
    "GetObjectVersionTorrent", "GetObjectVersionForReplication", "PutObjectVersionAcl", "PutObjectVersionTagging",
    "DeleteObjectVersion", "DeleteObjectVersionTagging", "ListMultipartUploadParts", "BypassGovernanceRetention",
    "ReplicateObject", "ReplicateDelete", "ReplicateTags", "ObjectOwnerOverrideToBucketOwner", "InitiateReplication",
    "ListBucketVersions", "ListBucketMultipartUploads", "ListBucket", "ListAllMyBuckets", "GetDataAccess",
    "CreateAccessGrant", "PutBucketPublicAccessBlock", "GetEncryptionConfiguration", "PutLifecycleConfiguration",
    "CreateJob", "PutAccessPointPolicy", "CreateAccessPoint", "ListCallerAccessGrants",
)  # fmt: skip
IMPORTER = (Policy.parse(stack_policies.importer_role(BUCKET, ROOT, may_delete=True)),)


def all_actions() -> list[str]:
    """Give every S3 action: by IAM's name, and by those of botocore's operations, which are mostly the same."""
    operations = botocore.session.get_session().get_service_model("s3").operation_names
    return sorted({f"s3:{name}" for name in (*operations, *MORE_ACTIONS)})


ACTIONS = all_actions()


def named_actions(document: dict[str, Any]) -> set[str]:
    return {action for statement in document["Statement"] for action in statement["Action"]}


def policy_of(prefix: str) -> dict[str, Any]:
    return uploader_policies.session_policy(BUCKET, prefix, purpose=uploader_policies.UPLOAD, may_delete=True)


# No pattern stands among a policy's actions, so what is not named is denied whatever the prefix is.
NAMED = sorted(named_actions(policy_of("input/x/")) | set(LISTS))


@lru_cache(maxsize=4)
def session_of(prefix: str, purpose: str = uploader_policies.UPLOAD) -> tuple[Policy, ...]:
    document = uploader_policies.session_policy(BUCKET, prefix, purpose=purpose, may_delete=True)
    return (Policy.parse(document, "session"),)


def allowed(session: tuple[Policy, ...], action: str, resource: str, **context: str) -> bool:
    named = {name.replace("_", ":", 1): value for name, value in context.items()}
    return evaluate(Request(WHO, action, resource, named), identity=IMPORTER, session=session).allowed


def list_contexts(own: str, foreign: str) -> Iterator[dict[str, str]]:
    """Give what lists may ask for that would show a key of the foreign prefix: nothing, less of it, it, more of it."""
    yield {}
    asked = {"", "i", "input", ROOT, foreign[:-1], foreign, f"{foreign}x", f"{foreign}uploads/", f"{own}*", f"{own}../"}
    asked |= {foreign[:length] for length in range(len(ROOT), len(foreign), 7)} | {own[:-1], f"{own[:-1]}*"}
    for prefix in sorted(asked):
        if foreign.startswith(prefix) or prefix.startswith(foreign):
            yield {"s3_prefix": prefix}
            yield {"s3_prefix": prefix, "s3_delimiter": "/"}


def reached(own: str, foreign: str, actions: Iterable[str]) -> list[tuple[str, str, dict[str, str]]]:
    """Give what a session for one prefix may do to the other."""
    session, found = session_of(own), []
    for key in (foreign, f"{foreign}uploads/one.h5ad", f"{foreign}{own}", foreign[:-1], f"{ROOT}{foreign}"):
        if not key.startswith(own):
            found += [(action, key, {}) for action in actions if allowed(session, action, f"{ARN}/{key}")]
    found += [(action, "", {}) for action in actions if allowed(session, action, ARN)]
    found += [(action, "", {}) for action in actions if allowed(session, action, "*")]
    for context in list_contexts(own, foreign):
        found += [(action, "", context) for action in LISTS if allowed(session, action, ARN, **context)]
    return found


def reaches_its_own(prefix: str) -> bool:
    upload, read = session_of(prefix), session_of(prefix, uploader_policies.READ)
    key = f"{ARN}/{prefix}one.h5ad"
    works = all(allowed(upload, f"s3:{action}", key) for action in ("GetObject", "PutObject", "AbortMultipartUpload"))
    lists = all(allowed(upload, action, ARN, s3_prefix=f"{prefix}{more}") for action in LISTS[:2] for more in ("", "x"))
    writes = [action for action in ACTIONS if allowed(read, action, key)]
    return works and lists and writes == ["s3:GetObject", "s3:GetObjectVersion"]


def check(count: int, *, judged: int, by_all: int) -> int:
    """Check `count` pairs, `judged` by the evaluator: named actions, and for `by_all` all of S3's; give how many."""
    prefixes: dict[str, str] = {}
    different = seen = 0
    for number, (one, other) in enumerate(pairs(count)):
        first, second = prefix_for(one), prefix_for(other)
        assert (first == second) == same_person(one, other), (one, other)
        for address, prefix in ((one, first), (other, second)):
            assert same_person(prefixes.setdefault(prefix, address), address), "two people share a prefix"
            assert prefix.count("/") == 2
            assert len(prefix) <= len(ROOT) + MOST_CHARACTERS + 1
        if first == second:
            continue
        different += 1
        if number < judged:
            assert named_actions(policy_of(first)) | set(LISTS) == set(NAMED)
            actions = ACTIONS if number < by_all else NAMED
            assert (reached(first, second, actions), reached(second, first, actions)) == ([], []), (one, other)
            seen += 1
        if number < by_all:
            assert reaches_its_own(first), one
    ordered = sorted(prefixes)
    assert not any(after.startswith(before) for before, after in pairwise(ordered))
    print(f"{count} pairs, {different} of two people, {len(prefixes)} prefixes, {seen} judged, {len(ACTIONS)} actions")
    assert seen > 0.7 * judged
    assert different > 0.7 * count
    assert len(prefixes) > count * 0.5
    return seen


def test_the_encoding_and_the_policies_keep_pairs_apart() -> None:
    check(2_000, judged=100, by_all=10)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_thousand_pairs_are_kept_apart() -> None:
    assert check(25_000, judged=25_000, by_all=200) >= 20_000


def test_the_judge_sees_a_prefix_left_open() -> None:
    """What the evaluator is asked can be found: without the slash at its end a prefix reaches the next one's keys."""
    policy = uploader_policies.session_policy(BUCKET, f"{ROOT}uploader@example.org/", purpose="upload")
    text = uploader_policies.written(policy).replace("uploader@example.org/", "uploader@example.org")
    session = (Policy.parse(text, "session"),)
    assert allowed(session, "s3:GetObject", f"{ARN}/{ROOT}uploader@example.organic/x")
    assert allowed(session, "s3:ListBucket", ARN, s3_prefix=f"{ROOT}uploader@example.org")


@pytest.mark.parametrize("prefix", ["", "/", "input", "input/x"])
def test_an_open_prefix_gets_no_policy(prefix: str) -> None:
    with pytest.raises(ValueError, match="slash"):
        uploader_policies.session_policy(BUCKET, prefix, purpose="upload")


def test_what_aws_would_not_take_is_refused_beforehand() -> None:
    with pytest.raises(uploader_policies.UnfitPrefixError, match="too long"):
        uploader_policies.session_policy(BUCKET, f"{'a' * 700}/", purpose="upload")
    with pytest.raises(uploader_policies.UnfitPrefixError, match="Latin-1"):
        uploader_policies.session_policy(BUCKET, "input/x/Ω/", purpose="upload")
    with pytest.raises(ValueError, match="not for 'all'"):
        uploader_policies.session_policy(BUCKET, "input/x/", purpose="all")


def test_the_longest_prefix_of_one_s_own_fits() -> None:
    prefix = prefix_for("ß" * 320)
    assert uploader_policies.session_policy(BUCKET, prefix, purpose="upload", may_delete=True)


def test_wildcards_in_a_part_of_a_prefix_are_letters() -> None:
    session = session_of("input/x/*/")
    assert allowed(session, "s3:PutObject", f"{ARN}/input/x/*/one")
    assert not allowed(session, "s3:PutObject", f"{ARN}/input/x/y/one")
    assert not allowed(session, "s3:ListBucket", ARN, s3_prefix="input/x/y/")


def test_the_key_of_the_bucket_is_usable() -> None:
    key = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1"
    upload = uploader_policies.session_policy(BUCKET, "input/x/", purpose="upload", kms_key=key)
    read = uploader_policies.session_policy(BUCKET, "input/x/", purpose="read", kms_key=key)
    assert named_actions(upload) - named_actions(policy_of("input/x/")) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert "kms:GenerateDataKey" not in named_actions(read)
