"""Small tables below an object: what AWS was told about it, and what belongs to it."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.db.models import Model, Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.confirm import Table
from grants.admin import badges
from grants.models import Operation

MOST = 10
NOTHING: Mapping[str, Sequence[str]] = MappingProxyType({})


def operations_of(row: Model, belongings: Mapping[str, Sequence[str]] = NOTHING) -> Table:
    """List the newest operations about a row, and about what belongs to it, by type and ids."""
    about = Q(subject_type=row._meta.model_name, subject_id=str(row.pk))  # noqa: SLF001 -- Django's documented interface
    for kind, keys in belongings.items():
        about |= Q(subject_type=kind, subject_id__in=keys)
    newest = Operation.objects.filter(about)[:MOST]
    return operation_table("What AWS was told, newest first", newest, about=bool(belongings))


def operation_table(caption: str, found: Iterable[Operation], *, about: bool = True) -> Table:
    """List operations: what, about what unless all are about the same, how it stands."""
    rows = [
        (
            linked(one, one.get_kind_display()),
            *([one.subject_label or "-"] if about else []),
            badges.state(one),
            format_html('<span class="no-wrap">{}</span>', f"{one.created_at:%Y-%m-%d %H:%M:%S}"),
            said(one),
        )
        for one in found
    ]
    headings = ("Operation", *(["About"] if about else []), "State", "Wished for (UTC)", "Answer")
    return Table(caption, headings, rows)


def said(operation: Operation) -> str:
    """Give what AWS said last."""
    return operation.error_detail or ("confirmed" if operation.state == Operation.State.SUCCEEDED else "-")


def linked(row: Any, text: str = "") -> SafeString:
    """Link to the page of a row."""
    opts = row._meta  # noqa: SLF001 -- Django's documented interface
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
    return format_html('<a class="link" href="{}">{}</a>', url, text or str(row))
