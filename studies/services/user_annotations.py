"""Cells people have drawn: named, coloured, shared, taken back, and found again after a new import."""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction

from cellenium_admin.core import csv
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import (
    ConflictError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    StaleVersionError,
)
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services import audit
from studies.models import Study, StudyVersion, UserAnnotation
from studies.services.cell_groups import group_mask, invalid, resolve_subset
from studies.services.cell_keys import (
    Cells,
    keys_of,
    numbers_of,
    packed_cells,
    packed_keys,
    unpacked_cells,
    unpacked_keys,
)
from studies.services.stores import cells_of
from studies.services.studies import current_version, visible_study

COLOR = re.compile(r"#[0-9a-f]{6}")
MOST_PER_OWNER = 500
MOST_NAMED = 10
NAME_LENGTH = 200


def visible(*, user: User, annotation_id: uuid.UUID) -> UserAnnotation:
    """Give an annotation this user may see: their own or a shared one, of a study they see. Raises NotFoundError."""
    found = UserAnnotation.objects.visible_to(user).select_related("owner", "study", "attached_to")
    annotation = found.filter(pk=annotation_id).first()
    if annotation is None:
        raise NotFoundError("There is no such annotation, or you may not see it.")
    return annotation


def own(*, user: User, annotation_id: uuid.UUID) -> UserAnnotation:
    """Give an annotation this user may change: their own, of a study they see. Raises NotFoundError."""
    annotation = UserAnnotation.objects.visible_to(user).filter(pk=annotation_id, owner=user).first()
    if annotation is None:
        raise NotFoundError("There is no such annotation of yours; only its owner changes one.")
    return annotation


def create(
    *,
    user: User,
    study_id: uuid.UUID,
    name: str,
    color: str = "#d62728",
    visibility: str = UserAnnotation.Visibility.PRIVATE,
    cells: Mapping[str, Any] | None = None,
    cell_keys: Sequence[str] | None = None,
) -> UserAnnotation:
    """Name a set of cells: a group as questions take it, or cells by their names, as they were exported.

    Raises InvalidInputError naming the field: cells that are not there, a name that is taken, and so on.
    """
    version = current_version(visible_study(user=user, study_id=study_id))
    if (cells is None) == (cell_keys is None):
        raise invalid("/cells", "invalid", "Give either cells, or cell_keys for cells by name.")
    keys, numbers = _chosen(user, version, cells) if cells is not None else _named(version, cell_keys or ())
    annotation = UserAnnotation(
        study=version.study,
        owner=user,
        name=_name(name),
        color=_color(color),
        visibility=_visibility(visibility),
        keys=packed_keys(keys),
        key_count=len(keys),
        cells=packed_cells(numbers),
        cell_count=numbers.size,
        attached_to=version,
    )
    return _saved_new(annotation)


@transaction.atomic
def change(*, user: User, annotation: UserAnnotation, expected_version: int, **wanted: str) -> UserAnnotation:
    """Give one's own annotation another name, color or visibility.

    Raises InvalidInputError naming the field, NotFoundError when it is somebody else's, StaleVersionError.
    """
    locked = _locked(user, annotation, expected_version)
    before = _facts(locked)
    checks = {"name": _name, "color": _color, "visibility": _visibility}
    for field, value in wanted.items():
        setattr(locked, field, checks[field](value))
    if _facts(locked) == before:
        return locked
    locked.version += 1
    _save_unique(locked)
    audit.record(
        action=Action.USER_ANNOTATION_CHANGED,
        actor=Actor.of(user),
        obj=locked,
        before=before,
        after=_facts(locked),
        details={"study_id": str(locked.study_id)},
    )
    return locked


@transaction.atomic
def remove(*, user: User, annotation: UserAnnotation, expected_version: int) -> None:
    """Take one's own annotation away. Raises NotFoundError when it is somebody else's, StaleVersionError."""
    locked = _locked(user, annotation, expected_version)
    details = {"study_id": str(locked.study_id)}
    audit.record(
        action=Action.USER_ANNOTATION_REMOVED, actor=Actor.of(user), obj=locked, before=_facts(locked), details=details
    )
    locked.delete()


def reattach(*, version: StudyVersion) -> int:
    """Find the cells of all annotations of a study in its new version, and count the annotations.

    Called in the transaction that publishes the version, whose Stores are in place. Names that are not there now are
    kept: they may come back.
    """
    annotations = list(UserAnnotation.objects.select_for_update().filter(study=version.study).order_by("pk"))
    if not annotations:
        return 0
    keys = {annotation.pk: unpacked_keys(bytes(annotation.keys)) for annotation in annotations}
    known = numbers_of(cells_of(version), (key for names in keys.values() for key in names))
    for annotation in annotations:
        numbers = np.sort(np.array([known[key] for key in keys[annotation.pk] if key in known], dtype=np.uint32))
        annotation.cells, annotation.cell_count = packed_cells(numbers), numbers.size
        annotation.attached_to, annotation.version = version, annotation.version + 1
    UserAnnotation.objects.bulk_update(annotations, ["cells", "cell_count", "attached_to", "version"], batch_size=100)
    return len(annotations)


