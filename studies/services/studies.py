"""Finding a study for somebody: what they may not see does not exist for them."""

import uuid

from cellenium_admin.core.exceptions import NotFoundError, RefusedAttempt, RefusedError
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services.audit import ObjectRef
from studies.models import Study, StudyVersion


def visible_study(*, user: User, study_id: uuid.UUID) -> Study:
    """Give a published study this user may see, its current version fetched along. Raises NotFoundError."""
    visible = Study.objects.visible_to(user).published().select_related("current_version")
    study = visible.filter(pk=study_id).first()
    if study is None:
        raise NotFoundError("There is no such study, or you may not see it.")
    return study


def may_compute(*, user: User, study: Study) -> bool:
    """Tell whether this user may start computations on the study."""
    return Study.objects.computable_by(user).filter(pk=study.pk).exists()


def computable_study(*, user: User, study_id: uuid.UUID) -> Study:
    """Give a study on which this user may start computations.

    Raises NotFoundError when they may not see it, RefusedError when they may see it only.
    """
    study = visible_study(user=user, study_id=study_id)
    if may_compute(user=user, study=study):
        return study
    refers = ObjectRef.of(study)
    raise RefusedError(
        "Only analysts and admins of a study may start computations on it; ask an admin of the study for that role.",
        attempt=RefusedAttempt(Action.ANALYSIS_REQUESTED, refers.type, refers.id, refers.label),
    )


def current_version(study: Study) -> StudyVersion:
    """Give the version that serves the study now. Raises NotFoundError when nothing was imported yet."""
    if study.current_version is None:
        raise NotFoundError("This study has no data yet.")
    return study.current_version
