"""A version appears with all its rows or not at all, once, and leaves alone what people decided."""

import uuid
from dataclasses import replace

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, AuditEvent
from studies.content import FeatureContent
from studies.models import Analysis, AnnotationValue, Feature, Study, StudyVersion
from studies.services.access import grant_access, set_visibility
from studies.services.publication import publish_version
from studies.services.stores import default_layer, matrix_of
from tests.builders.people import person
from tests.builders.stores import published_study, small_content

pytestmark = pytest.mark.django_db(transaction=True)

SYSTEM = Actor.system("test")
URI = "s3://bucket/input/a/file.h5ad"


def publish(content, *, version_id=None, owner=None):
    return publish_version(version_id=version_id or uuid.uuid4(), content=content, owner=owner, actor=SYSTEM)


def test_rows_are_those_of_the_content():
    content = small_content(symbols=("CD3E", "CD19"), cells=6, source_uri=URI)
    version = publish(content)
    assert (version.number, version.cell_count, version.gene_count) == (1, 6, 2)
    assert (version.source_uri, version.source_sha256) == (URI, "0" * 64)
    assert list(version.features.values_list("position", "identifier", "symbol")) == [
        (0, "ENSG00000000000", "CD3E"),
        (1, "ENSG00000000001", "CD19"),
    ]
    assert list(version.annotation_groups.values_list("position", "key", "label", "is_primary")) == [
        (0, "cell_type", "Cell type", True)
    ]
    values = AnnotationValue.objects.filter(group__version=version).values_list("code", "label", "cell_count")
    assert list(values) == [(0, "T cell", 2), (1, "B cell", 2), (2, "Monocyte", 1)]
    assert list(version.projections.values_list("position", "key")) == [(0, "umap")]
    assert list(version.layers.values_list("name", "modality", "store_path")) == [("X", "rna", f"{version.pk}/rna-X")]


def test_a_new_study_is_private_with_its_owner_as_admin():
    owner = person("ada")
    study = publish(small_content(source_uri=URI), owner=owner).study
    assert (study.visibility, study.name, study.source_uri) == ("private", "A small study", URI)
    assert list(study.access.values_list("user", "group", "role", "may_download")) == [(owner.pk, "", "admin", True)]
    told = list(AuditEvent.objects.order_by("seq").values_list("action", "object_id", "after"))
    assert told == [
        (Action.STUDY_CREATED, str(study.pk), {"name": study.name, "source_uri": URI, "visibility": "private"}),
        (
            Action.STUDY_ACCESS_GRANTED,
            str(study.pk),
            {"user": owner.label, "user_id": str(owner.pk), "role": "admin", "may_download": True},
        ),
    ]


def test_without_an_owner_nobody_has_access():
    study = publish(small_content(source_uri=URI)).study
    assert not study.access.exists()
    assert not Study.objects.visible_to(person("ada")).exists()


def test_a_new_import_of_the_file_keeps_what_people_decided():
    owner, reader = person("ada"), person("ben")
    first = publish(small_content(source_uri=URI), owner=owner)
    study = first.study
    grant_access(study=study, user=reader, role="viewer", actor=SYSTEM)
    set_visibility(study=study, visibility="public", actor=SYSTEM)
    Study.objects.filter(pk=study.pk).update(name="A better name", description="Written by hand.")
    access = set(study.access.values_list("user", "role", "may_download"))
    changed = replace(small_content(symbols=("CD4",), source_uri=URI), title="Other", metadata={"PubMed": "1"})
    second = publish(changed, owner=reader)
    study.refresh_from_db()
    assert (second.study, second.number, study.current_version) == (study, 2, second)
    assert (study.name, study.description, study.visibility) == ("A better name", "Written by hand.", "public")
    assert study.metadata == {"PubMed": "1"}
    assert set(study.access.values_list("user", "role", "may_download")) == access
    assert first.features.count() == 3


def test_publishing_twice_is_publishing_once():
    version_id = uuid.uuid4()
    content = small_content(source_uri=URI)
    one = publish(content, version_id=version_id, owner=person("ada"))
    later = publish(content)
    again = publish(content, version_id=version_id)
    assert again == one
    assert StudyVersion.objects.count() == 2
    assert Study.objects.get().current_version == later
    assert AuditEvent.objects.count() == 2


def test_a_failure_on_the_way_leaves_nothing():
    twice = (FeatureContent("ENSG1", "A"), FeatureContent("ENSG1", "B"))
    with pytest.raises(IntegrityError), transaction.atomic():
        publish(replace(small_content(source_uri=URI), features=twice), owner=person("ada"))
    counts = [model.objects.count() for model in (Study, StudyVersion, Feature, Analysis, AuditEvent)]
    assert counts == [0, 0, 0, 0, 0]


def test_many_genes_come_in_the_order_of_the_matrix():
    symbols = tuple(f"G{number}" for number in range(4500))
    version = publish(small_content(symbols=symbols, source_uri=URI))
    assert tuple(version.features.order_by("position").values_list("symbol", flat=True)) == symbols


def test_the_builder_for_tests_makes_a_study_that_answers():
    made = published_study(owner=person("ada"), cells=9, genes=4)
    cells, values = matrix_of(default_layer(made.version)).gene(0)
    column = np.zeros(9, dtype=np.float32)
    column[cells] = values
    np.testing.assert_array_equal(column, made.matrix[:, 0])
