"""Which file a study is made of: by its address the next import finds it."""

import uuid

from django.db import transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, NotFoundError
from cellenium_admin.core.models import Action
from cellenium_admin.core.services import audit
from studies.models import Study


@transaction.atomic
def move_source(*, study_id: uuid.UUID, uri: str, actor: Actor) -> Study:
    """Let a study be made of the file at another address from now on.

    What comes to lie at the former address later is another study. Raises NotFoundError, ConflictError
    (`other_study`) when the file is another study's.
    """
    study = Study.objects.select_for_update(of=("self",)).filter(pk=study_id).first()
    if study is None:
        raise NotFoundError(f"There is no study {study_id}.")
    check_source(study=study, uri=uri)
    if study.source_uri != uri:
        before = {"source_uri": study.source_uri}
        study.source_uri = uri
        study.save(update_fields=["source_uri", "updated_at"])
        audit.record(
            action=Action.STUDY_SOURCE_CHANGED, actor=actor, obj=study, before=before, after={"source_uri": uri}
        )
    return study


def check_source(*, study: Study, uri: str) -> None:
    """See that a file does not belong to another study. Raises ConflictError (`other_study`)."""
    other = Study.objects.filter(source_uri=uri).exclude(pk=study.pk).first()
    if other is not None:
        detail = f"{uri} is the file of another study, {other.pk} ({other.name}): import it there, or copy the file."
        raise ConflictError(detail, code="other_study")
