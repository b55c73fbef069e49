"""Tables of genes, to look at."""

from django.contrib import admin

from cellenium_admin.core.admin.base import ReadOnlyAdmin
from studies.models import FeatureTable


@admin.register(FeatureTable)
class FeatureTableAdmin(ReadOnlyAdmin):
    """What was loaded, the newest of an organism first."""

    list_display = ("name", "version", "organism_tax_id", "gene_count", "loaded_at")
    list_filter = ("organism_tax_id",)
    search_fields = ("name", "source")
    fields = ("name", "version", "organism_tax_id", "gene_count", "source", "sha256", "loaded_at")
