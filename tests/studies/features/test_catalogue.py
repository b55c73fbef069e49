"""Tables are loaded once and whole; the newest of an organism counts; matching never guesses."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, AuditEvent
from studies.content import FeatureContent
from studies.gene_tables import GeneRow
from studies.models import CatalogueGene, FeatureTable
from studies.services import catalogue
from studies.services.feature_matching import match_features
from tests.studies.features.conftest import ROWS, table

ACTOR = Actor.system("test")
CD79A, LYZ = "ENSG00000105369", "ENSG00000090382"

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_a_table_is_loaded_once_with_its_line_in_the_trail(loaded):
    again, new = catalogue.load_table(table=table(), actor=ACTOR)
    assert (again, new) == (loaded, False)
    assert loaded.gene_count == CatalogueGene.objects.count() == len(ROWS)
    event = AuditEvent.objects.get(action=Action.FEATURES_LOADED)
    assert (event.details["genes"], event.details["sha256"]) == (len(ROWS), "1" * 64)


def test_the_newest_table_counts_and_an_old_one_can_come_back(loaded):
    newer, _ = catalogue.load_table(table=table(sha256="2" * 64, rows=ROWS[:1]), actor=ACTOR)
    other, _ = catalogue.load_table(table=table(sha256="2" * 64, tax_id=10090), actor=ACTOR)
    assert catalogue.current_table(9606) == newer
    assert catalogue.current_tables() == [newer, other]
    back, new = catalogue.load_table(table=table(), actor=ACTOR)
    assert new
    assert catalogue.current_table(9606) == back
    assert catalogue.current_table(10116) is None
    assert catalogue.current_table(None) is None


@pytest.mark.django_db(transaction=True)
def test_a_table_that_comes_back_is_not_written_again_and_takes_its_new_name(loaded):
    genes = set(CatalogueGene.objects.values_list("pk", flat=True))
    renamed, changed = catalogue.load_table(table=replace(table(), name="the same", version="2"), actor=ACTOR)
    assert changed
    assert (renamed.pk, renamed.name, renamed.version) == (loaded.pk, "the same", "2")
    assert set(CatalogueGene.objects.values_list("pk", flat=True)) == genes
    assert AuditEvent.objects.filter(action=Action.FEATURES_LOADED).count() == 2


@pytest.mark.parametrize(
    ("identifier", "symbol", "expected"),
    [
        (CD79A, CD79A, (CD79A, "CD79A", "ensembl")),
        (f"{CD79A}.11", f"{CD79A}.11", (CD79A, "CD79A", "ensembl")),
        (CD79A, "my name", (CD79A, "my name", "ensembl")),
        ("CD79A", "CD79A", (CD79A, "CD79A", "symbol")),
        ("cd79a", "cd79a", (CD79A, "cd79a", "symbol")),
        ("c4ORF3", "c4ORF3", ("ENSG00000000005", "c4ORF3", "symbol")),
        ("Art6.1", "Art6.1", ("FBgn0038189", "Art6.1", "symbol")),
        ("Case", "Case", ("ENSG00000000003", "Case", "symbol")),
        ("973", "973", (CD79A, "CD79A", "entrez")),
        ("gene-7", "LYZ", (LYZ, "LYZ", "symbol")),
        (CD79A.lower(), "x", (CD79A, "x", "ensembl")),
        ("ENSG00000999999", "LYZ", (LYZ, "LYZ", "symbol")),
        ("ENSMUSG00000069516", "Lyz", ("", "Lyz", "")),
        ("WBGene00004425", "LYZ", ("", "LYZ", "")),
        ("lyz", "CD79A", (CD79A, "CD79A", "symbol")),
        ("LYZ.1", "LYZ.1", ("", "LYZ.1", "")),
        ("case", "case", ("", "case", "")),
        ("TWIN", "TWIN", ("", "TWIN", "")),
        ("NOPE", "NOPE", ("", "NOPE", "")),
        ("", "", ("", "", "")),
    ],
)
def test_one_gene(loaded, identifier, symbol, expected):
    found = match_features(organism_tax_id=9606, features=[FeatureContent(identifier, symbol)]).features[0]
    assert (found.ensembl_id, found.symbol, found.matched_by) == expected
    assert found.identifier == identifier


def test_counts_and_of_two_names_of_one_gene_the_surer_is_it(loaded):
    names = ["CD79A", "973", "LYZ", "TWIN", "NOPE"]
    found = match_features(organism_tax_id=9606, features=[FeatureContent(name, name) for name in names])
    assert (found.table, found.matched) == (loaded, 2)
    assert (found.ambiguous, found.unmatched) == (("973", "TWIN"), ("NOPE",))
    assert [one.ensembl_id for one in found.features] == [CD79A, "", LYZ, "", ""]


@pytest.mark.parametrize(
    ("identifier", "symbol"),
    [
        ("ENSG00000999999", "CD79A"),  # an id that was retired when another got its symbol
        ("ENSG00000105369.15_PAR_Y", "CD79A"),
        ("ENSMUSG00000003379", "Cd79a"),  # human and mouse in one file
        ("cd79a", "cd79a"),
        ("973", "973"),
    ],
)
def test_a_gene_found_by_id_is_not_lost_to_another_of_its_name(loaded, identifier, symbol):
    features = [FeatureContent(identifier, symbol), FeatureContent(f"{CD79A}.15", "CD79A")]
    found = match_features(organism_tax_id=9606, features=features)
    assert [one.ensembl_id for one in found.features] == ["", CD79A]
    assert (found.matched, len(found.ambiguous) + len(found.unmatched)) == (1, 1)


def test_two_that_are_found_as_surely_are_both_left_alone(loaded):
    features = [FeatureContent(f"{CD79A}.{version}", "CD79A") for version in (1, 2)]
    found = match_features(organism_tax_id=9606, features=features)
    assert (found.features, found.matched, len(found.ambiguous)) == (tuple(features), 0, 2)


def test_symbols_in_another_case_are_counted(loaded):
    names = ["Cd79a", "Lyz", "C4orf3", "Nope"]
    found = match_features(organism_tax_id=9606, features=[FeatureContent(name, name) for name in names])
    assert (found.matched, found.other_case) == (3, 2)


def test_a_symbol_as_it_is_written_comes_before_others_in_any_case(loaded):
    resolved = catalogue.resolve(identifiers=["Case", "CASE", "case", "Case"], organism_tax_id=9606)
    assert [(one.identifier, [gene.symbol for gene in one.genes]) for one in resolved] == [
        ("Case", ["Case"]),
        ("CASE", ["CASE"]),
        ("case", ["Case", "CASE"]),
    ]


@pytest.mark.parametrize("text", ["FBgn0038189", "fbgn00381", "Art6"])
def test_ids_that_are_not_written_in_capitals_are_suggested(loaded, text):
    assert [gene.symbol for gene in catalogue.suggest(text=text, organism_tax_id=9606, limit=5)] == ["Art6.1"]


def test_a_suggestion_reads_an_index_whatever_the_collation(loaded):
    genes = [GeneRow(f"ENSG{number:011}", f"GENE{number}") for number in range(3000)]
    held, _ = catalogue.load_table(table=table(sha256="3" * 64, rows=tuple(genes)), actor=ACTOR)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE studies_cataloguegene")
    with CaptureQueriesContext(connection) as queries:
        assert catalogue.suggest(text="gene299", organism_tax_id=held.organism_tax_id, limit=20)
    for query, index in zip(queries.captured_queries[1:], ("symbol", "ensembl"), strict=True):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query['sql']}")
            assert f"catalogue_gene_{index}" in str(cursor.fetchall())


@pytest.mark.parametrize("tax_id", [None, 10090])
def test_without_a_table_nothing_is_matched_and_nothing_changed(loaded, tax_id):
    features = (FeatureContent("CD79A", "CD79A"),)
    found = match_features(organism_tax_id=tax_id, features=features)
    assert (found.features, found.table, found.unmatched) == (features, None, ("CD79A",))


def test_command_loads_lists_and_says_what_it_cannot(tmp_path, capsys, db):
    own = tmp_path / "own.csv"
    own.write_text("ensembl_id,symbol\nENSG1,ONE\n")
    options = ["--file", str(own), "--tax-id", "9606", "--name", "ours", "--table-version", "3"]
    call_command("load_features", *options)
    assert "loaded: ours 3, taxon 9606, 1 genes, own.csv" in capsys.readouterr().out
    call_command("load_features", *options)
    assert "already there: ours" in capsys.readouterr().out
    call_command("load_features", "--list", "--json")
    assert '"version": "3"' in capsys.readouterr().out
    assert FeatureTable.objects.count() == 1
    for arguments, said in (
        ([], "Say what to load"),
        (["--organism", "unicorn"], "'unicorn' is not known; known are: human, mouse"),
        (["--file", str(own)], "With --file give --tax-id"),
        ([*options[:3], "-5", *options[4:]], "--tax-id is no NCBI taxonomy id: -5"),
        ([*options[:3], str(2**31), *options[4:]], "--tax-id is no NCBI taxonomy id"),
        ([*options[:5], "x" * 201, *options[6:]], "--name is longer than 200"),
        (["--file", str(tmp_path / "none.csv"), *options[2:]], "cannot be read"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("load_features", *arguments)


@pytest.mark.django_db(transaction=True)
def test_who_loads_the_same_at_the_same_time_waits_and_finds_it():
    def load(_: int) -> bool:
        try:
            return catalogue.load_table(table=table(), actor=ACTOR)[1]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(load, range(4))) == [False, False, False, True]
    assert CatalogueGene.objects.count() == len(ROWS)


@pytest.mark.slow
def test_human_out_of_the_wheel_is_loaded_in_seconds(db, capsys):
    call_command("load_features", "--organism", "human")
    assert "Homo sapiens GENCODE" in capsys.readouterr().out
    assert catalogue.current_table(9606).gene_count > 70_000
