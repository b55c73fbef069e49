"""Studies, labels, places and single genes."""

import json
import uuid
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from cellenium_admin.core.models import User
from studies.models import Study, StudyAccess
from tests.builders.people import caller, person
from tests.builders.stores import PublishedStudy, published_study


@pytest.fixture
def made(member: User) -> PublishedStudy:
    return published_study(owner=member)


@pytest.fixture
def url(made: PublishedStudy) -> str:
    return f"/api/v1/studies/{made.study.pk}"


def test_study_in_the_list(api: APIClient, made: PublishedStudy) -> None:
    body = api.get("/api/v1/studies").json()
    assert (body["next"], body["previous"]) == (None, None)
    (study,) = body["results"]
    assert study.pop("created_at")
    assert study.pop("updated_at")
    assert study == {
        "id": str(made.study.pk),
        "name": "A small study",
        "description": "Made for a test.",
        "organism": 9606,
        "version_id": str(made.version.pk),
        "version_number": 1,
        "cell_count": 60,
        "gene_count": 30,
        "visibility": "private",
        "source_uri": made.study.source_uri,
    }


def test_study_with_what_it_holds(api: APIClient, url: str) -> None:
    body = api.get(url).json()
    assert body["layers"] == [{"modality": "rna", "name": "X"}]
    assert body["projections"] == [{"key": "umap"}]
    assert body["may_compute"] is True
    assert body["cell_count"] == 60


def test_viewer_may_not_compute(made: PublishedStudy, url: str) -> None:
    viewer = person("viewer")
    StudyAccess.objects.create(study=made.study, user=viewer, role="viewer")
    assert caller(viewer).get(url).json()["may_compute"] is False


def test_unknown_and_invisible_are_the_same(made: PublishedStudy, url: str) -> None:
    stranger = caller(person("stranger"))
    invisible, unknown = stranger.get(url), stranger.get(f"/api/v1/studies/{uuid.uuid4()}")
    assert invisible.status_code == unknown.status_code == 404
    differing = {"instance", "request_id"}
    bodies = [{k: v for k, v in json.loads(r.content).items() if k not in differing} for r in (invisible, unknown)]
    assert bodies[0] == bodies[1]
    assert stranger.get("/api/v1/studies").json()["results"] == []


def test_study_without_a_version_is_not_there_yet(api: APIClient, member: User) -> None:
    empty = Study.objects.create(name="empty", source_uri="file:///empty")
    StudyAccess.objects.create(study=empty, user=member, role="admin")
    assert api.get("/api/v1/studies").json()["results"] == []
    assert api.get(f"/api/v1/studies/{empty.pk}").status_code == 404


def test_study_seen_for_two_reasons_is_listed_once(member: User, made: PublishedStudy, api: APIClient) -> None:
    User.objects.update(study_groups=["lab", "club"])
    for group in ("lab", "club"):
        StudyAccess.objects.create(study=made.study, group=group, role="viewer")
    Study.objects.update(visibility="public")
    assert len(api.get("/api/v1/studies").json()["results"]) == 1


@pytest.mark.parametrize("count", [1, 4])
def test_cost_of_the_list_does_not_grow(
    api: APIClient, member: User, count: int, django_assert_num_queries: Any
) -> None:
    for number in range(count):
        published_study(owner=member, source_uri=f"file:///{number}")
    with django_assert_num_queries(2):
        assert len(api.get("/api/v1/studies").json()["results"]) == count


def test_annotations(api: APIClient, made: PublishedStudy, url: str) -> None:
    (group,) = api.get(f"{url}/annotations").json()
    assert (group["key"], group["label"], group["is_primary"]) == ("cell_type", "Cell type", True)
    assert isinstance(group["group_id"], int)
    values = group["values"]
    assert [(value["label"], value["count"]) for value in values] == [("T cell", 20), ("B cell", 20), ("Monocyte", 19)]
    assert all(isinstance(value["value_id"], int) and value["color"].startswith("#") for value in values)


def test_cost_of_annotations_does_not_grow(api: APIClient, member: User, django_assert_num_queries: Any) -> None:
    for labels in (["a"], [f"label {number}" for number in range(50)]):
        made = published_study(owner=member, labels=labels, source_uri=f"file:///{len(labels)}")
        with django_assert_num_queries(4):
            assert api.get(f"/api/v1/studies/{made.study.pk}/annotations").status_code == 200


def test_coordinates_are_in_the_order_of_the_cells(api: APIClient, made: PublishedStudy, url: str) -> None:
    body = api.get(f"{url}/projections/umap").json()
    assert (body["key"], body["version_id"]) == ("umap", str(made.version.pk))
    np.testing.assert_array_equal(np.float32([body["x"], body["y"]]).T, made.coordinates)


