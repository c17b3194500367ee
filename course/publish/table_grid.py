"""The cells of an HTML table on a rectangular grid, from which rows and columns are left out where it is too large."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import Tag

# The HTML standard's own limits on spans are 1000 columns and 65534 rows.
_LARGEST_SPAN = 1000
# Stands in a list of rows or columns for those left out.
ELLIPSIS = -1
_DOTS = ("...", "…")
# What pandas writes under a DataFrame that it has cut.
_SHAPE = re.compile(r"\s*(\d+) rows \u00d7 (\d+) columns\s*")


@dataclass(frozen=True)
class GridCell:
    """A cell of the source table; ``tag`` is None for a place where the table has no cell."""

    tag: Tag | None
    text: str
    header: bool


@dataclass(frozen=True)
class Placed:
    """A cell to print: its index in ``Grid.cells`` or ``ELLIPSIS``, its column in the source, and its spans."""

    cell: int
    column: int
    colspan: int
    rowspan: int


@dataclass(frozen=True)
class Grid:
    """A table: ``owners[row][column]`` is the index in ``cells`` of the cell that covers the place, 0 without one."""

    cells: list[GridCell]
    owners: list[list[int]]
    header_rows: int

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.owners[0]) if self.owners else 0

    @property
    def body_rows(self) -> int:
        """Number of rows below the header."""
        return len(self.owners) - self.header_rows

    def index_columns(self) -> int:
        """Number of leading columns that hold row headers; they are never left out."""
        body = self.owners[self.header_rows :]
        count = 0
        while count < self.columns - 1 and body and all(self.cells[row[count]].header for row in body):
            count += 1
        return count

    def is_spanning(self, row: int, column: int) -> bool:
        """Tell whether the cell that covers the place covers a column beside it too."""
        owners = self.owners[row]
        beside = (*owners[max(0, column - 1) : column], *owners[column + 1 : column + 2])
        return owners[column] != 0 and owners[column] in beside

    def is_dotted_row(self, row: int) -> bool:
        """Tell whether a row only holds the dots by which pandas shows that it left rows out."""
        return all(self.cells[owner].text in _DOTS for owner in self.owners[row])

    def is_dotted_column(self, column: int) -> bool:
        """Tell whether a column only holds the dots by which pandas shows that it left columns out."""
        alone = [row for row in range(len(self.owners)) if not self.is_spanning(row, column)]
        return bool(alone) and all(self.cells[self.owners[row][column]].text in _DOTS for row in alone)


def read_grid(table: Tag) -> Grid:
    """Return the grid of a table; spans that overlap or leave the table are cut."""
    rows = table_rows(table)
    header_rows = sum(1 for row in rows if _is_header(row))
    cells = [GridCell(None, "", header=False)]
    places: dict[tuple[int, int], int] = {}
    for row_number, row in enumerate(rows):
        column = 0
        for tag in row.find_all(["td", "th"], recursive=False):
            while (row_number, column) in places:
                column += 1
            cells.append(GridCell(tag, " ".join(tag.get_text(" ").split()), tag.name == "th"))
            last_row = header_rows if row_number < header_rows else len(rows)
            height = min(_span(tag, "rowspan"), last_row - row_number)
            width = _span(tag, "colspan")
            for y in range(row_number, row_number + height):
                for x in range(column, column + width):
                    places.setdefault((y, x), len(cells) - 1)
            column += width
    columns = max((x + 1 for _, x in places), default=0)
    owners = [[places.get((y, x), 0) for x in range(columns)] for y in range(len(rows))]
    return Grid(cells, owners, header_rows)


def table_rows(table: Tag) -> list[Tag]:
    """Return the ``tr`` elements of a table, without those of the tables that it holds."""
    return [row for row in table.find_all("tr") if row.find_parent("table") is table]


def rows_shown(grid: Grid, most: int, last: int) -> list[int]:
    """Return the rows to show: the header, and at most ``most`` rows of the body, the ``last`` ones among them."""
    header, total = list(range(grid.header_rows)), len(grid.owners)
    if grid.body_rows <= most:
        return list(range(total))
    return [*header, *range(grid.header_rows, grid.header_rows + most - last), ELLIPSIS, *range(total - last, total)]


def columns_shown(grid: Grid, widths: list[float], room: float, mark: float) -> list[int]:
    """Return the columns to show: all if they fit, else row headers, then others taken in turn from both ends.

    Args:
        grid: the table.
        widths: width of each column.
        room: width of the place where the table is shown, in the same unit.
        mark: width of the column that stands for those left out.
    """
    if sum(widths) <= room:
        return list(range(grid.columns))
    index = grid.index_columns()
    others = [column for column in range(index, grid.columns) if not grid.is_dotted_column(column)]
    room -= sum(widths[:index]) + mark
    kept: list[int] = []
    while others:
        column = others.pop(-1 if len(kept) % 2 else 0)
        room -= widths[column]
        if room < 0 and kept:
            others.append(column)
            break
        kept.append(column)
    return [*range(index), *kept[::2], *([ELLIPSIS] if index + len(kept) < grid.columns else []), *kept[1::2][::-1]]


def whole_size(grid: Grid, table: Tag) -> tuple[int, int]:
    """Return the numbers of data rows and columns of the whole table: what pandas says below it, or its own."""
    line = size_line(table)
    found = _SHAPE.fullmatch(line.get_text()) if line is not None else None
    if found:
        return int(found[1]), int(found[2])
    return size_shown(grid, list(range(len(grid.owners))), list(range(grid.columns)))


def size_line(table: Tag) -> Tag | None:
    """Return the paragraph in which pandas says how large the table above is, or None."""
    following = table.find_next_sibling()
    is_size = following is not None and following.name == "p" and _SHAPE.fullmatch(following.get_text())
    return following if is_size else None


def size_shown(grid: Grid, rows: list[int], columns: list[int]) -> tuple[int, int]:
    """Return the numbers of data rows and columns among these, those that only hold dots left out."""
    return (
        sum(row >= grid.header_rows and not grid.is_dotted_row(row) for row in rows),
        sum(column >= grid.index_columns() and not grid.is_dotted_column(column) for column in columns),
    )


def select(grid: Grid, rows: list[int], columns: list[int]) -> list[list[Placed]]:
    """Return the cells to print, row by row; ``ELLIPSIS`` in ``rows`` or ``columns`` stands for those left out.

    A cell that covers both sides of an ellipsis covers the ellipsis too.
    """
    owners = [[_owner(grid, rows, columns, y, x) for x in range(len(columns))] for y in range(len(rows))]
    done: set[tuple[int, int]] = set()
    printed: list[list[Placed]] = []
    for y, row in enumerate(owners):
        printed.append([])
        for x, owner in enumerate(row):
            if (y, x) in done:
                continue
            width, height = _extent(owners, done, y, x) if owner > 0 else (1, 1)
            done.update((y + i, x + j) for i in range(height) for j in range(width))
            printed[-1].append(Placed(owner, columns[x], width, height))
    return printed


def _is_header(row: Tag) -> bool:
    parent = row.parent
    if parent is not None and parent.name == "thead":
        return True
    return parent is not None and parent.name == "table" and row.find("td") is None and row.find_previous("td") is None


def _span(tag: Tag, name: str) -> int:
    value = str(tag.get(name, "1")).strip()
    return min(max(1, int(value)), _LARGEST_SPAN) if value.isascii() and value.isdigit() else 1


def _owner(grid: Grid, rows: list[int], columns: list[int], y: int, x: int) -> int:
    def at(row: int, column: int) -> int:
        inside = 0 <= row < len(rows) and 0 <= column < len(columns)
        if not inside or ELLIPSIS in (rows[row], columns[column]):
            return ELLIPSIS
        return grid.owners[rows[row]][columns[column]]

    if rows[y] == ELLIPSIS:
        above, below = at(y - 1, x), at(y + 1, x)
    elif columns[x] == ELLIPSIS:
        above, below = at(y, x - 1), at(y, x + 1)
    else:
        return at(y, x)
    return above if above == below and above > 0 else ELLIPSIS


def _extent(owners: list[list[int]], done: set[tuple[int, int]], y: int, x: int) -> tuple[int, int]:
    owner, width, height = owners[y][x], 1, 1
    while x + width < len(owners[y]) and owners[y][x + width] == owner and (y, x + width) not in done:
        width += 1
    while y + height < len(owners) and owners[y + height][x : x + width] == [owner] * width:
        height += 1
    return width, height
