"""Decide the font size of a table and which of its columns and rows are printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from course.publish.table_grid import ELLIPSIS, Grid, columns_shown, rows_shown

if TYPE_CHECKING:
    from course.publish.typst.layout import Layout

# Advance in ems by kind of character in Libertinus Serif, rounded up from the font's metrics.
_ADVANCES = ((re.compile(r"[A-ZÀ-Þ@%&—_mwMW<>=+]"), 0.68), (re.compile(r"[\s.,:;!|'()\[\]ijltfrI/-]"), 0.34))
_USUAL_ADVANCE = 0.5
_WIDEST_TEXT = 170.0
_INSET = 4.0
_ELLIPSIS_WIDTH = 20.0
_NUMBER = re.compile(
    r"[-+\u2212]?[\d\s,.'_]*\d[\d,.]*\s*(?:e[-+]?\d+)?\s*(?:%|[€$£]|[KMGT]i?B|s|ms|µs|h)?", re.IGNORECASE
)
_NO_NUMBER = frozenset(("", "nan", "none", "nat", "<na>", "inf", "-inf", "...", "…", "-", "—", "true", "false"))


@dataclass(frozen=True)
class Fit:
    """How a table is printed: font size in points, kept rows and columns, and whether long headers are broken."""

    size: float
    columns: list[int]
    rows: list[int]
    broken_headers: bool


def text_width(text: str, size: float) -> float:
    """Return the estimated width of a text, in points."""
    total = 0.0
    for character in text:
        total += next((ems for pattern, ems in _ADVANCES if pattern.match(character)), _USUAL_ADVANCE)
    return total * size


def is_number(text: str) -> bool:
    """Tell whether a cell holds a number, with or without a unit."""
    return bool(_NUMBER.fullmatch(text))


def numeric_columns(grid: Grid) -> list[bool]:
    """Tell for each column whether every cell below the header is a number or stands for a missing one."""
    return [
        _is_numeric([grid.cells[row[column]].text for row in grid.owners[grid.header_rows :]])
        for column in range(grid.columns)
    ]


def fit_table(grid: Grid, layout: Layout) -> Fit:
    """Return the largest font at which the whole table fits; at the smallest, columns in the middle are left out."""
    rows = rows_shown(grid, layout.table_rows, layout.table_rows // 2)
    for size, broken in _attempts(layout):
        widths = _column_widths(grid, rows, size, broken=broken)
        if sum(widths) <= layout.text_width:
            return Fit(size, list(range(grid.columns)), rows, broken)
    return Fit(size, columns_shown(grid, widths, layout.text_width, _ELLIPSIS_WIDTH), rows, broken_headers=True)


def _attempts(layout: Layout) -> list[tuple[float, bool]]:
    sizes = layout.table_sizes
    return [*((size, False) for size in sizes[:-1]), *((size, True) for size in sizes[len(sizes) // 2 :])]


def _is_numeric(texts: list[str]) -> bool:
    known = [text for text in texts if text.lower() not in _NO_NUMBER]
    return bool(known) and all(is_number(text) for text in known)


def _column_widths(grid: Grid, rows: list[int], size: float, *, broken: bool) -> list[float]:
    widths = [size * 1.2] * grid.columns
    for row in rows:
        if row == ELLIPSIS:
            continue
        for column, owner in enumerate(grid.owners[row]):
            if grid.is_spanning(row, column):
                continue
            text = grid.cells[owner].text
            pieces = header_pieces(text) if broken and row < grid.header_rows else [text]
            width = max(min(text_width(piece, size), _WIDEST_TEXT) for piece in pieces)
            widths[column] = max(widths[column], width)
    return [width + 2 * _INSET for width in widths]


def header_pieces(text: str) -> list[str]:
    """Return a column name cut after its underscores, spaces and dots, where it may be broken."""
    return re.findall(r"[^_ .]*[_ .]|[^_ .]+", text) or [""]
