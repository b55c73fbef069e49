"""Colours of annotation values: the file's own where they can be used, else a palette."""

import colorsys
import re
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np

from imports.h5ad import elements
from imports.h5ad.elements import UnreadableError
from imports.h5ad.findings import Findings

# Vega's category20 without greys and with greens and purples moved apart, as scanpy uses it by default.
PALETTE = (
    *("#1f77b4", "#ff7f0e", "#279e68", "#d62728", "#aa40fc", "#8c564b", "#e377c2", "#b5bd61", "#17becf", "#aec7e8"),
    *("#ffbb78", "#98df8a", "#ff9896", "#c5b0d5", "#c49c94", "#f7b6d2", "#dbdb8d", "#9edae5", "#ad494a", "#8c6d31"),
)
GOLDEN_ANGLE = 0.61803398875
HEX = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")


def value_colors(
    file: h5py.Group, key: str, categories: Sequence[str], labels: Sequence[str], findings: Findings
) -> tuple[str, ...]:
    """Give a colour `#rrggbb` per label; the file's list is in the order of all categories, used or not."""
    given = _given(file, f"{key}_colors", len(categories), findings)
    if given is None:
        return palette(len(labels))
    by_category = dict(zip(reversed(categories), reversed(given), strict=True))
    return tuple(by_category[label] for label in labels)


def palette(count: int) -> tuple[str, ...]:
    """Choose colours that are easy to tell apart; the first twenty are always the same."""
    return (*PALETTE[:count], *(_generated(number) for number in range(count - len(PALETTE))))


def _generated(number: int) -> str:
    """Go round the circle of hues by the golden angle, through three lightnesses."""
    parts = colorsys.hls_to_rgb(number * GOLDEN_ANGLE % 1, (0.35, 0.55, 0.75)[number % 3], 0.65)
    return _written([round(255 * part) for part in parts])


def _given(file: h5py.Group, name: str, count: int, findings: Findings) -> list[str] | None:
    uns = elements.group(file, "uns")
    if uns is None or name not in uns:
        return None
    path, expected = f"uns['{name}']", f"{count} colours such as '#1f77b4'"
    remedy = "Remove it to have colours chosen, or write one colour per category."
    try:
        values = np.asarray(elements.read(uns, name))
    except (UnreadableError, ValueError) as error:
        findings.warning("colors_unreadable", path, found=str(error), expected=expected, remedy=remedy)
        return None
    colors = [_color(value) for value in values] if values.ndim in {1, 2} else []
    if len(colors) != count or None in colors:
        found = f"{len(colors)} values of type {values.dtype}, shape {values.shape}"
        findings.warning("colors_wrong", path, found=found, expected=expected, remedy=remedy)
        return None
    return [color for color in colors if color is not None]


def _color(value: Any) -> str | None:
    """Read `#rgb`, `#rrggbb`, either with alpha, or three or four numbers from 0 to 1; alpha is dropped."""
    if isinstance(value, str) and HEX.fullmatch(value):
        digits = value[1:] if len(value) > 5 else "".join(2 * digit for digit in value[1:])
        return f"#{digits[:6].lower()}"
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size in {3, 4}:
        inside = bool(np.all((value >= 0) & (value <= 1)))
        return _written([round(255 * float(part)) for part in value[:3]]) if inside else None
    return None


def _written(parts: Sequence[int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in parts)
