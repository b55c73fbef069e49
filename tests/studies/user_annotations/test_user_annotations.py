"""Cells people have drawn: theirs alone until shared, found again after a new import, and groups in questions."""

import csv as csv_module
import io
import uuid
from typing import Any

import numpy as np
import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError, NotFoundError, StaleVersionError
from cellenium_admin.core.models import Action, AuditEvent
from studies.models import Analysis, Study, StudyAccess, UserAnnotation
from studies.services import user_annotations
from studies.services.access import revoke_access
from studies.services.correlations import request_correlations
from studies.services.differential_expression import request_differential_expression
from studies.services.publication import publish_version
from studies.store.builder import write_cells
from tests.builders.people import caller, person
from tests.builders.stores import PublishedStudy, published_study, small_content

pytestmark = pytest.mark.django_db(transaction=True)
URI = "file:///study.h5ad"
SYSTEM = Actor.system("test")


@pytest.fixture
def owner():
    return person("ada")


@pytest.fixture
def made(owner) -> PublishedStudy:
    return published_study(owner=owner, cells=60, source_uri=URI)


@pytest.fixture
def member(made):
    user = person("ben")
    StudyAccess.objects.create(study=made.study, user=user, role="analyst")
    return user


@pytest.fixture
def drawn(made, owner) -> UserAnnotation:
    return create(made, owner)


def create(made, owner, **options: Any) -> UserAnnotation:
    given = {"name": "My cells", "cells": {"cell_ids": [5, 3, 59]}, **options}
    return user_annotations.create(user=owner, study_id=made.study.pk, **given)


def imported_again(settings, keys: list[str]) -> None:
    """Publish another version of the study, with other cells."""
    version_id = uuid.uuid4()
    codes = np.zeros(len(keys), dtype=np.int64)
    write_cells(settings.STORE_DIR / str(version_id) / "cells", keys, [codes], [np.zeros((len(keys), 2))])
    content = small_content(codes=codes, source_uri=URI)
    publish_version(version_id=version_id, content=content, owner=None, actor=SYSTEM)


def cells(annotation: UserAnnotation) -> list[int]:
    annotation.refresh_from_db()
    return user_annotations.cells_in(annotation).tolist()


def test_a_set_of_cells_is_named(made, drawn):
    assert (drawn.name, drawn.visibility, drawn.cell_count, drawn.key_count) == ("My cells", "private", 3, 3)
    assert cells(drawn) == [3, 5, 59]
    event = AuditEvent.objects.get(action=Action.USER_ANNOTATION_CREATED)
    assert event.after == {"name": "My cells", "color": "#d62728", "visibility": "private"}
    assert event.details == {"study_id": str(made.study.pk), "cells": 3}


def test_all_ways_to_choose_cells(made, owner, drawn):
    [value] = made.version.annotation_groups.get().values.filter(label="B cell")
    by_value = create(made, owner, name="by value", cells={"value_ids": [value.pk]})
    assert cells(by_value) == np.flatnonzero(made.codes == 1).tolist()
    by_key = create(made, owner, name="by key", cells=None, cell_keys=["cell-9", "cell-10", "cell-9"])
    assert cells(by_key) == [9, 10]
    by_other = create(made, owner, name="by other", cells={"annotation_id": drawn.pk})
    assert cells(by_other) == [3, 5, 59]


@pytest.mark.parametrize(
    ("options", "pointer", "code"),
    [
        ({"cells": {"cell_ids": [60]}}, "/cells/cell_ids", "unknown_cell"),
        ({"cells": {"cell_ids": []}}, "/cells", "too_few_cells"),
        ({"cells": None, "cell_keys": ["cell-1", "nobody"]}, "/cell_keys", "unknown_cell"),
        ({"cells": None, "cell_keys": []}, "/cell_keys", "empty_group"),
        ({"cells": None}, "/cells", "invalid"),
        ({"cell_keys": ["cell-1"]}, "/cells", "invalid"),
        ({"color": "red"}, "/color", "invalid"),
        ({"color": "#12345\n"}, "/color", "invalid"),
        ({"visibility": "world"}, "/visibility", "invalid_choice"),
        ({"name": "  "}, "/name", "invalid"),
        ({"name": "a\x07"}, "/name", "invalid"),
        ({"name": "x" * 201}, "/name", "invalid"),
        ({"name": " My cells "}, "/name", "taken"),
    ],
)
def test_mistakes_are_named(made, owner, drawn, options, pointer, code):
    with pytest.raises(InvalidInputError) as error:
        create(made, owner, **{"name": "other", **options})
    assert [(one.pointer, one.code) for one in error.value.errors] == [(pointer, code)]
    assert UserAnnotation.objects.count() == 1


