"""The catalogue of genes: loading tables, and finding genes in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Collate, Upper
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action
from cellenium_admin.core.services import audit
from studies.gene_tables import GeneTable, plain
from studies.models import CatalogueGene, FeatureTable

BATCH_ROWS = 5000


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of one name: the genes it may mean, none, one or several."""

    identifier: str
    genes: tuple[CatalogueGene, ...]


@transaction.atomic
def load_table(*, table: GeneTable, actor: Actor) -> tuple[FeatureTable, bool]:
    """Keep a table and make it the one that counts for its organism; says whether anything changed.

    A table that was loaded before is not written again: it counts from now on, under the name it has now.
    Studies keep the genes they were matched to; they are matched anew when they are imported again.
    """
    labels = {"name": table.name, "version": table.version, "source": table.source}
    # Who loads the same at the same time waits here, and finds it.
    held, is_new = FeatureTable.objects.get_or_create(
        organism_tax_id=table.organism_tax_id,
        sha256=table.sha256,
        defaults={**labels, "gene_count": len(table.rows), "loaded_at": timezone.now()},
    )
    if is_new:
        _write_genes(held, table)
    elif held == current_table(held.organism_tax_id) and all(getattr(held, name) == labels[name] for name in labels):
        return held, False
    else:
        for name, value in {**labels, "loaded_at": timezone.now()}.items():
            setattr(held, name, value)
        held.save(update_fields=[*labels, "loaded_at"])
    audit.record(action=Action.FEATURES_LOADED, actor=actor, obj=held, details=_facts(held))
    return held, True


def current_table(organism_tax_id: int | None) -> FeatureTable | None:
    """Give the table that counts for an organism, if any was loaded."""
    if organism_tax_id is None:
        return None
    return FeatureTable.objects.filter(organism_tax_id=organism_tax_id).order_by("-loaded_at", "-pk").first()


def current_tables() -> list[FeatureTable]:
    """Give the tables that count, one for each organism."""
    newest = FeatureTable.objects.order_by("organism_tax_id", "-loaded_at", "-pk").distinct("organism_tax_id")
    return list(newest)


def suggest(*, text: str, organism_tax_id: int, limit: int) -> list[CatalogueGene]:
    """Give genes whose symbol or Ensembl id begins with a text in any case, symbols first; none for an empty text."""
    table = current_table(organism_tax_id)
    wanted = text.strip().upper()
    if table is None or not wanted or "\0" in wanted:
        return []
    found: list[CatalogueGene] = []
    for name in ("symbol", "ensembl_id"):
        # In collation "C" an index finds beginnings.
        genes = table.genes.alias(upper=Collate(Upper(name), "C")).filter(upper__startswith=wanted)
        others = genes.exclude(pk__in=[gene.pk for gene in found])
        found += others.order_by("upper", "ensembl_id")[: limit - len(found)]
    return found


def resolve(*, identifiers: Sequence[str], organism_tax_id: int) -> list[Resolved]:
    """Find each name: an Ensembl id with or without version, a symbol as written or in any case, or an Entrez id.

    A name that is given twice is answered once.
    """
    distinct = list(dict.fromkeys(identifiers))
    table = current_table(organism_tax_id)
    if table is None:
        return [Resolved(name, ()) for name in distinct]
    names = {name: plain(name) for name in distinct if "\0" not in name}
    by_id = _by("ensembl_id", table.genes.filter(ensembl_id__in=names.values()))
    symbols = table.genes.annotate(upper=Collate(Upper("symbol"), "C"))
    by_symbol = _by("upper", symbols.filter(upper__in=[name.upper() for name in names.values()]))
    by_entrez = _by("entrez_id", table.genes.filter(entrez_id__in=[name for name in names.values() if name.isdigit()]))
    return [Resolved(name, tuple(_first(names.get(name, ""), by_id, by_symbol, by_entrez))) for name in distinct]


def _first(name: str, *places: dict[str, list[CatalogueGene]]) -> list[CatalogueGene]:
    by_id, by_symbol, by_entrez = places
    in_any_case = by_symbol.get(name.upper(), [])
    as_written = [gene for gene in in_any_case if gene.symbol == name]
    return by_id.get(name) or as_written or in_any_case or by_entrez.get(name) or []


def _write_genes(held: FeatureTable, table: GeneTable) -> None:
    CatalogueGene.objects.bulk_create(
        (
            CatalogueGene(
                table=held, ensembl_id=row.ensembl_id, symbol=row.symbol, entrez_id=row.entrez_id, biotype=row.biotype
            )
            for row in table.rows
        ),
        batch_size=BATCH_ROWS,
    )


def _by(name: str, genes: QuerySet[CatalogueGene]) -> dict[str, list[CatalogueGene]]:
    found: dict[str, list[CatalogueGene]] = {}
    for gene in genes.order_by("ensembl_id"):
        found.setdefault(getattr(gene, name), []).append(gene)
    return found


def _facts(table: FeatureTable) -> dict[str, str | int]:
    return {
        "organism_tax_id": table.organism_tax_id,
        "table": table.name,
        "table_version": table.version,
        "source": table.source,
        "sha256": table.sha256,
        "genes": table.gene_count,
    }
