"""Set HTML tables: DataFrames, Styler tables, Markdown tables; what does not fit is left out of their middle."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import tinycss2  # type: ignore[import-untyped]
from tinycss2.color4 import parse_color  # type: ignore[import-untyped]

from course.publish.paper.column import Column, Context
from course.publish.paper.compiler import EMPTY, array, block, call, literal, points

if TYPE_CHECKING:
    from bs4 import Tag

Declarations = dict[str, str]
# What pandas writes under a DataFrame that it has cut, and in the row and the column that stand for what it cut.
SHAPE = re.compile(r"\s*(\d+) rows \u00d7 (\d+) columns\s*")
_DOTS = ("...", "…")
# The HTML standard's own limits on spans are 1000 columns and 65534 rows.
_LARGEST_SPAN = 1000
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
    """Return the Typst expression of a table.

    Args:
        tag: the ``table`` element.
        context: where the table is set.
        rules: declarations of the style elements that go with it, by identifier.
        walk: sets the children of a cell.
    """
    grid = read_grid(tag)
    if not grid.columns:
        return EMPTY
    fit = fit_table(grid, context.column)
    caption = tag.find("caption", recursive=False)

    def content(cell: Cell, look: Look, *, broken: bool) -> str:
        if cell.tag is None or look.hidden:
            return EMPTY
        if broken and cell.tag.find(True) is None:
            shown = block(part for piece in header_pieces(cell.text) for part in (literal(piece), "may-break"))
        else:
            shown = walk(cell.tag)
        bold, italic = cell.header if look.bold is None else look.bold, look.italic
        if not (look.color or bold or italic):
            return shown
        weight, style = '"bold"' if bold else None, '"italic"' if italic else None
        return call("text", shown, fill=look.color, weight=weight, style=style)

    def set_cell(placed: Placed, *, in_header: bool) -> str:
        cell = placed.cell
        if cell is _ELLIPSIS:
            return call("table.cell", literal(cell.text), align="center")
        look = look_of(cell.tag, rules)
        return call(
            "table.cell",
            content(cell, look, broken=in_header and fit.broken_headers),
            colspan=str(placed.colspan) if placed.colspan > 1 else None,
            rowspan=str(placed.rowspan) if placed.rowspan > 1 else None,
            fill=look.fill,
            align=_alignment(placed, look, numeric=grid.numeric[fit.columns[placed.x] or 0]),
        )

    printed = enumerate(select(grid, fit.rows, fit.columns))
    return call(
        "data-table",
        array(array(set_cell(placed, in_header=y < grid.header_rows) for placed in row) for y, row in printed),
        columns=str(len(fit.columns)),
        header=str(grid.header_rows),
        size=points(fit.size),
        note=_omission(tag, grid, fit, context),
        caption=walk(caption) if caption is not None else None,
    )


def _alignment(placed: Placed, look: Look, *, numeric: bool) -> str:
    cell = placed.cell
    asked = look.align or (str(cell.tag.get("align", "")) if cell.tag is not None else "")
    if placed.colspan > 1:
        return "center"
    if asked in ("left", "center", "right"):
        return asked
    return "right" if numeric or (not cell.header and is_number(cell.text)) else "left"


def _omission(tag: Tag, grid: Grid, fit: Fit, context: Context) -> str | None:
    """Return the note below a table: its size as pandas says it, and how much of it is not shown."""
    following = tag.find_next_sibling()
    said = SHAPE.fullmatch(following.get_text()) if following is not None and following.name == "p" else None
    notes = [said[0].strip()] if said else []
    sides = (("rows", grid.rows, grid.header_rows, fit.rows), ("columns", grid.columns, grid.index_columns, fit.columns))
    for number, (side, lines, first, kept) in enumerate(sides, start=1):
        data = {place for place in range(first, len(lines)) if not _is_dots(lines[place])}
        total, shown = int(said[number]) if said else len(data), len(data.intersection(kept))
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


@dataclass(frozen=True, eq=False)
class Cell:
    """A cell of the table; it is in the grid once for each place that it covers. ``tag`` is None where there is none."""

    tag: Tag | None
    text: str = ""
    header: bool = False


_NO_CELL = Cell(None)
_ELLIPSIS = Cell(None, "…")
# None stands for the rows or columns left out.
Places = Sequence[int | None]


@dataclass(frozen=True)
class Grid:
    """A table as rows of cells, the first of which are its header."""

    rows: list[list[Cell]]
    header_rows: int

    @cached_property
    def columns(self) -> list[list[Cell]]:
        """The same cells, column by column."""
        return [list(column) for column in zip(*self.rows, strict=True)]

    @cached_property
    def index_columns(self) -> int:
        """Number of leading columns that hold row headers; they are never left out."""
        count = 0
        while count < len(self.columns) - 1 and self._is_index(self.columns[count]):
            count += 1
        return count

    @cached_property
    def numeric(self) -> list[bool]:
        """Whether every cell of a column below its header is a number, or stands for a missing one."""
        bodies = [{cell.text for cell in column[self.header_rows :]} for column in self.columns]
        known = [{text for text in body if text.lower() not in _NO_NUMBER} for body in bodies]
        return [bool(texts) and all(map(is_number, texts)) for texts in known]

    def _is_index(self, column: list[Cell]) -> bool:
        return len(column) > self.header_rows and all(cell.header for cell in column[self.header_rows :])


def read_grid(table: Tag) -> Grid:
    """Return the grid of a table; spans that overlap or leave the table are cut."""
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
    header_rows = sum(1 for row in rows if _is_header(row))
    places: dict[tuple[int, int], Cell] = {}
    for y, row in enumerate(rows):
        x = 0
        for tag in row.find_all(["td", "th"], recursive=False):
            while (y, x) in places:
                x += 1
            cell = Cell(tag, " ".join(tag.get_text(" ").split()), tag.name == "th")
            bottom = min(y + _span(tag, "rowspan"), header_rows if y < header_rows else len(rows))
            right = x + _span(tag, "colspan")
            for place in ((down, across) for down in range(y, bottom) for across in range(x, right)):
                places.setdefault(place, cell)
            x = right
    width = max((x + 1 for _, x in places), default=0)
    return Grid([[places.get((y, x), _NO_CELL) for x in range(width)] for y in range(len(rows))], header_rows)


def _is_header(row: Tag) -> bool:
    parent = row.parent
    if parent is None or parent.name != "table":
        return parent is not None and parent.name == "thead"
    return row.find("td") is None and row.find_previous("td") is None


def _span(tag: Tag, name: str) -> int:
    value = str(tag.get(name, "1")).strip()
    return min(max(1, int(value)), _LARGEST_SPAN) if value.isascii() and value.isdigit() else 1


@dataclass(frozen=True)
class Fit:
    """How a table is printed: font size in points, kept rows and columns, and whether long headers are broken."""

    size: float
    columns: Places
    rows: Places
    broken_headers: bool


def fit_table(grid: Grid, column: Column) -> Fit:
    """Return the largest font at which the whole table fits; at the smallest, columns in the middle are left out."""
    rows: list[int | None] = list(range(len(grid.rows)))
    if len(rows) - grid.header_rows > column.table_rows:
        tail = column.table_rows // 2
        rows[grid.header_rows + column.table_rows - tail : -tail] = [None]
    sizes = column.table_sizes
    attempts = [*((size, False) for size in sizes[:-1]), *((size, True) for size in sizes[len(sizes) // 2 :])]
    for size, broken in attempts:
        widths = _column_widths(grid, rows, size, broken=broken)
        if sum(widths) <= column.width:
            return Fit(size, range(len(grid.columns)), rows, broken)
    return Fit(size, _columns_that_fit(grid, widths, column.width), rows, broken_headers=True)


def _column_widths(grid: Grid, rows: Places, size: float, *, broken: bool) -> list[float]:
    widths = [size * 1.2] * len(grid.columns)
    for y in rows:
        row = grid.rows[y] if y is not None else []
        for x, cell in enumerate(row):
            if cell in (*row[max(0, x - 1) : x], *row[x + 1 : x + 2]):
                continue
            pieces = header_pieces(cell.text) if broken and y is not None and y < grid.header_rows else [cell.text]
            widths[x] = max(widths[x], *(min(text_width(piece, size), _WIDEST_TEXT) for piece in pieces))
    return [width + 2 * _INSET for width in widths]


def _columns_that_fit(grid: Grid, widths: list[float], room: float) -> Places:
    """Return the columns to print: row headers, then columns taken in turn from both ends."""
    index = list(range(grid.index_columns))
    others = [x for x in range(len(index), len(widths)) if not _is_dots(grid.columns[x])]
    ends = [x for pair in zip(others, reversed(others), strict=True) for x in pair]
    room -= sum(widths[: len(index)]) + _ELLIPSIS_WIDTH
    kept: list[int] = []
    for x in list(dict.fromkeys(ends)):
        room -= widths[x]
        if room < 0 and kept:
            break
        kept.append(x)
    return [*index, *sorted(kept[::2]), None, *sorted(kept[1::2])]


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


def _is_dots(cells: list[Cell]) -> bool:
    """Tell whether pandas put this row or column in place of those that it left out."""
    return bool(cells) and all(cell.text in _DOTS for cell in cells)


@dataclass(frozen=True)
class Placed:
    """A cell to print: its first column among those printed, and its spans."""

    cell: Cell
    x: int
    colspan: int
    rowspan: int


def select(grid: Grid, rows: Places, columns: Places) -> list[list[Placed]]:
    """Return the cells to print, row by row; a cell on both sides of what is left out covers it too."""
    shown = _kept(grid.rows, rows)
    shown = _transposed(_kept(_transposed(shown), columns))
    done: set[tuple[int, int]] = set()
    printed: list[list[Placed]] = []
    for y, row in enumerate(shown):
        printed.append([])
        for x, cell in enumerate(row):
            if (y, x) in done:
                continue
            width = height = 1
            while cell.tag and row[x + width : x + width + 1] == [cell] and (y, x + width) not in done:
                width += 1
            while cell.tag and [below[x : x + width] for below in shown[y + height : y + height + 1]] == [[cell] * width]:
                height += 1
            done.update((y + down, x + across) for down in range(height) for across in range(width))
            printed[-1].append(Placed(cell, x, width, height))
    return printed


def _transposed(lines: list[list[Cell]]) -> list[list[Cell]]:
    return [list(line) for line in zip(*lines, strict=True)]


def _kept(lines: list[list[Cell]], places: Places) -> list[list[Cell]]:
    """Return the lines of these places; in the line that stands for others, only a cell on both sides of it shows."""
    ellipsis = [_ELLIPSIS] * len(lines[0])
    whole = [ellipsis, *(ellipsis if place is None else lines[place] for place in places), ellipsis]
    for at, place in enumerate(places, start=1):
        if place is None:
            both = zip(whole[at - 1], whole[at + 1], strict=True)
            whole[at] = [one if one is other else _ELLIPSIS for one, other in both]
    return whole[1:-1]
