"""Genes of a version, in the order of its matrix."""

from django.db import models
from django.db.models.functions import Upper

from studies.models.study_version import StudyVersion


class Feature(models.Model):
    """One column of the matrix: a gene, a protein tag or a region.

    `ensembl_id` is that of the catalogue's gene it was matched to; without one it is known in this study only.
    """

    class MatchedBy(models.TextChoices):
        """By what a gene of a file was found in the catalogue."""

        ENSEMBL = "ensembl"
        SYMBOL = "symbol"
        ENTREZ = "entrez"

    class Kind(models.TextChoices):
        """What is measured."""

        GENE = "gene"
        PROTEIN_ANTIBODY_TAG = "protein_antibody_tag"
        REGION = "region"

    version = models.ForeignKey(StudyVersion, on_delete=models.CASCADE, related_name="features")
    modality = models.CharField(max_length=50, default="rna")
    position = models.IntegerField()
    identifier = models.CharField(max_length=200)
    symbol = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.GENE)
    ensembl_id = models.CharField(max_length=100, blank=True, default="")
    matched_by = models.CharField(max_length=10, choices=MatchedBy.choices, blank=True, default="")

    class Meta:
        ordering = ["version", "modality", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "modality", "position"], name="feature_unique_position"),
            models.UniqueConstraint(fields=["version", "modality", "identifier"], name="feature_unique_identifier"),
        ]
        indexes = [
            models.Index("version", Upper("symbol"), name="feature_symbol"),
            models.Index(fields=["version", "ensembl_id"], name="feature_ensembl"),
        ]

    def __str__(self) -> str:
        """Show the symbol."""
        return self.symbol
