"""Set HTML tables: DataFrames, Styler tables, Markdown tables; what does not fit is left out of their middle."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tinycss2  # type: ignore[import-untyped]
from tinycss2.color4 import parse_color  # type: ignore[import-untyped]

from course.publish import table_grid as grids
from course.publish.paper.compiler import EMPTY, array, block, call, literal, points, styled

if TYPE_CHECKING:
    from bs4 import Tag

    from course.publish.paper.column import Column, Context
    from course.publish.table_grid import Cell, Grid, Placed

Declarations = dict[str, str]
# Advance in ems by kind of character in Libertinus Serif, rounded up from the font's metrics.
_WIDE = re.compile(r"[A-ZÀ-Þ@%&—_mwMW<>=+]")
_NARROW = re.compile(r"[\s.,:;!|'()\[\]ijltfrI/-]")
_WIDEST_TEXT, _INSET, _ELLIPSIS_WIDTH = 170.0, 4.0, 20.0
_NUMBER = re.compile(
    r"[-+\u2212]?[\d\s,.'_]*\d[\d,.]*\s*(?:e[-+]?\d+)?\s*(?:%|[€$£]|[KMGT]i?B|s|ms|µs|h)?", re.IGNORECASE
)
_NO_NUMBER = frozenset(("", "nan", "none", "nat", "<na>", "inf", "-inf", "...", "…", "-", "—", "true", "false"))


@dataclass(frozen=True)
class Look:
    """How an element is painted; colours and fills are Typst expressions."""

    fill: str | None = None
    color: str | None = None
    bold: bool | None = None
    italic: bool = False
    align: str | None = None
    hidden: bool = False


def table(tag: Tag, context: Context, rules: dict[str, Declarations], walk: Callable[[Tag], str]) -> str:
    """Return the Typst expression of a table; ``rules`` are those of its styles, ``walk`` sets what a cell holds."""
    grid = grids.read_grid(tag)
    if not grid.columns:
        return EMPTY
    fit = fit_table(grid, context.column)
    numeric = [_is_numeric(grid, x) for x in range(grid.columns)]
    caption = tag.find("caption", recursive=False)

    def set_cell(placed: Placed, *, in_header: bool) -> str:
        cell = placed.cell
        if cell is grids.ELLIPSIS:
            return call("table.cell", literal(cell.text), align="center")
        look = look_of(cell.tag, rules)
        return call(
            "table.cell",
            _content(cell, look, walk, broken=in_header and fit.broken_headers),
            colspan=str(placed.colspan) if placed.colspan > 1 else None,
            rowspan=str(placed.rowspan) if placed.rowspan > 1 else None,
            fill=look.fill,
            align="center" if placed.colspan > 1 else _alignment(cell, look, numeric=numeric[placed.column or 0]),
        )

    printed = enumerate(grids.select(grid, fit.rows, fit.columns))
    return call(
        "data-table",
        array(array(set_cell(placed, in_header=y < grid.header_rows) for placed in row) for y, row in printed),
        columns=str(len(fit.columns)),
        header=str(grid.header_rows),
        size=points(fit.size),
        note=_omission(tag, grid, fit, context),
        caption=walk(caption) if caption is not None else None,
    )


def _content(cell: Cell, look: Look, walk: Callable[[Tag], str], *, broken: bool) -> str:
    if cell.tag is None or look.hidden:
        return EMPTY
    if broken and cell.tag.find(True) is None:
        shown = block(part for piece in header_pieces(cell.text) for part in (literal(piece), "may-break"))
    else:
        shown = walk(cell.tag)
    bold = cell.header if look.bold is None else look.bold
    return styled(shown, look.color, bold=bold, italic=look.italic)


def _is_numeric(grid: Grid, column: int) -> bool:
    """Tell whether every cell of a column below its header is a number, or stands for a missing one."""
    texts = {row[column].text for row in grid.rows[grid.header_rows :]}
    known = [text for text in texts if text.lower() not in _NO_NUMBER]
    return bool(known) and all(map(is_number, known))


def _alignment(cell: Cell, look: Look, *, numeric: bool) -> str:
    asked = look.align or (str(cell.tag.get("align", "")) if cell.tag is not None else "")
    if asked in ("left", "center", "right"):
        return asked
    return "right" if numeric or (not cell.header and is_number(cell.text)) else "left"


def _omission(tag: Tag, grid: Grid, fit: Fit, context: Context) -> str | None:
    """Return the note below a table: its size as pandas says it, and how much of it is not shown."""
    line = grids.size_line(tag)
    notes = [line.get_text().strip()] if line is not None else []
    sizes = grids.whole_size(grid, tag), grids.size_shown(grid, fit.rows, fit.columns)
    for side, total, shown in zip(("rows", "columns"), *sizes, strict=True):
        if total > shown:
            notes.append(context.words(f"{side}_omitted", count=total - shown, total=total))
    return literal(" · ".join(notes)) if notes else None


def look_of(tag: Tag | None, rules: dict[str, Declarations]) -> Look:
    """Return the look that a tag's identifier and style attribute give it."""
    if tag is None:
        return Look()
    declared = {**rules.get(str(tag.get("id", "")), {}), **_declarations(str(tag.get("style", "")))}
    weight = declared.get("font-weight")
    return Look(
        fill=css_color(declared.get("background-color") or declared.get("background", "")),
        color=css_color(declared.get("color", "")),
        bold=None if weight is None else weight in ("bold", "bolder", "600", "700", "800", "900"),
        italic=declared.get("font-style") in ("italic", "oblique"),
        align=declared.get("text-align"),
        hidden=declared.get("display") == "none" or declared.get("visibility") == "hidden",
    )


