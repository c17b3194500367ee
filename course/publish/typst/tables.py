"""Set HTML tables: DataFrames, Styler tables, markdown tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from course.publish.table_grid import (
    ELLIPSIS,
    Grid,
    GridCell,
    Placed,
    read_grid,
    select,
    size_line,
    size_shown,
    whole_size,
)
from course.publish.typst.markup import EMPTY, array, block, call, literal, points
from course.publish.typst.stylesheet import Declarations, Look, look_of
from course.publish.typst.table_fit import Fit, fit_table, header_pieces, is_number, numeric_columns

if TYPE_CHECKING:
    from bs4 import Tag

    from course.publish.typst.parts import Context

Walk = Callable[["Tag"], str]


def table(tag: Tag, context: Context, rules: dict[str, Declarations], walk: Walk) -> str:
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
    fit = fit_table(grid, context.layout)
    caption = tag.find("caption", recursive=False)
    return call(
        "data-table",
        array(_Setter(grid, fit, rules, walk).rows()),
        columns=str(len(fit.columns)),
        header=str(sum(1 for row in fit.rows if 0 <= row < grid.header_rows)),
        size=points(fit.size),
        note=_omission(tag, grid, fit, context),
        caption=walk(caption) if caption is not None else None,
    )


class _Setter:
    """Sets the cells of one table."""

    def __init__(self, grid: Grid, fit: Fit, rules: dict[str, Declarations], walk: Walk) -> None:
        self.grid, self.fit, self.rules, self.walk = grid, fit, rules, walk
        self.numeric = numeric_columns(grid)

    def rows(self) -> list[str]:
        """Return an array of cells for each printed row."""
        return [
            array(self._row(row, place)) for place, row in enumerate(select(self.grid, self.fit.rows, self.fit.columns))
        ]

    def _row(self, row: list[Placed], place: int) -> list[str]:
        in_header = 0 <= self.fit.rows[place] < self.grid.header_rows
        return [self._cell(placed, in_header=in_header) for placed in row]

    def _cell(self, placed: Placed, *, in_header: bool) -> str:
        if placed.cell == ELLIPSIS:
            return call("table.cell", literal("…"), align="center")
        cell = self.grid.cells[placed.cell]
        look = look_of(cell.tag, self.rules) if cell.tag is not None else Look()
        content = self._content(cell, look, in_header=in_header)
        return call(
            "table.cell",
            content,
            colspan=str(placed.colspan) if placed.colspan > 1 else None,
            rowspan=str(placed.rowspan) if placed.rowspan > 1 else None,
            fill=look.fill,
            align=self._align(placed, cell, look),
        )

    def _align(self, placed: Placed, cell: GridCell, look: Look) -> str:
        asked = look.align or (str(cell.tag.get("align", "")) if cell.tag is not None else "")
        if placed.colspan > 1:
            return "center"
        if asked in ("left", "center", "right"):
            return asked
        return "right" if self.numeric[placed.column] or (not cell.header and is_number(cell.text)) else "left"

    def _content(self, cell: GridCell, look: Look, *, in_header: bool) -> str:
        if cell.tag is None or look.hidden:
            return EMPTY
        if in_header and self.fit.broken_headers and cell.tag.find(True) is None:
            content = block([part for piece in header_pieces(cell.text) for part in (literal(piece), "may-break")])
        else:
            content = self.walk(cell.tag)
        bold = look.bold if look.bold is not None else cell.header
        weight = '"bold"' if bold else None
        if look.color or weight or look.italic:
            content = call("text", content, fill=look.color, weight=weight, style='"italic"' if look.italic else None)
        return content


def _omission(tag: Tag, grid: Grid, fit: Fit, context: Context) -> str | None:
    total_rows, total_columns = whole_size(grid, tag)
    rows, columns = size_shown(grid, fit.rows, fit.columns)
    line = size_line(tag)
    notes = [line.get_text().strip()] if line is not None else []
    if total_rows > rows:
        notes.append(context.captions.rows_omitted.format(count=total_rows - rows, total=total_rows))
    if total_columns > columns:
        notes.append(context.captions.columns_omitted.format(count=total_columns - columns, total=total_columns))
    return literal(" · ".join(notes)) if notes else None
