"""What a reader says is believed no further than its form."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imports.reader_process import messages
from imports.reader_process.messages import MalformedAnswerError
from studies.content import FeatureContent, SourceContent, VersionContent


def over_the_wire(content: VersionContent) -> Any:
    return messages.decode(messages.encode({"content": asdict(content)}))["content"]


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.builds(VersionContent, metadata=st.dictionaries(st.text(), st.lists(st.text()))))
def test_content_comes_as_it_went(content: VersionContent) -> None:
    assert messages.rebuilt(VersionContent, over_the_wire(content)) == content


CONTENT = VersionContent(
    title="t",
    description="",
    organism_tax_id=None,
    cell_count=1,
    features=(FeatureContent("a", "A"),),
    annotations=(),
    projections=("umap",),
    layers=(),
    source=SourceContent("", "", 0, ""),
)


def test_half_a_pair_of_surrogates_comes_as_it_went() -> None:
    content = replace(CONTENT, title="\ud800")
    assert messages.rebuilt(VersionContent, over_the_wire(content)) == content


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 1),
        ("title", None),
        ("organism_tax_id", "9606"),
        ("cell_count", 1.0),
        ("cell_count", True),
        ("features", [{"identifier": "a"}]),
        ("features", {"identifier": "a", "symbol": "A"}),
        ("features", "text"),
        ("projections", [["umap"]]),
        ("source", []),
        ("metadata", [1]),
    ],
)
def test_what_has_another_form_is_refused(field: str, value: Any) -> None:
    sent = over_the_wire(CONTENT)
    messages.rebuilt(VersionContent, sent)
    with pytest.raises(MalformedAnswerError):
        messages.rebuilt(VersionContent, {**sent, field: value})


def test_nothing_is_missing_and_nothing_is_added() -> None:
    sent = over_the_wire(CONTENT)
    with pytest.raises(MalformedAnswerError):
        messages.rebuilt(VersionContent, {**sent, "owner": "administrator@example.org"})
    del sent["title"]
    with pytest.raises(MalformedAnswerError):
        messages.rebuilt(VersionContent, sent)


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"1", b"\xff", json.dumps("text").encode()])
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(MalformedAnswerError):
        messages.decode(line)
