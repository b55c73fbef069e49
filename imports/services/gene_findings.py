"""Telling whoever sent a file which of its genes are known."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from imports.models import Finding
from studies.content import VersionContent
from studies.services.feature_matching import FeatureMatches, match_features

# Fewer matches than this share are more than a few genes of one's own.
USUAL_SHARE = 0.5
MOST_NAMED = 3
EXPECTED = "Ensembl ids, symbols or Entrez ids of the organism"


def with_known_genes(content: VersionContent) -> tuple[VersionContent, list[Mapping[str, str]]]:
    """Match the genes of a file to the catalogue; give the content with what was found, and findings that count it."""
    genes = [feature for feature in content.features if feature.kind == "gene"]
    found = match_features(organism_tax_id=content.organism_tax_id, features=genes)
    # A protein tag may be called as a gene is, and is none all the same.
    matched = iter(found.features)
    features = tuple(next(matched) if feature.kind == "gene" else feature for feature in content.features)
    return replace(content, features=features), _findings(found, content, len(genes))


def _findings(found: FeatureMatches, content: VersionContent, everything: int) -> list[Mapping[str, str]]:
    if found.table is None:
        remedy = "Genes are shown as the file names them. An administrator can load the organism: load_features."
        return [
            _finding("genes_not_matched", found=f"no table of genes for taxon {content.organism_tax_id}", remedy=remedy)
        ]
    counts = f"{found.matched} of {everything} matched to {found.table}"
    findings = [_finding("genes_matched", found=counts)]
    severity = Finding.Severity.NOTE if found.matched >= USUAL_SHARE * everything else Finding.Severity.WARNING
    if found.ambiguous:
        remedy = "Name them by Ensembl id in var_names; until then they are known in this study only."
        findings.append(_finding("genes_ambiguous", severity, found=_some(found.ambiguous), remedy=remedy))
    if found.unmatched:
        remedy = "They are known in this study only. Check taxonomy_id and var_names if there are many."
        findings.append(_finding("genes_unmatched", severity, found=_some(found.unmatched), remedy=remedy))
    if found.other_case > USUAL_SHARE * found.matched:
        case = f"{found.other_case} of {found.matched} found by a symbol that is written in another case there"
        remedy = "Check taxonomy_id: a mouse's Cd4 is a human's CD4 in another case."
        findings.append(_finding("genes_in_other_case", Finding.Severity.WARNING, found=case, remedy=remedy))
    return findings


def _finding(
    code: str, severity: Finding.Severity = Finding.Severity.NOTE, *, found: str, remedy: str = ""
) -> Mapping[str, str]:
    expected = "" if code == "genes_matched" else EXPECTED
    texts = {"code": code, "path": "var", "found": found, "expected": expected, "remedy": remedy}
    return {"severity": severity.value, **texts}


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:MOST_NAMED])
    return f"{len(names)}: {shown}{', ...' if len(names) > MOST_NAMED else ''}"
