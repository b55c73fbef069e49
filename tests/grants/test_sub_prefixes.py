"""The grammar of our sub-prefixes: it refuses and never rewrites, and what it lets pass means what it says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grants import scopes
from grants.sub_prefixes import SubPrefixError, joined

BUCKET = "s3://data-bucket/"
REFUSED = {
    "": "Give a sub-prefix",
    "data": "names one key",
    "data/": "names one key",
    "data*": "put a / before",
    "a/b*": "put a / before",
    "a*b/*": "holds \\*",
    "a?/*": "holds \\?",
    "${aws:username}/*": "holds \\$ \\{ \\}",
    "/data/*": "empty part",
    "a//b/*": "empty part",
    "../b/*": "of dots",
    "a/./*": "of dots",
    "a\nb/*": "control characters",
    "a\x00/*": "control characters",
    "\ud800/*": "surrogate",
    "x" * 1999 + "/*": "at most 2000",
}


@pytest.mark.parametrize(("sub_prefix", "says"), REFUSED.items(), ids=[repr(text)[:20] for text in REFUSED])
def test_refused(sub_prefix: str, says: str) -> None:
    with pytest.raises(SubPrefixError, match=says):
        joined(BUCKET, sub_prefix)


@pytest.mark.parametrize(
    ("location", "sub_prefix", "scope"),
    [
        (BUCKET, "*", "s3://data-bucket/*"),
        (BUCKET, "data/*", "s3://data-bucket/data/*"),
        ("s3://data-bucket", "data/*", "s3://data-bucket/data/*"),
        ("s3://data-bucket/lab/", "a b+c/*", "s3://data-bucket/lab/a b+c/*"),
        ("s3://", "data-bucket/lab/*", "s3://data-bucket/lab/*"),
    ],
)
def test_joined_as_aws_joins(location: str, sub_prefix: str, scope: str) -> None:
    assert joined(location, sub_prefix) == scope


def test_a_single_object_names_its_whole_key() -> None:
    assert joined(BUCKET, "a/file.h5ad", is_object=True) == "s3://data-bucket/a/file.h5ad"
    for wrong in ("a/*", "", "a/fi?le"):
        with pytest.raises(SubPrefixError):
            joined(BUCKET, wrong, is_object=True)


@settings(derandomize=True, deadline=None, max_examples=2000)
@given(st.text(alphabet=st.sampled_from([*"ab/*?${}.-_ é\n\0+%"]), max_size=12))
def test_what_passes_covers_its_own_folder_and_nothing_beside_it(text: str) -> None:
    try:
        scope = joined(BUCKET, text)
    except SubPrefixError:
        return
    assert scope == BUCKET + text, "never rewritten"
    inside, beside = scope.removesuffix("*") + "key", scope.removesuffix("/*") + "-else/key"
    assert scopes.covers(scope, inside)
    if text != "*":
        assert not scopes.covers(scope, beside)
