"""Making an imported version the one everybody sees."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import count

from django.db import transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services import audit
from studies.content import AnnotationContent, VersionContent
from studies.models import (
    AnnotationGroup,
    AnnotationValue,
    Feature,
    Layer,
    Projection,
    Study,
    StudyAccess,
    StudyVersion,
)
from studies.services.access import grant_access
from studies.services.file_tables import create_tables
from studies.services.user_annotations import reattach

BATCH_ROWS = 2000


@transaction.atomic
def publish_version(
    *, version_id: uuid.UUID, content: VersionContent, owner: User | None, actor: Actor
) -> StudyVersion:
    """Write the rows of an imported file and switch its study to them, all in the caller's transaction.

    The study is known by the file's URI. A new one is private, with the owner as its admin; one that is there keeps
    name, description, visibility and access. Asked again with the same id, gives the version that is there.
    """
    study = _locked_study(content, owner=owner, actor=actor)
    published = StudyVersion.objects.filter(pk=version_id).first()
    if published is not None:
        return published
    version = _create_version(version_id, study, content)
    _create_features(version, content)
    _create_annotations(version, content.annotations)
    Projection.objects.bulk_create(
        Projection(version=version, key=key, position=position) for position, key in enumerate(content.projections)
    )
    _create_layers(version, content)
    create_tables(version=version, content=content)
    study.current_version = version
    study.organism_tax_id = content.organism_tax_id
    study.metadata = content.metadata
    study.save(update_fields=["current_version", "organism_tax_id", "metadata", "updated_at"])
    reattach(version=version)
    return version


def _locked_study(content: VersionContent, *, owner: User | None, actor: Actor) -> Study:
    uri = content.source.uri
    study, created = Study.objects.get_or_create(
        source_uri=uri,
        defaults={
            "name": content.title,
            "description": content.description,
            "organism_tax_id": content.organism_tax_id,
            "metadata": content.metadata,
        },
    )
    if created:
        after = {"name": study.name, "source_uri": uri, "visibility": study.visibility}
        audit.record(action=Action.STUDY_CREATED, actor=actor, obj=study, after=after)
        if owner is not None:
            grant_access(study=study, user=owner, role=StudyAccess.Role.ADMIN, may_download=True, actor=actor)
    return Study.objects.select_for_update().get(pk=study.pk)


def _create_version(version_id: uuid.UUID, study: Study, content: VersionContent) -> StudyVersion:
    latest = study.versions.order_by("-number").values_list("number", flat=True).first()
    return StudyVersion.objects.create(
        id=version_id,
        study=study,
        number=(latest or 0) + 1,
        cell_count=content.cell_count,
        gene_count=len(content.features),
        source_uri=content.source.uri,
        source_revision=content.source.revision,
        source_size=content.source.size,
        source_sha256=content.source.sha256,
    )


def _create_features(version: StudyVersion, content: VersionContent) -> None:
    positions: defaultdict[str, count[int]] = defaultdict(count)
    Feature.objects.bulk_create(
        (
            Feature(
                version=version,
                modality=feature.modality,
                position=next(positions[feature.modality]),
                identifier=feature.identifier,
                symbol=feature.symbol,
                kind=feature.kind,
                ensembl_id=feature.ensembl_id,
                matched_by=feature.matched_by,
            )
            for feature in content.features
        ),
        batch_size=BATCH_ROWS,
    )


def _create_annotations(version: StudyVersion, annotations: Iterable[AnnotationContent]) -> None:
    described = list(annotations)
    groups = AnnotationGroup.objects.bulk_create(
        AnnotationGroup(version=version, key=one.key, label=one.label, position=position, is_primary=one.is_primary)
        for position, one in enumerate(described)
    )
    values = (value for group, one in zip(groups, described, strict=True) for value in _values(group, one))
    AnnotationValue.objects.bulk_create(values, batch_size=BATCH_ROWS)


def _values(group: AnnotationGroup, annotation: AnnotationContent) -> Iterator[AnnotationValue]:
    for code, value in enumerate(annotation.values):
        yield AnnotationValue(group=group, code=code, label=value.label, color=value.color, cell_count=value.cell_count)


def _create_layers(version: StudyVersion, content: VersionContent) -> None:
    Layer.objects.bulk_create(
        Layer(
            version=version,
            modality=layer.modality,
            name=layer.name,
            store_path=f"{version.pk}/{layer.directory}",
            log1p_base=layer.log1p_base,
            row_map=layer.row_map,
        )
        for layer in content.layers
    )
