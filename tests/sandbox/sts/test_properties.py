"""A session never may what its role may not, nor what its session policy does not say."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.sts import StsLab, may

ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
KEYS = ["input/uploader/a", "input/uploader/b", "input/neighbour/a", "input/", "other"]
RESOURCES = [f"arn:aws:s3:::gallery/{key}" for key in KEYS]
patterns = st.sampled_from([*RESOURCES, "*", "arn:aws:s3:::gallery/input/*", "arn:aws:s3:::gallery/input/uploader/?"])
verbs = st.sampled_from([*ACTIONS, "s3:*", "s3:*Object", "*", "s3:Put*"])
conditions = st.sampled_from(
    [
        {},
        {"Condition": {"StringEquals": {"aws:SourceIdentity": "u-1"}}},
        {"Condition": {"StringEquals": {"aws:SourceIdentity": "u-2"}}},
        {"Condition": {"Null": {"aws:PrincipalTag/team": "true"}}},
    ]
)


@st.composite
def statements(draw: Any) -> dict[str, Any]:
    """Give one statement about the few actions and objects there are."""
    effect = draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"]))
    action = {draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(st.lists(verbs, min_size=1, max_size=2))}
    resource = {draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(patterns)}
    return {"Effect": effect, **action, **resource, **draw(conditions)}


policies = st.lists(statements(), min_size=1, max_size=3).map(lambda some: {"Version": "2012-10-17", "Statement": some})


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StsLab]:
    lab = StsLab(Path(tmp_path_factory.mktemp("sts")))
    yield lab
    lab.close()


@settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(role_policy=policies, session_policy=policies)
def test_a_session_may_exactly_what_role_and_session_policy_both_say(
    lab: StsLab, role_policy: dict[str, Any], session_policy: dict[str, Any]
) -> None:
    """Each of the two alone is a session of a role that may everything, or of one without a session policy."""
    user = lab.user()
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    narrow, wide = lab.role(user, role_policy), lab.role(user, everything)
    text = json.dumps(session_policy)
    both = lab.session(user, narrow, Policy=text, SourceIdentity="u-1")
    by_role = lab.session(user, narrow, SourceIdentity="u-1")
    by_session = lab.session(user, wide, Policy=text, SourceIdentity="u-1")
    for action, resource in itertools.product(ACTIONS, RESOURCES):
        separately = may(by_role, action, resource) and may(by_session, action, resource)
        assert may(both, action, resource) == separately