def test_names_are_taken_for_oneself_only(made, member, drawn):
    assert create(made, member).pk != drawn.pk


def test_there_is_an_end_to_them(made, owner, drawn, monkeypatch):
    monkeypatch.setattr(user_annotations, "MOST_PER_OWNER", 1)
    with pytest.raises(InvalidInputError, match="You have 1 annotations"):
        create(made, owner, name="other")


def test_who_sees_which(made, owner, member, drawn):
    shared = create(made, owner, name="shared", visibility="study")
    stranger, administrator = person("eve"), person("root", "administrator")

    def seen_by(user) -> set[str]:
        return set(UserAnnotation.objects.visible_to(user).values_list("name", flat=True))

    assert seen_by(owner) == {"My cells", "shared"}
    assert seen_by(member) == {"shared"}
    assert seen_by(administrator) == {"shared"}
    assert seen_by(stranger) == set()
    for user, annotation in ((member, drawn), (stranger, shared)):
        with pytest.raises(NotFoundError):
            user_annotations.visible(user=user, annotation_id=annotation.pk)
    revoke_access(study=made.study, user=owner, actor=SYSTEM)
    assert seen_by(owner) == set()


def test_only_its_owner_changes_one(made, owner, member):
    shared = create(made, owner, visibility="study")
    with pytest.raises(NotFoundError):
        user_annotations.own(user=member, annotation_id=shared.pk)
    with pytest.raises(NotFoundError):
        user_annotations.change(user=member, annotation=shared, expected_version=1, name="mine")
    with pytest.raises(NotFoundError):
        user_annotations.remove(user=member, annotation=shared, expected_version=1)
    assert UserAnnotation.objects.get().name == "My cells"


def test_changes_are_told_and_stale_ones_refused(owner, drawn):
    changed = user_annotations.change(user=owner, annotation=drawn, expected_version=1, name="New", color="#ABCDEF")
    assert (changed.name, changed.color, changed.version) == ("New", "#abcdef", 2)
    event = AuditEvent.objects.get(action=Action.USER_ANNOTATION_CHANGED)
    assert (event.before["name"], event.after["name"]) == ("My cells", "New")
    with pytest.raises(StaleVersionError):
        user_annotations.change(user=owner, annotation=drawn, expected_version=1, name="Newer")
    same = user_annotations.change(user=owner, annotation=drawn, expected_version=2, name="New")
    assert same.version == 2
    user_annotations.remove(user=owner, annotation=drawn, expected_version=2)
    assert not UserAnnotation.objects.exists()
    assert AuditEvent.objects.filter(action=Action.USER_ANNOTATION_REMOVED).count() == 1


def test_cells_are_found_again_by_name(made, drawn, settings):
    """Another order, one cell gone: then it is missing, and it is there again when it comes back."""
    imported_again(settings, ["cell-59", "new", "cell-3"])
    assert cells(drawn) == [0, 2]
    assert (drawn.cell_count, drawn.key_count, drawn.version) == (2, 3, 2)
    imported_again(settings, ["nothing", "else"])
    assert (cells(drawn), drawn.cell_count) == ([], 0)
    imported_again(settings, [f"cell-{number}" for number in range(60)])
    assert cells(drawn) == [3, 5, 59]
    drawn.study.refresh_from_db()
    assert drawn.attached_to_id == drawn.study.current_version_id


def test_cells_of_yesterday_are_refused(made, owner, settings, monkeypatch):
    """The study is imported again between the choice of the cells and their naming."""
    original = user_annotations._chosen

    def chosen_late(*given):
        found = original(*given)
        imported_again(settings, ["cell-1"])
        return found

    monkeypatch.setattr(user_annotations, "_chosen", chosen_late)
    with pytest.raises(ConflictError, match="imported again"):
        create(made, owner)
    assert not UserAnnotation.objects.exists()


