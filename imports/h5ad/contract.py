"""What `uns['cellenium']` must and may hold, as data: the contract with those who prepare files."""

from dataclasses import dataclass
from enum import StrEnum

MOST_VALUES = 100
DEFAULT_PROJECTIONS = ("umap",)

# NCBI taxonomy ids of the organisms cellenium's gene catalogue knows.
KNOWN_ORGANISMS = {9606: "human", 10090: "mouse", 10116: "rat", 9541: "crab-eating macaque"}

# Limits of the catalogue's columns.
LONGEST_TITLE = 500
LONGEST_NAME = 200
LONGEST_LABEL = 500
LONGEST_PROJECTION = 100
LONGEST_LAYER = 180
LONGEST_MODALITY = 50

# What a modality of an h5mu file may hold; an h5ad file has one, DEFAULT_MODALITY, of genes.
MODALITY_KINDS = ("gene", "protein_antibody_tag", "region")
DEFAULT_MODALITY = "rna"


class Kind(StrEnum):
    """What a key holds, in words for people."""

    TEXT = "a text"
    WHOLE_NUMBER = "a whole number"
    TEXTS = "a one-dimensional array of texts"
    MAPPING = "a dictionary"
    TEXTS_BY_MODALITY = "a dictionary from modality to a one-dimensional array of texts"
    KINDS_BY_MODALITY = "a dictionary from modality to gene, protein_antibody_tag or region"


@dataclass(frozen=True, slots=True)
class KeyRule:
    """One key of `uns['cellenium']`."""

    key: str
    kind: Kind
    remedy: str
    required: bool = True
    may_be_empty: bool = False
    longest: int = 0


TITLE = KeyRule(
    "title", Kind.TEXT, "Set uns['cellenium']['title'] to the study's name as people know it.", longest=LONGEST_TITLE
)
DESCRIPTION = KeyRule(
    "description",
    Kind.TEXT,
    "Set uns['cellenium']['description'] to a text about the study; it may be empty.",
    may_be_empty=True,
)
TAXONOMY_ID = KeyRule(
    "taxonomy_id",
    Kind.WHOLE_NUMBER,
    "Set uns['cellenium']['taxonomy_id'] to the organism's NCBI taxonomy id, 9606 for human.",
)
NCIT_TISSUE_IDS = KeyRule(
    "ncit_tissue_ids",
    Kind.TEXTS,
    "Set uns['cellenium']['ncit_tissue_ids'] to a list of NCIT codes such as ['C12434']; it may be empty.",
    may_be_empty=True,
)
MESH_DISEASE_IDS = KeyRule(
    "mesh_disease_ids",
    Kind.TEXTS,
    "Set uns['cellenium']['mesh_disease_ids'] to a list of MeSH codes, ['HEALTHY'] for none; it may be empty.",
    may_be_empty=True,
)
LAYER_NAME = KeyRule(
    "X_pseudolayer_name",
    Kind.TEXT,
    "Set uns['cellenium']['X_pseudolayer_name'] to a name for the values in X, such as 'normalized'.",
    longest=LONGEST_NAME,
)
MAIN_ATTRIBUTES = KeyRule(
    "main_sample_attributes",
    Kind.TEXTS,
    "Set uns['cellenium']['main_sample_attributes'] to a list of columns of obs, the cell type first.",
)
SECONDARY_ATTRIBUTES = KeyRule(
    "secondary_sample_attributes",
    Kind.TEXTS,
    "Give a list of further columns of obs, or remove the key.",
    required=False,
    may_be_empty=True,
)
ADVANCED_ATTRIBUTES = KeyRule(
    "advanced_sample_attributes",
    Kind.TEXTS,
    "Move its columns to main_sample_attributes and remove the key.",
    required=False,
    may_be_empty=True,
)
PROJECTIONS = KeyRule(
    "import_projections",
    Kind.TEXTS,
    "Give the names of the projections without 'X_', such as ['umap'], or remove the key.",
    required=False,
)
METADATA = KeyRule(
    "metadata",
    Kind.MAPPING,
    "Give a dictionary of texts and lists of texts, or remove the key.",
    required=False,
    may_be_empty=True,
)

MODALITIES = KeyRule(
    "modalities",
    Kind.KINDS_BY_MODALITY,
    "Set uns['cellenium']['modalities'] to {'rna': 'gene', 'prot': 'protein_antibody_tag'}, as the file has them.",
)
MAIN_BY_MODALITY = KeyRule(
    "main_sample_attributes",
    Kind.TEXTS_BY_MODALITY,
    "Set uns['cellenium']['main_sample_attributes'] to {'rna': ['cell_type']}: columns of each modality's obs.",
)
PROJECTIONS_BY_MODALITY = KeyRule(
    "import_projections",
    Kind.TEXTS_BY_MODALITY,
    "Set uns['cellenium']['import_projections'] to {'rna': ['umap']}: projections of each modality's obsm.",
)

RULES = (
    TITLE,
    DESCRIPTION,
    TAXONOMY_ID,
    NCIT_TISSUE_IDS,
    MESH_DISEASE_IDS,
    LAYER_NAME,
    MAIN_ATTRIBUTES,
    SECONDARY_ATTRIBUTES,
    ADVANCED_ATTRIBUTES,
    PROJECTIONS,
    METADATA,
)

# The same of an h5mu file. The attributes below the main ones may also stand in the modality's own uns.
OWN_RULES = (SECONDARY_ATTRIBUTES, ADVANCED_ATTRIBUTES)
H5MU_RULES = (
    *(TITLE, DESCRIPTION, TAXONOMY_ID, NCIT_TISSUE_IDS, MESH_DISEASE_IDS, LAYER_NAME),
    *(MODALITIES, MAIN_BY_MODALITY, PROJECTIONS_BY_MODALITY, METADATA),
)

# Keys that other programs write and what becomes of them here.
IGNORED = {
    "initial_reader_permissions": "Who may see a study is decided here, not in the file: share it after the import.",
    "initial_admin_permissions": "Who may change a study is decided here, not in the file: share it after the import.",
    "legacy_config": "It describes an older system.",
}
SAMPLED_SUFFIX = "_density_sampled_indices"
