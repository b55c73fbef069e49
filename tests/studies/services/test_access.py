"""Roles are given, changed and taken, each time with a line in the trail; empty means nobody."""

import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import InvalidInputError, NotFoundError, RefusedError
from cellenium_admin.core.models import Action, AuditEvent
from studies.models import Study
from studies.services.access import grant_access, revoke_access, set_visibility
from studies.services.studies import computable_study, current_version, may_compute, visible_study
from tests.builders.people import person
from tests.builders.stores import published_study

pytestmark = pytest.mark.django_db(transaction=True)

ACTOR = Actor.system("test")


@pytest.fixture
def study() -> Study:
    return published_study(owner=None, cells=6, genes=3).study


def told() -> list[tuple[str, dict, dict, str]]:
    events = AuditEvent.objects.exclude(action=Action.STUDY_CREATED).order_by("seq")
    return list(events.values_list("action", "before", "after", "reason"))


def test_a_role_is_given_changed_and_taken(study):
    ben = person("ben")
    who = {"user": ben.label, "user_id": str(ben.pk)}
    grant_access(study=study, user=ben, role="viewer", actor=ACTOR, reason="asked for it")
    grant_access(study=study, user=ben, role="analyst", may_download=True, actor=ACTOR)
    revoke_access(study=study, user=ben, actor=ACTOR, reason="left")
    viewer = {**who, "role": "viewer", "may_download": False}
    analyst = {**who, "role": "analyst", "may_download": True}
    assert told() == [
        (Action.STUDY_ACCESS_GRANTED, {}, viewer, "asked for it"),
        (Action.STUDY_ACCESS_GRANTED, viewer, analyst, ""),
        (Action.STUDY_ACCESS_REVOKED, analyst, {}, "left"),
    ]
    assert not study.access.exists()


def test_the_same_again_changes_and_tells_nothing(study):
    for _ in range(2):
        grant_access(study=study, group="lab", role="viewer", actor=ACTOR)
        set_visibility(study=study, visibility="public", actor=ACTOR)
    assert [event[0] for event in told()] == [Action.STUDY_ACCESS_GRANTED, Action.STUDY_VISIBILITY_CHANGED]
    assert told()[1][1:3] == ({"visibility": "private"}, {"visibility": "public"})


def test_a_role_is_for_a_user_or_a_group(study):
    for holder in ({}, {"user": person("ben"), "group": "lab"}):
        with pytest.raises(InvalidInputError, match="either a user or a group"):
            grant_access(study=study, role="viewer", actor=ACTOR, **holder)


def test_unknown_roles_and_visibilities_are_refused(study):
    with pytest.raises(InvalidInputError, match="'owner' is not one of viewer, analyst, admin") as caught:
        grant_access(study=study, group="lab", role="owner", actor=ACTOR)
    assert caught.value.errors[0].pointer == "/role"
    with pytest.raises(InvalidInputError, match="not one of private, public"):
        set_visibility(study=study, visibility="open", actor=ACTOR)


def test_what_was_not_given_cannot_be_taken(study):
    with pytest.raises(NotFoundError):
        revoke_access(study=study, group="lab", actor=ACTOR)
    assert told() == []


def rights(study: Study, user) -> str:
    try:
        visible_study(user=user, study_id=study.pk)
    except NotFoundError:
        with pytest.raises(NotFoundError):
            computable_study(user=user, study_id=study.pk)
        return "nothing"
    if may_compute(user=user, study=study):
        assert computable_study(user=user, study_id=study.pk) == study
        return "compute"
    with pytest.raises(RefusedError) as caught:
        computable_study(user=user, study_id=study.pk)
    attempt = caught.value.attempt
    assert (attempt.action, attempt.object_type, attempt.object_id) == ("analysis.requested", "study", str(study.pk))
    return "see"


@pytest.mark.parametrize(
    ("role", "expected"), [(None, "nothing"), ("viewer", "see"), ("analyst", "compute"), ("admin", "compute")]
)
@pytest.mark.parametrize("by_group", [False, True])
def test_rights_by_role(study, role, expected, by_group):
    user = person("ben", study_groups=["lab", ""])
    if role:
        holder = {"group": "lab"} if by_group else {"user": user}
        grant_access(study=study, role=role, actor=ACTOR, **holder)
    assert rights(study, user) == expected
    assert rights(study, person("stranger")) == "nothing"
    user.is_active = False
    user.save()
    assert rights(study, user) == "nothing"


@pytest.mark.parametrize(("visibility", "expected"), [("private", "nothing"), ("public", "see")])
def test_rights_by_visibility(study, visibility, expected):
    set_visibility(study=study, visibility=visibility, actor=ACTOR)
    assert rights(study, person("ben")) == expected


def test_administrators_may_all_and_curators_nothing_of_it(study):
    assert rights(study, person("root", "administrator")) == "compute"
    assert rights(study, person("cura", "curator")) == "nothing"


def test_a_study_without_data_does_not_exist_yet(study):
    Study.objects.filter(pk=study.pk).update(current_version=None)
    study.refresh_from_db()
    assert rights(study, person("root", "administrator")) == "nothing"
    with pytest.raises(NotFoundError, match="no data yet"):
        current_version(study)