@pytest.mark.parametrize("key", ["tsne", "um%00ap", "%F0%9F%92%A5", "a%2Fb", "x" * 300])
def test_unknown_projection(api: APIClient, url: str, key: str) -> None:
    assert api.get(f"{url}/projections/{key}").status_code == 404


@pytest.mark.parametrize("name", ["GENE3", "gene3", "ENSG00000000003"])
def test_one_gene_in_all_cells(api: APIClient, made: PublishedStudy, url: str, name: str) -> None:
    body = api.get(f"{url}/expression", {"feature": name}).json()
    assert (body["feature_id"], body["symbol"]) == ("ENSG00000000003", "GENE3")
    dense = np.zeros(60, dtype=np.float32)
    dense[body["cell_ids"]] = body["values"]
    np.testing.assert_array_equal(dense, made.matrix[:, 3])
    assert 0 not in body["values"]


def test_gene_that_no_cell_expresses_has_empty_lists(api: APIClient, member: User) -> None:
    matrix = np.ones((10, 2), dtype=np.float32)
    matrix[:, 1] = 0
    made = published_study(owner=member, matrix=matrix)
    body = api.get(f"/api/v1/studies/{made.study.pk}/expression?feature=GENE1").json()
    assert (body["cell_ids"], body["values"]) == ([], [])


def test_unknown_gene(api: APIClient, url: str) -> None:
    response = api.get(f"{url}/expression?feature=NOSUCH")
    assert (response.status_code, response.json()["code"]) == (404, "unknown_feature")


def test_symbol_of_several_genes(api: APIClient, member: User) -> None:
    made = published_study(owner=member, genes=2, symbols=["SAME", "SAME"])
    response = api.get(f"/api/v1/studies/{made.study.pk}/expression?feature=SAME")
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert (error["pointer"], error["code"]) == ("?feature", "ambiguous_feature")
    assert "ENSG00000000001" in error["detail"]


@pytest.mark.parametrize("query", ["", "?feature=", "?feature=%00", "?feature=" + "x" * 201, "?feature=a&gene=b"])
def test_unusable_question_for_a_gene(api: APIClient, url: str, query: str) -> None:
    response = api.get(f"{url}/expression{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_query")


PARTS = ["annotations", "projections/umap", "expression?feature=GENE1"]


def pinned(address: str, version: Any) -> str:
    return f"{address}{'&' if '?' in address else '?'}version={version}"


@pytest.mark.parametrize("part", PARTS)
def test_answer_is_sent_once_per_version(api: APIClient, url: str, part: str) -> None:
    first = api.get(f"{url}/{part}")
    assert first["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= set(first["Vary"].split(", "))
    again = api.get(f"{url}/{part}", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert api.get(f"{url}/{part}", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("part", PARTS)
def test_answer_of_a_named_version_is_kept_for_good(api: APIClient, made: PublishedStudy, url: str, part: str) -> None:
    address = pinned(f"{url}/{part}", made.version.pk)
    assert api.get(address)["Cache-Control"] == "private, max-age=31536000, immutable"
    assert api.get(pinned(f"{url}/{part}", uuid.uuid4())).status_code == 404
    assert api.get(pinned(f"{url}/{part}", "newest")).status_code == 400


@pytest.mark.parametrize("part", PARTS)
def test_new_version_has_new_answers(api: APIClient, member: User, made: PublishedStudy, url: str, part: str) -> None:
    old = api.get(f"{url}/{part}")["ETag"]
    published_study(owner=member, source_uri=made.study.source_uri, cells=40)
    response = api.get(f"{url}/{part}", headers={"If-None-Match": old})
    assert response.status_code == 200
    assert response["ETag"] != old
    assert api.get(pinned(f"{url}/{part}", made.version.pk)).status_code == 404


def test_kept_answer_is_not_confirmed_to_somebody_who_may_not_see_it(api: APIClient, url: str) -> None:
    etag = api.get(f"{url}/annotations")["ETag"]
    stranger = caller(person("stranger"))
    assert stranger.get(f"{url}/annotations", headers={"If-None-Match": etag}).status_code == 404


def test_different_genes_and_projections_have_different_tags(api: APIClient, url: str) -> None:
    parts = [*PARTS, "expression?feature=GENE2"]
    assert len({api.get(f"{url}/{part}")["ETag"] for part in parts}) == len(parts)


def test_lost_store_is_unavailable_not_a_fault(api: APIClient, url: str, settings: Any, tmp_path: Any) -> None:
    settings.STORE_DIR = tmp_path / "elsewhere"
    response = api.get(f"{url}/projections/umap")
    assert (response.status_code, response.json()["code"]) == (503, "store_damaged")
