"""Tags of instances, locations and grants."""

from typing import Any

import pytest

from tests.support.access_grants import INSTANCE, GrantsLab, refused

GRANT = f"{INSTANCE}/grant/00000000-0000-0000-0000-000000000000"


def tag(key: str, value: str = "") -> dict[str, str]:
    return {"Key": key, "Value": value}


def test_all_three_kinds_are_tagged_from_the_start(lab: GrantsLab) -> None:
    reader, role = lab.reader(), lab.location_role()
    location = lab.do("CreateAccessGrantsLocation", LocationScope="s3://", IAMRoleArn=role, Tags=[tag("project", "a")])
    identifier = location["AccessGrantsLocationId"]
    grant = lab.granted(identifier, "gallery/*", reader, Tags=[tag("opkey", "7"), tag("empty")])
    lab.do("TagResource", ResourceArn=INSTANCE, Tags=[tag("for", "atlas")])
    assert tags_of(lab, location["AccessGrantsLocationArn"]) == {"project": "a"}
    assert tags_of(lab, grant["AccessGrantArn"]) == {"opkey": "7", "empty": ""}
    assert tags_of(lab, INSTANCE) == {"for": "atlas"}


def test_tags_are_put_over_others_and_taken_away(lab: GrantsLab) -> None:
    lab.do("TagResource", ResourceArn=INSTANCE, Tags=[tag("a", "1"), tag("b", "1")])
    lab.do("TagResource", ResourceArn=INSTANCE, Tags=[tag("b", "2"), tag("c", "2")])
    assert tags_of(lab, INSTANCE) == {"a": "1", "b": "2", "c": "2"}
    lab.do("UntagResource", ResourceArn=INSTANCE, TagKeys=["a", "none"])
    assert tags_of(lab, INSTANCE) == {"b": "2", "c": "2"}


def test_tags_go_with_their_grant(lab: GrantsLab) -> None:
    grant = lab.granted(lab.location(), "a/*", lab.reader(), Tags=[tag("a")])
    lab.do("DeleteAccessGrant", AccessGrantId=grant["AccessGrantId"])
    with refused("NoSuchAccessGrantError"):
        lab.do("ListTagsForResource", ResourceArn=grant["AccessGrantArn"])


@pytest.mark.parametrize(
    ("code", "tags"),
    [
        ("TooManyTags", [tag(f"k{number}") for number in range(51)]),
        ("InvalidTag", [tag("same", "1"), tag("same", "2")]),
        ("InvalidTag", [tag("")]),
        ("InvalidTag", [tag("k" * 129)]),
        ("InvalidTag", [tag("k", "v" * 257)]),
        ("InvalidTag", [tag("semi;colon")]),
        ("InvalidTag", [tag("k", "line\nline")]),
        ("InvalidTags", [tag("aws:mine")]),
        ("InvalidTags", [tag("AWS:mine")]),
    ],
)
def test_tags_that_aws_refuses(lab: GrantsLab, code: str, tags: list[dict[str, str]]) -> None:
    with refused(code):
        lab.do("TagResource", ResourceArn=INSTANCE, Tags=tags)
    with refused(code):
        lab.granted(lab.location(), "a/*", lab.reader(), Tags=tags)
    assert lab.do("ListAccessGrants")["AccessGrantsList"] == []


def test_letters_of_all_scripts_are_fine(lab: GrantsLab) -> None:
    lab.do("TagResource", ResourceArn=INSTANCE, Tags=[tag("größe 東京 ²", "_.:/=+-@ é")])
    assert tags_of(lab, INSTANCE) == {"größe 東京 ²": "_.:/=+-@ é"}


def test_fifty_tags_are_the_most_over_several_calls(lab: GrantsLab) -> None:
    lab.do("TagResource", ResourceArn=INSTANCE, Tags=[tag(f"k{number}") for number in range(50)])
    lab.do("TagResource", ResourceArn=INSTANCE, Tags=[tag("k7", "again")])
    with refused("TooManyTags"):
        lab.do("TagResource", ResourceArn=INSTANCE, Tags=[tag("one more")])


@pytest.mark.parametrize(
    ("code", "arn"),
    [
        ("NoSuchAccessGrantError", GRANT),
        ("NoSuchAccessGrantsLocationError", f"{INSTANCE}/location/x"),
        ("InvalidRequest", "arn:aws:s3:eu-central-1:123456789012:accesspoint/p"),
        ("InvalidRequest", f"{INSTANCE}/thing/x"),
        ("InvalidRequest", "arn:aws:iam::123456789012:role/r"),
        ("InvalidRequest", f"{INSTANCE}/grant/" + "x" * 1000),
    ],
)
@pytest.mark.parametrize(
    ("operation", "more"),
    [("TagResource", {"Tags": []}), ("UntagResource", {"TagKeys": ["a"]}), ("ListTagsForResource", {})],
)
def test_only_what_exists_has_tags(lab: GrantsLab, code: str, arn: str, operation: str, more: dict[str, Any]) -> None:
    with refused(code):
        lab.do(operation, ResourceArn=arn, **more)


def tags_of(lab: GrantsLab, arn: str) -> dict[str, str]:
    return {found["Key"]: found["Value"] for found in lab.do("ListTagsForResource", ResourceArn=arn)["Tags"]}