def test_a_group_in_a_question_is_the_same_as_its_cells(made, owner, drawn):
    study_id = made.study.pk
    named = request_differential_expression(user=owner, study_id=study_id, group1={"annotation_id": drawn.pk})
    listed = request_differential_expression(user=owner, study_id=study_id, group1={"cell_ids": [3, 5, 59]})
    assert named.pk == listed.pk
    assert str(drawn.pk) not in str(Analysis.objects.get().parameters)
    other = create(made, owner, name="other", cells={"cell_ids": [7, 8, 9, 10]})
    asked = request_differential_expression(
        user=owner, study_id=study_id, group1={"annotation_id": drawn.pk}, group2={"annotation_id": other.pk}
    )
    assert asked.parameters["group2"] == {"cell_ids": [7, 8, 9, 10]}
    within = request_correlations(
        user=owner, study_id=study_id, feature="GENE0", within={"annotation_id": other.pk}
    ).parameters["within"]
    assert within == {"cell_ids": [7, 8, 9, 10]}


def test_others_private_cells_are_no_group(made, member, drawn):
    for group in ({"annotation_id": drawn.pk}, {"annotation_id": drawn.pk, "cell_ids": [1]}):
        with pytest.raises(InvalidInputError) as error:
            request_differential_expression(user=member, study_id=made.study.pk, group1=group)
        assert error.value.errors[0].pointer.startswith("/group1")


def test_cells_of_another_study_are_no_group(owner, drawn):
    other = published_study(owner=owner, name="other")
    with pytest.raises(InvalidInputError, match="no such annotation of this study"):
        request_differential_expression(user=owner, study_id=other.study.pk, group1={"annotation_id": drawn.pk})


def test_the_table_tells_what_is_missing_and_comes_back_in(made, owner, settings):
    drawn = create(made, owner, name="=cells")
    imported_again(settings, ["cell-59", "cell-3"])
    drawn = user_annotations.visible(user=owner, annotation_id=drawn.pk)
    rows = list(csv_module.DictReader(io.StringIO("".join(user_annotations.csv_lines(drawn)))))
    assert [(row["cell"], row["in_current_version"]) for row in rows] == [
        ("cell-3", "yes"),
        ("cell-5", "no"),
        ("cell-59", "yes"),
    ]
    assert rows[0]["annotation"] == "'=cells"


def test_through_the_api(made, owner, member):
    client, other = caller(owner), caller(member)
    address = f"/api/v1/studies/{made.study.pk}/user-annotations"
    asked = client.post(address, {"name": "Drawn", "cells": {"cell_ids": [1, 2]}, "visibility": "study"})
    assert asked.status_code == 201, asked.content
    one = asked["Location"]
    assert client.get(one).json() == asked.json()
    assert other.get(address).json()["results"][0]["is_mine"] is False
    assert client.get(f"{one}/cells").json() == {"version_id": str(made.version.pk), "cell_ids": [1, 2]}
    assert client.patch(one, {"name": "Better"}).status_code == 428
    changed = client.patch(one, {"name": "Better"}, headers={"If-Match": asked["ETag"]})
    assert (changed.status_code, changed.json()["name"]) == (200, "Better")
    assert other.patch(one, {"name": "x"}, headers={"If-Match": changed["ETag"]}).status_code == 404
    assert client.post(f"{one}/remove", headers={"If-Match": asked["ETag"]}).status_code == 412
    assert client.post(f"{one}/remove", headers={"If-Match": changed["ETag"]}).status_code == 204
    assert Study.objects.get().user_annotations.count() == 0


@pytest.mark.parametrize("keys", ["cell-1", [1], [""], ["\0"], ["x" * 1001]])
def test_names_of_cells_are_texts(made, owner, keys):
    found = caller(owner).post(
        f"/api/v1/studies/{made.study.pk}/user-annotations", {"name": "a", "cell_keys": keys}, format="json"
    )
    assert (found.status_code, found.json()["errors"][0]["pointer"]) == (422, "/cell_keys")


def test_lists_fetch_no_cells(made, owner, django_assert_max_num_queries):
    for number in range(5):
        create(made, owner, name=f"{number}")
    client = caller(owner)
    with django_assert_max_num_queries(8) as found:
        client.get(f"/api/v1/studies/{made.study.pk}/user-annotations")
    assert not [query for query in found.captured_queries if '"keys"' in query["sql"]]
