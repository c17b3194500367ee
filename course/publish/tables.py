"""Give each table a box it can scroll in, and on a slide cut it to what the eye can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from course.publish.table_grid import (
    ELLIPSIS,
    Grid,
    Placed,
    columns_shown,
    read_grid,
    rows_shown,
    select,
    size_line,
    size_shown,
    table_rows,
    whole_size,
)

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

    from course.publish.page import Page


@dataclass(frozen=True)
class TableLimits:
    """The largest table shown whole: number of body rows, width in characters of its widest cells.

    Where the text of cells is folded, ``folded``, a column is as wide as its longest word.
    """

    rows: int
    characters: int
    folded: bool = False


def frame_tables(fragment: BeautifulSoup, page: Page, limits: TableLimits | None = None) -> None:
    """Put each table in a region that scrolls, reachable by keyboard, named by its number and size."""
    for style in fragment.find_all("style", attrs={"scoped": True}):
        style.decompose()  # pandas' own look, which fights with the page's
    for table in fragment.find_all("table"):
        if table.find_parent("table"):
            continue
        page.tables += 1
        grid = read_grid(table)
        notice = _cut(fragment, table, grid, limits) if limits else ""
        del table["border"]
        box = table.wrap(fragment.new_tag("div", attrs={"class": _classes(fragment, table)}))
        label = f"Table {page.tables}: {len(grid.owners)} rows, {grid.columns} columns"
        box.attrs |= {"role": "region", "tabindex": "0", "aria-label": label}
        if notice:
            line = fragment.new_tag("p", attrs={"class": "notice"})
            line.string = notice
            box.insert_after(line)


def _classes(fragment: BeautifulSoup, table: Tag) -> str:
    # A table with colours of its own was made for a white page: it keeps one in the dark.
    own = str(table.get("id", "")).startswith("T_") and fragment.find("style") is not None
    painted = any("background" in str(cell["style"]) for cell in table.find_all(["td", "th"], style=True))
    return "table own-colours" if own or painted else "table"


def _cut(fragment: BeautifulSoup, table: Tag, grid: Grid, limits: TableLimits) -> str:
    """Leave out the middle rows and columns that exceed the limits; return the sentence that says so."""
    whole = whole_size(grid, table)
    rows = rows_shown(grid, limits.rows, limits.rows // 3)
    columns = columns_shown(grid, _widths(grid, limits), limits.characters, mark=3)
    said_by_pandas = size_line(table)
    if said_by_pandas is not None:
        said_by_pandas.decompose()
    if ELLIPSIS in rows or ELLIPSIS in columns:
        _keep(fragment, table, grid, rows, columns)
    sizes = zip(size_shown(grid, rows, columns), whole, ("rows", "columns"), strict=True)
    said = [f"{few} of {all_} {name}" for few, all_, name in sizes if few != all_]
    return f"{', '.join(said)} shown" if said else ""


def _widths(grid: Grid, limits: TableLimits) -> list[float]:
    """Return the widths of the columns in characters, of which a capital is worth one and a quarter."""
    widths = [2.0] * grid.columns
    for row, owners in enumerate(grid.owners):
        for column, owner in enumerate(owners):
            if not grid.is_spanning(row, column):
                text = grid.cells[owner].text
                pieces = text.split() if limits.folded else [text]
                wide = max((len(piece) + sum(map(str.isupper, piece)) / 4 for piece in pieces), default=0)
                widths[column] = max(widths[column], wide + 2)
    return widths


def _keep(fragment: BeautifulSoup, table: Tag, grid: Grid, rows: list[int], columns: list[int]) -> None:
    elements = table_rows(table)
    above = elements[0]
    for number, cells in zip(rows, select(grid, rows, columns), strict=True):
        row = fragment.new_tag("tr") if number == ELLIPSIS else elements[number]
        if number == ELLIPSIS:
            above.insert_after(row)
        row.clear()
        row.extend([_shown(fragment, grid, placed, in_header=0 <= number < grid.header_rows) for placed in cells])
        above = row
    for number in set(range(len(elements))).difference(rows):
        elements[number].decompose()


def _shown(fragment: BeautifulSoup, grid: Grid, placed: Placed, *, in_header: bool) -> Tag:
    cell = grid.cells[placed.cell].tag if placed.cell != ELLIPSIS else None
    if cell is None:
        is_label = in_header or 0 <= placed.column < grid.index_columns()
        cell = fragment.new_tag("th" if is_label else "td", string="…" if placed.cell == ELLIPSIS else "")
    for name, span in (("colspan", placed.colspan), ("rowspan", placed.rowspan)):
        if span > 1 or cell.has_attr(name):
            cell[name] = str(span)
    return cell