def cells_in(annotation: UserAnnotation) -> Cells:
    """Give the numbers of an annotation's cells in the version it is attached to, ascending."""
    return unpacked_cells(bytes(annotation.cells))


def csv_lines(annotation: UserAnnotation) -> Iterator[str]:
    """Write a line a cell: its name, the annotation's, and whether the current version has it."""
    here = set(keys_of(cells_of(annotation.attached_to), cells_in(annotation)))
    yield csv.line(["cell", "annotation", "in_current_version"])
    for key in unpacked_keys(bytes(annotation.keys)):
        yield csv.line([key, annotation.name, "yes" if key in here else "no"])


def with_cells(
    group: Mapping[str, Any] | None, *, user: User, version: StudyVersion, pointer: str
) -> Mapping[str, Any] | None:
    """Put the cells of an annotation in the place of its id, in a group as somebody gave it.

    So equal questions are equal, and no answer names an annotation. Raises InvalidInputError for one the user may not
    see or of another study.
    """
    if group is None or group.get("annotation_id") is None:
        return group
    if set(group) - {"annotation_id"}:
        raise invalid(pointer, "invalid", "Give annotation_id, or cells in another way, not both.")
    seen = UserAnnotation.objects.visible_to(user).filter(attached_to=version)
    annotation = seen.filter(pk=group["annotation_id"]).first()
    if annotation is None:
        detail = "There is no such annotation of this study, or you may not see it."
        raise invalid(f"{pointer}/annotation_id", "unknown_annotation", detail)
    return {"cell_ids": cells_in(annotation).tolist()}


def _chosen(user: User, version: StudyVersion, group: Mapping[str, Any]) -> tuple[list[str], Cells]:
    asked = with_cells(group, user=user, version=version, pointer="/cells") or {}
    resolved = resolve_subset(version, asked, pointer="/cells")
    numbers = np.flatnonzero(group_mask(version, resolved.parameters, pointer="/cells")).astype(np.uint32)
    return keys_of(cells_of(version), numbers), numbers


def _named(version: StudyVersion, cell_keys: Sequence[str]) -> tuple[list[str], Cells]:
    keys = sorted(set(cell_keys))
    if not keys:
        raise invalid("/cell_keys", "empty_group", "Name at least one cell.")
    known = numbers_of(cells_of(version), keys)
    if unknown := [key for key in keys if key not in known]:
        named = ", ".join(unknown[:MOST_NAMED])
        detail = f"The study's current version has no {len(unknown)} of these {len(keys)} cells: {named}."
        raise invalid("/cell_keys", "unknown_cell", detail)
    return keys, np.sort(np.array(list(known.values()), dtype=np.uint32))


@transaction.atomic
def _saved_new(annotation: UserAnnotation) -> UserAnnotation:
    # Whoever publishes a version now waits, or has moved the study on: then these cells are of yesterday.
    study = Study.objects.select_for_update().get(pk=annotation.study_id)
    if study.current_version_id != annotation.attached_to_id:
        raise ConflictError("The study was imported again meanwhile; choose the cells again.", code="version_changed")
    held = UserAnnotation.objects.filter(study=annotation.study, owner=annotation.owner).count()
    if held >= MOST_PER_OWNER:
        raise invalid("/name", "too_many", f"You have {held} annotations of this study; remove some first.")
    _save_unique(annotation)
    audit.record(
        action=Action.USER_ANNOTATION_CREATED,
        actor=Actor.of(annotation.owner),
        obj=annotation,
        after=_facts(annotation),
        details={"study_id": str(annotation.study_id), "cells": annotation.cell_count},
    )
    return annotation


def _save_unique(annotation: UserAnnotation) -> None:
    try:
        with transaction.atomic():
            annotation.save()
    except IntegrityError as error:
        detail = f"You have an annotation called {annotation.name!r} of this study already."
        raise invalid("/name", "taken", detail) from error


def _locked(user: User, annotation: UserAnnotation, expected_version: int) -> UserAnnotation:
    locked = UserAnnotation.objects.select_for_update(of=("self",)).select_related("study", "owner", "attached_to")
    found = locked.filter(pk=annotation.pk, owner=user).first()
    if found is None:
        raise NotFoundError("This annotation was removed meanwhile.")
    if found.version != expected_version:
        raise StaleVersionError("This has changed since you read it; read it again before you change it.")
    return found


def _name(name: str) -> str:
    cleaned = name.strip()
    if not cleaned or len(cleaned) > NAME_LENGTH or not cleaned.isprintable():
        raise invalid("/name", "invalid", f"Give 1 to {NAME_LENGTH} printable characters.")
    return cleaned


def _color(color: str) -> str:
    if not COLOR.fullmatch(color.lower()):
        raise invalid("/color", "invalid", "Give a colour as #rrggbb.")
    return color.lower()


def _visibility(visibility: str) -> str:
    if visibility not in UserAnnotation.Visibility.values:
        detail = f"This must be one of: {', '.join(UserAnnotation.Visibility.values)}."
        raise InvalidInputError(detail, errors=[FieldError("/visibility", "invalid_choice", detail)])
    return visibility


def _facts(annotation: UserAnnotation) -> dict[str, Any]:
    return {"name": annotation.name, "color": annotation.color, "visibility": annotation.visibility}
