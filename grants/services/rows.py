"""Finding a row for somebody, and locking it as the version they have seen."""

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model

from cellenium_admin.core.exceptions import NotFoundError, StaleVersionError
from cellenium_admin.core.models import User

Row = TypeVar("Row", bound=Model)


def visible(model: type[Row], *, user: User, pk: UUID | str, related: tuple[str, ...] = ()) -> Row:
    """Give a row this user may see. Raises NotFoundError, the same for what is unknown and what is invisible."""
    rows: Any = model._default_manager  # noqa: SLF001 -- Django's documented interface
    row: Row | None = rows.visible_to(user).select_related(*related).filter(pk=pk).first()
    if row is None:
        raise NotFoundError(f"There is no such {model._meta.verbose_name}, or you may not see it.")  # noqa: SLF001
    return row


def locked(row: Row, *, expected_version: int | None) -> Row:
    """Lock a row inside a transaction. Raises StaleVersionError when it has changed since somebody looked at it."""
    rows: Any = type(row)._default_manager  # noqa: SLF001
    current: Row = rows.select_for_update(of=("self",)).get(pk=row.pk)
    version = getattr(current, "version", None)
    if expected_version is not None and version != expected_version:
        raise StaleVersionError(
            f"It has changed meanwhile (version {version}, you have seen {expected_version}): look at it again."
        )
    return current
