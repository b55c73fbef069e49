"""Tags of instances, locations and grants.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_TagResource.html
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

from grants.sandbox.access_grants import refusals
from grants.sandbox.access_grants.desk import Desk
from grants.sandbox.calls import Call

MOST = 50
_LONGEST_KEY, _LONGEST_VALUE = 128, 256
_MARKS = set("_.:/=+-@")


def read(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Give the tags of a request; raises TooManyTags, InvalidTag, InvalidTags."""
    given = parameters.get("Tags") or []
    if len(given) > MOST:
        raise _too_many()
    tags: dict[str, str] = {}
    for tag in given:
        key, value = tag.get("Key") or "", tag.get("Value") or ""
        _check(key, value)
        if key in tags:
            raise refusals.refusal("InvalidTag", f"The tag key {key} is given twice: give each key once")
        tags[key] = value
    return tags


def tag_resource(desk: Desk, call: Call) -> Mapping[str, Any]:
    """TagResource."""
    desk.instance()
    arn, tags = call.parameters["ResourceArn"], read(call.parameters)
    desk.require(call, arn, new_tags=tags)
    _exists(desk, arn)
    if len(desk.tags(arn).keys() | tags.keys()) > MOST:
        raise _too_many()
    desk.put_tags(arn, tags)
    return {}


def untag_resource(desk: Desk, call: Call) -> Mapping[str, Any]:
    """UntagResource."""
    desk.instance()
    arn, keys = call.parameters["ResourceArn"], call.parameters["TagKeys"]
    desk.require(call, arn, {"aws:TagKeys": tuple(keys)})
    _exists(desk, arn)
    desk.world.state.many("DELETE FROM access_grants_tag WHERE arn = ? AND key = ?", [(arn, key) for key in keys])
    return {}


def list_tags_for_resource(desk: Desk, call: Call) -> Mapping[str, Any]:
    """ListTagsForResource."""
    desk.instance()
    arn = call.parameters["ResourceArn"]
    desk.require(call, arn)
    _exists(desk, arn)
    return {"Tags": [{"Key": key, "Value": value} for key, value in desk.tags(arn).items()]}


def _exists(desk: Desk, arn: str) -> None:
    kind, _, identifier = arn.removeprefix(f"{desk.instance_arn}/").partition("/")
    if arn == desk.instance_arn:
        return
    if not arn.startswith(f"{desk.instance_arn}/") or kind not in {"location", "grant"}:
        raise refusals.invalid_request(
            f"{arn} is no S3 Access Grants instance, location or grant of this account, and the sandbox tags no others"
        )
    if kind == "location" and desk.location(identifier) is None:
        raise refusals.no_location()
    if kind == "grant" and desk.grant(identifier) is None:
        raise refusals.no_grant()


def _check(key: str, value: str) -> None:
    if key.lower().startswith("aws:"):
        raise refusals.refusal("InvalidTags", f"The tag key {key} begins with aws:, which is AWS's own: choose another")
    if not 1 <= len(key) <= _LONGEST_KEY or len(value) > _LONGEST_VALUE:
        raise refusals.refusal(
            "InvalidTag", f"A tag has a key of 1 to {_LONGEST_KEY} characters and a value of up to {_LONGEST_VALUE}"
        )
    for character in key + value:
        if character not in _MARKS and unicodedata.category(character)[0] not in "LZN":
            raise refusals.refusal("InvalidTag", "Tags have letters, spaces, numbers and _ . : / = + - @ only")


def _too_many() -> Exception:
    return refusals.refusal("TooManyTags", f"A resource has at most {MOST} tags")
