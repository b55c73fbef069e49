"""Genes of the catalogue, by the names people type or paste."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.serializers import StrictCharField, StrictIntegerField, StrictSerializer
from cellenium_admin.core.api.views import ApiView
from cellenium_admin.core.models import TokenScope
from studies.models import CatalogueGene
from studies.services import catalogue

HUMAN = 9606
MOST_NAMES = 5000
MOST_SUGGESTED = 100
# Hundreds of genes are called Y_RNA; somebody who chooses among that many needs another name.
MOST_CHOICES = 20
HIGHEST_TAX_ID = 2**31 - 1


class SuggestionQuery(StrictSerializer):
    """What somebody has typed so far."""

    q = serializers.CharField(max_length=200, trim_whitespace=False)
    tax_id = serializers.IntegerField(default=HUMAN, min_value=1, max_value=HIGHEST_TAX_ID)
    limit = serializers.IntegerField(default=20, min_value=1, max_value=MOST_SUGGESTED)


class CatalogueGeneSerializer(serializers.ModelSerializer[CatalogueGene]):
    """One gene."""

    class Meta:
        model = CatalogueGene
        fields = ("ensembl_id", "symbol", "entrez_id", "biotype")


class GeneNames(StrictSerializer):
    """Names somebody has pasted."""

    identifiers = serializers.ListField(child=StrictCharField(max_length=200), max_length=MOST_NAMES)
    tax_id = StrictIntegerField(default=HUMAN, min_value=1, max_value=HIGHEST_TAX_ID)


class FoundGene(serializers.Serializer[Any]):
    """A name that means one gene."""

    identifier = serializers.CharField()
    gene = CatalogueGeneSerializer()


class AmbiguousName(serializers.Serializer[Any]):
    """A name that several genes share."""

    identifier = serializers.CharField()
    count = serializers.IntegerField(help_text="How many genes share it.")
    genes = CatalogueGeneSerializer(many=True, help_text=f"The first {MOST_CHOICES} of them, by Ensembl id.")


class ResolvedNames(serializers.Serializer[Any]):
    """What became of the names, each once, in their order."""

    found = FoundGene(many=True)
    ambiguous = AmbiguousName(many=True)
    missing = serializers.ListField(child=serializers.CharField())


class FeatureSuggestView(ApiView):
    """Completing what somebody types."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}
    query_serializer_class = SuggestionQuery

    @extend_schema(
        operation_id="features_suggest",
        summary="Genes whose name begins like this",
        parameters=[SuggestionQuery],
        responses=CatalogueGeneSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Give genes whose symbol or Ensembl id begins with `q`; none where no table is loaded."""
        asked = self.read_query()
        genes = catalogue.suggest(text=asked["q"], organism_tax_id=asked["tax_id"], limit=asked["limit"])
        return Response(CatalogueGeneSerializer(genes, many=True).data)


class FeatureResolveView(ApiView):
    """Understanding a list of genes."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.READ}

    @extend_schema(
        operation_id="features_resolve",
        summary="Genes by names of all kinds",
        request={"application/json": GeneNames},
        responses=ResolvedNames,
    )
    def post(self, request: Request) -> Response:
        """Tell which genes a list of symbols, Ensembl ids and Entrez ids means; nothing is changed."""
        asked = self.read_body(GeneNames)
        resolved = catalogue.resolve(identifiers=asked["identifiers"], organism_tax_id=asked["tax_id"])
        several = [(one.identifier, one.genes) for one in resolved if len(one.genes) > 1]
        answer = {
            "found": [{"identifier": one.identifier, "gene": one.genes[0]} for one in resolved if len(one.genes) == 1],
            "ambiguous": [
                {"identifier": name, "count": len(genes), "genes": genes[:MOST_CHOICES]} for name, genes in several
            ],
            "missing": [one.identifier for one in resolved if not one.genes],
        }
        return Response(ResolvedNames(answer).data)
