"""Genes as the reference annotations name them, to which the genes of files are matched."""

from django.db import models
from django.db.models.functions import Collate, Upper


class FeatureTable(models.Model):
    """One table of genes of one organism, as it was loaded; the newest of an organism is the one that counts."""

    organism_tax_id = models.IntegerField()
    name = models.CharField(max_length=200)
    version = models.CharField(max_length=100)
    source = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64)
    gene_count = models.IntegerField()
    loaded_at = models.DateTimeField()

    class Meta:
        ordering = ["organism_tax_id", "-loaded_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organism_tax_id", "sha256"], name="feature_table_unique_content"),
        ]

    def __str__(self) -> str:
        """Show what it is of."""
        return f"{self.name} {self.version} (taxon {self.organism_tax_id})"


class CatalogueGene(models.Model):
    """One gene of a table."""

    table = models.ForeignKey(FeatureTable, on_delete=models.CASCADE, related_name="genes")
    ensembl_id = models.CharField(max_length=100)
    symbol = models.CharField(max_length=200)
    entrez_id = models.CharField(max_length=20, blank=True)
    biotype = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["table", "symbol", "ensembl_id"]
        constraints = [
            models.UniqueConstraint(fields=["table", "ensembl_id"], name="catalogue_gene_unique_id"),
        ]
        # Only in this collation an index finds beginnings, whatever the database's own is.
        indexes = [
            models.Index("table", Collate(Upper("symbol"), "C"), name="catalogue_gene_symbol"),
            models.Index("table", Collate(Upper("ensembl_id"), "C"), name="catalogue_gene_ensembl"),
        ]

    def __str__(self) -> str:
        """Show the symbol."""
        return self.symbol
