"""What one file holds, as plain data: handed by the importer to the services that write the rows."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FeatureContent:
    """One gene, protein tag or region as the file names it.

    `ensembl_id` and `matched_by` say which gene of the catalogue it is; `kind` is "gene", "protein_antibody_tag" or
    "region". Features of one modality follow one another, in the order of its matrices.
    """

    identifier: str
    symbol: str
    ensembl_id: str = ""
    matched_by: str = ""
    modality: str = "rna"
    kind: str = "gene"


@dataclass(frozen=True, slots=True)
class AnnotationValueContent:
    """One category: label, `#rrggbb` colour, number of cells."""

    label: str
    color: str
    cell_count: int


@dataclass(frozen=True, slots=True)
class AnnotationContent:
    """One `obs` column; its values are in the order of the codes in the Store."""

    key: str
    label: str
    is_primary: bool
    values: tuple[AnnotationValueContent, ...]


@dataclass(frozen=True, slots=True)
class LayerContent:
    """One matrix, by the name of its Store directory inside the version's directory.

    `row_map` names the array in the Store of the cells that says which cells its rows are; empty when they are all.
    """

    name: str
    directory: str
    modality: str = "rna"
    log1p_base: float | None = None
    row_map: str = ""


@dataclass(frozen=True, slots=True)
class DifferentialExpressionContent:
    """The rows of a table in the file about one value of an annotation.

    A row is (identifier of the feature, score, log2 fold change, p, adjusted p): None for what the file leaves out or
    gives as NaN; infinities stay.
    """

    annotation_key: str
    value_label: str
    modality: str
    rows: tuple[tuple[str, float | None, float | None, float | None, float | None], ...]


@dataclass(frozen=True, slots=True)
class SourceContent:
    """Which file it was."""

    uri: str
    revision: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class VersionContent:
    """All that becomes rows when a version is published."""

    title: str
    description: str
    organism_tax_id: int | None
    cell_count: int
    features: tuple[FeatureContent, ...]
    annotations: tuple[AnnotationContent, ...]
    projections: tuple[str, ...]
    layers: tuple[LayerContent, ...]
    source: SourceContent
    metadata: dict[str, object] = field(default_factory=dict)
    differential_expression: tuple[DifferentialExpressionContent, ...] = ()
