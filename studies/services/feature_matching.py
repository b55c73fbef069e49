"""Saying which gene of the catalogue each gene of a file is."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from studies.content import FeatureContent
from studies.gene_tables import plain
from studies.models import Feature, FeatureTable
from studies.services.catalogue import current_table

# Ids of Ensembl, FlyBase and WormBase: what is before the number tells the organism.
OF_ORGANISM = re.compile(r"(ENS[A-Z]*G|FBgn|WBGene)\d{6,}")

# Ensembl id, symbol, Entrez id; as instances of the model they would take twenty times as long to read.
Gene = tuple[str, str, str]


class Strength(IntEnum):
    """By what a gene was found, the surest first."""

    ENSEMBL = 0
    SYMBOL = 1
    OTHER_CASE = 2
    ENTREZ = 3


MATCHED_BY = {
    Strength.ENSEMBL: Feature.MatchedBy.ENSEMBL,
    Strength.SYMBOL: Feature.MatchedBy.SYMBOL,
    Strength.OTHER_CASE: Feature.MatchedBy.SYMBOL,
    Strength.ENTREZ: Feature.MatchedBy.ENTREZ,
}


@dataclass(frozen=True, slots=True)
class FeatureMatches:
    """The genes of a file, those that were found with their Ensembl id, and how many were not; `table` is which one.

    Ambiguous is a name that several genes of the catalogue share, or a gene that another of the file is as surely or
    more so. Of the matched, `other_case` were found by a symbol that is written in another case.
    """

    features: tuple[FeatureContent, ...]
    table: FeatureTable | None
    matched: int
    ambiguous: tuple[str, ...]
    unmatched: tuple[str, ...]
    other_case: int = 0


@dataclass(frozen=True, slots=True)
class _Claim:
    """The genes that one of the file may be."""

    genes: Sequence[Gene] = ()
    strength: Strength = Strength.ENTREZ


def match_features(*, organism_tax_id: int | None, features: Sequence[FeatureContent]) -> FeatureMatches:
    """Match by Ensembl id whatever its version, else by symbol as written or else in any case, else by Entrez id.

    Of two in the file that would be one gene, the one that is found more surely is it: a file of two organisms, or one
    that names a gene by a retired id too, keeps the genes that are found by id.
    A gene that is found by its Ensembl id and has no other name in the file gets the catalogue's symbol.
    """
    table = current_table(organism_tax_id)
    if table is None:
        return FeatureMatches(tuple(features), None, 0, (), tuple(one.identifier for one in features))
    names = _Names(table.genes.order_by().values_list("ensembl_id", "symbol", "entrez_id").iterator(chunk_size=10_000))
    claims = [names.claim(one) for one in features]
    held = _held(claims)
    pairs = list(zip(features, claims, strict=True))
    holds = [len(claim.genes) == 1 and held.get(claim.genes[0][0]) == claim.strength for claim in claims]
    return FeatureMatches(
        features=tuple(_matched(*pair) if is_it else pair[0] for pair, is_it in zip(pairs, holds, strict=True)),
        table=table,
        matched=sum(holds),
        ambiguous=tuple(
            one.identifier for (one, claim), is_it in zip(pairs, holds, strict=True) if claim.genes and not is_it
        ),
        unmatched=tuple(one.identifier for one, claim in pairs if not claim.genes),
        other_case=sum(
            is_it and claim.strength == Strength.OTHER_CASE for claim, is_it in zip(claims, holds, strict=True)
        ),
    )


class _Names:
    """All names of a table's genes."""

    def __init__(self, genes: Iterable[Gene]) -> None:
        self._ids: dict[str, Gene] = {}
        self._symbols: dict[str, list[Gene]] = {}
        self._upper: dict[str, list[Gene]] = {}
        self._entrez: dict[str, list[Gene]] = {}
        for gene in genes:
            ensembl_id, symbol, entrez_id = gene
            self._ids[ensembl_id] = gene
            self._symbols.setdefault(symbol, []).append(gene)
            self._upper.setdefault(symbol.upper(), []).append(gene)
            if entrez_id:
                self._entrez.setdefault(entrez_id, []).append(gene)
        self._organisms = {_organism(ensembl_id) for ensembl_id in self._ids}

    def claim(self, feature: FeatureContent) -> _Claim:
        """Give the genes a feature may be, and by what they were found."""
        name = plain(feature.identifier)
        if name in self._ids:
            return _Claim([self._ids[name]], Strength.ENSEMBL)
        # Symbols of a mouse's genes differ in case only; with an id of another organism it is not the same gene.
        if _organism(name) not in {"", *self._organisms}:
            return _Claim()
        texts = dict.fromkeys((feature.identifier.strip(), feature.symbol.strip()))
        for text in texts:
            if genes := self._symbols.get(text):
                return _Claim(genes, Strength.SYMBOL)
        for text in texts:
            if genes := self._upper.get(text.upper()):
                return _Claim(genes, Strength.OTHER_CASE)
        return _Claim(self._entrez.get(name, ()), Strength.ENTREZ)


def _organism(ensembl_id: str) -> str:
    found = OF_ORGANISM.fullmatch(ensembl_id)
    return found[1] if found else ""


def _held(claims: Iterable[_Claim]) -> Mapping[str, Strength]:
    """Give, for each gene that one of the file surely is, how surely."""
    strengths: dict[str, list[Strength]] = {}
    for claim in claims:
        if len(claim.genes) == 1:
            strengths.setdefault(claim.genes[0][0], []).append(claim.strength)
    return {gene: min(found) for gene, found in strengths.items() if found.count(min(found)) == 1}


def _matched(feature: FeatureContent, claim: _Claim) -> FeatureContent:
    ensembl_id, name, _ = claim.genes[0]
    by = MATCHED_BY[claim.strength]
    nameless = by != Feature.MatchedBy.SYMBOL and feature.symbol == feature.identifier
    return replace(feature, symbol=name if nameless else feature.symbol, ensembl_id=ensembl_id, matched_by=by.value)
