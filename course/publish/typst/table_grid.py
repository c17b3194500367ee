"""The cells of an HTML table on a rectangular grid, from which rows and columns can be left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import Tag

# The HTML standard's own limits on spans are 1000 columns and 65534 rows.
_LARGEST_SPAN = 1000
ELLIPSIS = -1


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
    """A table: ``owners[row][column]`` is the index in ``cells`` of the cell that covers the place."""

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


def read_grid(table: Tag) -> Grid:
    """Return the grid of a table; spans that overlap or leave the table are cut."""
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
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
