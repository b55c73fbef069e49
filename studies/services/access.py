"""Who may see, compute on, edit and download a study."""

from typing import Any

from django.db import transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import FieldError, InvalidInputError, NotFoundError
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services import audit
from studies.models import Study, StudyAccess


@transaction.atomic
def grant_access(
    *,
    study: Study,
    role: str,
    actor: Actor,
    user: User | None = None,
    group: str = "",
    may_download: bool = False,
    reason: str = "",
) -> StudyAccess:
    """Give a user, or a group of the login provider, a role on a study, in place of the role it may have had.

    The caller has made sure that the actor may. Raises InvalidInputError unless exactly one of the two is named.
    """
    _check_holder(user, group)
    _check_choice(role, StudyAccess.Role.values, pointer="/role")
    held = StudyAccess.objects.select_for_update().filter(study=study, user=user, group=group).first()
    before = _described(held) if held else {}
    access = held or StudyAccess(study=study, user=user, group=group)
    access.role, access.may_download = role, may_download
    if _described(access) == before:
        return access
    access.save()
    audit.record(
        action=Action.STUDY_ACCESS_GRANTED,
        actor=actor,
        obj=study,
        before=before,
        after=_described(access),
        reason=reason,
    )
    return access


@transaction.atomic
def revoke_access(*, study: Study, actor: Actor, user: User | None = None, group: str = "", reason: str = "") -> None:
    """Take the role on a study from a user or group. Raises NotFoundError when there is none."""
    _check_holder(user, group)
    held = StudyAccess.objects.select_for_update().filter(study=study, user=user, group=group).first()
    if held is None:
        raise NotFoundError(f"{user or group} has no role on {study}.")
    before = _described(held)
    held.delete()
    audit.record(action=Action.STUDY_ACCESS_REVOKED, actor=actor, obj=study, before=before, reason=reason)


@transaction.atomic
def set_visibility(*, study: Study, visibility: str, actor: Actor, reason: str = "") -> Study:
    """Say who sees a study without holding a role on it."""
    _check_choice(visibility, Study.Visibility.values, pointer="/visibility")
    locked = Study.objects.select_for_update().get(pk=study.pk)
    before = locked.visibility
    if before == visibility:
        return locked
    locked.visibility = visibility
    locked.save(update_fields=["visibility", "updated_at"])
    audit.record(
        action=Action.STUDY_VISIBILITY_CHANGED,
        actor=actor,
        obj=locked,
        before={"visibility": before},
        after={"visibility": visibility},
        reason=reason,
    )
    return locked


def _check_holder(user: User | None, group: str) -> None:
    if (user is None) == (not group):
        raise InvalidInputError(
            "Name either a user or a group.",
            errors=[FieldError("/user", "invalid", "Give a user or a group, not both.")],
        )


def _check_choice(value: str, choices: list[str], *, pointer: str) -> None:
    if value not in choices:
        detail = f"{value!r} is not one of {', '.join(choices)}."
        raise InvalidInputError(detail, errors=[FieldError(pointer, "invalid_choice", detail)])


def _described(access: StudyAccess) -> dict[str, Any]:
    holder = {"user_id": str(access.user.pk), "user": access.user.label} if access.user else {"group": access.group}
    return {**holder, "role": access.role, "may_download": access.may_download}
