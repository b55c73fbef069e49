"""How a dataset is stored and how large it says it is, told from its header alone.

Layouts and filters: HDF5 File Format Specification 3.0, IV.A.2.i and IV.A.2.l; numbers of filters: The HDF Group's
list of registered filter plugins.
"""

import math

import hdf5plugin
from h5py import h5d, h5z

from imports.h5ad.findings import refused
from imports.h5ad.links import REMEDY

# Importing hdf5plugin makes the compressions blosc, lz4, zstd and others readable.
FILTERS = frozenset(
    {
        *(h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32, h5z.FILTER_SZIP),
        *(h5z.FILTER_NBIT, h5z.FILTER_SCALEOFFSET, h5z.FILTER_LZF),
        *hdf5plugin.FILTERS.values(),
    }
)
MOST_FILTERS = 6
MOST_DIMENSIONS = 8
MOST_DATASET_BYTES = 16 * 1024**4
MOST_ITEM_BYTES = 1024**2
MOST_CHUNK_BYTES = 1024**3
# Ten thousand million zeros compress well and mean nothing. Below this size it is no harm to read them.
HARMLESS_BYTES = 256 * 1024**2
MOST_RATIO = 5_000
ANNDATA_OWN = "Write it again with anndata's write_h5ad and one of its own compressions, gzip or lzf."


def check_dataset(dataset: h5d.DatasetID, path: str) -> None:
    """Refuse data that lie elsewhere, cannot be decoded, or are absurdly large. Raises RefusedFileError."""
    properties = dataset.get_create_plist()
    layout = properties.get_layout()
    if layout == h5d.VIRTUAL:
        raise refused("virtual_dataset", path, found="a view of other datasets", remedy=REMEDY)
    if properties.get_external_count():
        raise refused("external_storage", path, found="data kept in another file", remedy=REMEDY)
    _check_filters([properties.get_filter(number)[0] for number in range(properties.get_nfilters())], path)
    item = dataset.get_type().get_size()
    shape = dataset.shape
    if shape is None:
        return
    size = math.prod(shape) * item
    _check_size(shape, item, size, path)
    if layout == h5d.CHUNKED:
        _check_chunk(math.prod(properties.get_chunk()) * item, path)
    stored = dataset.get_storage_size()
    if size > HARMLESS_BYTES and size > MOST_RATIO * stored:
        found = f"{size / 1e9:,.1f} GB of data out of {stored:,} bytes"
        raise refused("filter_bomb", path, found=found, expected=f"at most {MOST_RATIO} times as much", remedy=REMEDY)


def _check_filters(numbers: list[int], path: str) -> None:
    unknown = [number for number in numbers if number not in FILTERS or not h5z.filter_avail(number)]
    if unknown:
        expected = "compressions that h5py and hdf5plugin can read"
        raise refused("filter_unknown", path, found=f"HDF5 filter {unknown[0]}", expected=expected, remedy=ANNDATA_OWN)
    if len(numbers) > MOST_FILTERS:
        expected = f"at most {MOST_FILTERS}"
        raise refused("too_many_filters", path, found=str(len(numbers)), expected=expected, remedy=ANNDATA_OWN)


def _check_size(shape: tuple[int, ...], item: int, size: int, path: str) -> None:
    found = f"shape {shape} of {item} bytes each"
    if len(shape) > MOST_DIMENSIONS:
        expected = f"at most {MOST_DIMENSIONS} dimensions"
        raise refused("absurd_shape", path, found=found[:300], expected=expected, remedy=REMEDY)
    if item > MOST_ITEM_BYTES or size > MOST_DATASET_BYTES:
        expected = f"at most {MOST_ITEM_BYTES} bytes an element and {MOST_DATASET_BYTES / 1e12:.0f} TB in all"
        raise refused("absurd_shape", path, found=found, expected=expected, remedy=REMEDY)


def _check_chunk(size: int, path: str) -> None:
    if size > MOST_CHUNK_BYTES:
        found, expected = f"chunks of {size / 1e9:,.1f} GB", f"at most {MOST_CHUNK_BYTES / 1e9:.1f} GB"
        raise refused("absurd_chunks", path, found=found, expected=expected, remedy=ANNDATA_OWN)
