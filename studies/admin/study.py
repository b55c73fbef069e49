"""The catalogue, to look at."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.base import ReadOnlyAdmin, ReadOnlyInline, column, definition_list
from studies.models import Study, StudyAccess, StudyVersion

VISIBILITY_COLOURS = {"private": "warning", "public": "success"}


class StudyVersionInline(ReadOnlyInline):
    """What was imported into the study, newest first."""

    model = StudyVersion
    fields = ("number", "cell_count", "gene_count", "source_revision", "source_sha256", "created_at")
    readonly_fields = fields


class StudyAccessInline(ReadOnlyInline):
    """Who holds which role."""

    model = StudyAccess
    fields = ("user", "group", "role", "may_download", "created_at")
    readonly_fields = fields


@admin.register(Study)
class StudyAdmin(ReadOnlyAdmin):
    """Studies the person may see."""

    list_display = ("name", "visibility_label", "cells", "genes", "organism_tax_id", "created_at")
    list_filter = ("visibility", "organism_tax_id")
    search_fields = ("name", "description", "source_uri")
    inlines = (StudyAccessInline, StudyVersionInline)
    fields = (
        "name",
        "description",
        ("visibility_label", "organism_tax_id"),
        "source_uri",
        "metadata_list",
        ("created_at", "updated_at"),
        "id",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        """Fetch the current version along."""
        return super().get_queryset(request).select_related("current_version")

    @column(description="Visibility", label=VISIBILITY_COLOURS, ordering="visibility")
    def visibility_label(self, study: Study) -> str:
        """Show the visibility as a coloured label."""
        return study.visibility

    @column(description="Cells", ordering="current_version__cell_count")
    def cells(self, study: Study) -> str:
        """Count the cells of the current version."""
        return f"{study.current_version.cell_count:,}" if study.current_version else "-"

    @column(description="Genes", ordering="current_version__gene_count")
    def genes(self, study: Study) -> str:
        """Count the genes of the current version."""
        return f"{study.current_version.gene_count:,}" if study.current_version else "-"

    @column(description="Metadata")
    def metadata_list(self, study: Study) -> SafeString:
        """Show what the file said beyond title and organism."""
        return definition_list(study.metadata)