def read_rules(tree: Tag) -> dict[str, Declarations]:
    """Return the declarations of every ``#identifier`` rule in the style elements of a tree: those of a Styler."""
    rules: dict[str, Declarations] = {}
    for element in tree.find_all("style"):
        for rule in tinycss2.parse_stylesheet(element.get_text(), skip_comments=True, skip_whitespace=True):
            if rule.type != "qualified-rule":
                continue
            for selector in tinycss2.serialize(rule.prelude).split(","):
                if selector.strip().startswith("#"):
                    rules.setdefault(selector.strip()[1:], {}).update(_declarations(rule.content))
    return rules


def css_color(text: str) -> str | None:
    """Return the Typst colour of a CSS colour, or ``None`` for none, transparent or unknown."""
    color = parse_color(text) if text else None
    if color is None or not hasattr(color, "to") or not color.alpha:
        return None
    channels = [min(1.0, max(0.0, float(part or 0))) for part in (*color.to("srgb").coordinates, color.alpha)]
    hexadecimal = "".join(f"{round(255 * channel):02x}" for channel in (channels if channels[3] < 1 else channels[:3]))
    return f'rgb("#{hexadecimal}")'


def _declarations(source: object) -> Declarations:
    parsed = tinycss2.parse_blocks_contents(source, skip_comments=True, skip_whitespace=True)
    return {
        item.lower_name: tinycss2.serialize(item.value).strip().lower() for item in parsed if item.type == "declaration"
    }


@dataclass(frozen=True)
class Fit:
    """How a table is printed: font size in points, kept rows and columns, and whether long headers are broken."""

    size: float
    columns: grids.Places
    rows: grids.Places
    broken_headers: bool


def fit_table(grid: Grid, column: Column) -> Fit:
    """Return the largest font at which the whole table fits; at the smallest, columns in the middle are left out."""
    rows = grids.rows_shown(grid, column.table_rows, column.table_rows // 2)
    sizes = column.table_sizes
    attempts = [*((size, False) for size in sizes[:-1]), *((size, True) for size in sizes[len(sizes) // 2 :])]
    for size, broken in attempts:
        widths = _column_widths(grid, rows, size, broken=broken)
        if sum(widths) <= column.width:
            return Fit(size, range(grid.columns), rows, broken)
    return Fit(size, grids.columns_shown(grid, widths, column.width, _ELLIPSIS_WIDTH), rows, broken_headers=True)


def _column_widths(grid: Grid, rows: grids.Places, size: float, *, broken: bool) -> list[float]:
    def width_of(text: str, in_header: bool) -> float:
        pieces = header_pieces(text) if broken and in_header else [text]
        return max(min(text_width(piece, size), _WIDEST_TEXT) for piece in pieces) + 2 * _INSET

    return grid.widths(rows, size * 1.2 + 2 * _INSET, width_of)


def text_width(text: str, size: float) -> float:
    """Return the estimated width of a text, in points."""
    advances = (0.68 if _WIDE.match(letter) else 0.34 if _NARROW.match(letter) else 0.5 for letter in text)
    return sum(advances) * size


def header_pieces(text: str) -> list[str]:
    """Return a column name cut after its underscores, spaces and dots, where it may be broken."""
    return re.findall(r"[^_ .]*[_ .]|[^_ .]+", text) or [""]


def is_number(text: str) -> bool:
    """Tell whether a cell holds a number, with or without a unit."""
    return bool(_NUMBER.fullmatch(text))
