"""Genes by the names people use for them."""

import re
from collections.abc import Sequence

from django.db.models import Q, QuerySet
from django.db.models.functions import Upper

from cellenium_admin.core.exceptions import FieldError, InvalidInputError
from studies.gene_tables import plain
from studies.models import Feature, StudyVersion

FEW = 1000
MOST_NAMED = 10
ENSEMBL = re.compile(r"ENS[A-Z]*[0-9]{6,}")


def find_feature(version: StudyVersion, name: str, *, modality: str) -> Feature:
    """Find a gene by its identifier, else by its symbol, as written or else in any case, else by its Ensembl id.

    The Ensembl id may have a version or not, here and in the file, whether or not a table of the organism is loaded.
    Raises InvalidInputError when there is none, or when several genes share the symbol, naming their identifiers.
    """
    # PostgreSQL takes no NUL in a text, and no gene has one in its name.
    genes = version.features.filter(modality=modality) if "\0" not in name else version.features.none()
    upper = genes.annotate(upper=Upper("symbol")).filter(upper=name.upper())
    places = (genes.filter(identifier=name), genes.filter(symbol=name), upper, _of_ensembl(genes, plain(name)))
    for matching in places:
        found = list(matching.order_by("position")[: MOST_NAMED + 1])
        if len(found) == 1:
            return found[0]
        if found:
            raise _ambiguous(name, found)
    detail = f"This study has no gene {name!r}; give its symbol or the identifier from the file."
    raise InvalidInputError(detail, errors=[FieldError("/feature", "unknown_feature", detail)])


def names_at(version: StudyVersion, positions: Sequence[int], *, modality: str) -> dict[int, tuple[str, str]]:
    """Give identifier and symbol of the genes at these positions."""
    genes: QuerySet[Feature] = version.features.filter(modality=modality)
    if len(positions) <= FEW:
        genes = genes.filter(position__in=positions)
    rows = genes.order_by().values_list("position", "identifier", "symbol")
    return {position: (identifier, symbol) for position, identifier, symbol in rows.iterator(chunk_size=10_000)}


def _of_ensembl(genes: QuerySet[Feature], ensembl_id: str) -> QuerySet[Feature]:
    if not ENSEMBL.fullmatch(ensembl_id):
        return genes.filter(ensembl_id=ensembl_id).exclude(ensembl_id="")
    versioned = Q(identifier__regex=rf"^{ensembl_id}\.[0-9]+$")
    return genes.filter(Q(ensembl_id=ensembl_id) | Q(identifier=ensembl_id) | versioned)


def _ambiguous(name: str, found: list[Feature]) -> InvalidInputError:
    names = ", ".join(feature.identifier for feature in found[:MOST_NAMED])
    more = ", ..." if len(found) > MOST_NAMED else ""
    detail = f"Several genes are called {name!r}; ask for one of them by identifier: {names}{more}."
    return InvalidInputError(detail, errors=[FieldError("/feature", "ambiguous_feature", detail)])
