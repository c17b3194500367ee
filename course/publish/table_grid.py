"""HTML tables: their cells on a rectangular grid, what is left out of one too large, and the box a page gives each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

# The HTML standard's own limits on spans are 1000 columns and 65534 rows.
_LARGEST_SPAN = 1000
_DOTS = ("...", "…")
# What pandas writes under a DataFrame that it has cut.
_SHAPE = re.compile(r"\s*(\d+) rows \u00d7 (\d+) columns\s*")
# Rows or columns to show, by number; None stands for those left out.
Places = Sequence[int | None]


@dataclass(frozen=True, eq=False)
class Cell:
    """A cell, in the grid once for each place that it covers; ``tag`` is None where the table has no cell."""

    tag: Tag | None
    text: str = ""
    header: bool = False


NO_CELL, ELLIPSIS = Cell(None), Cell(None, "…")


@dataclass(frozen=True)
class Placed:
    """A cell to print: its column in the source (None for those left out) and its spans."""

    cell: Cell
    column: int | None
    colspan: int
    rowspan: int


@dataclass(frozen=True)
class Grid:
    """A table as rows of cells, the first of which are its header."""

    rows: list[list[Cell]]
    header_rows: int

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.rows[0]) if self.rows else 0

    def index_columns(self) -> int:
        """Number of leading columns that hold row headers; they are never left out."""
        body = self.rows[self.header_rows :]
        count = 0
        while count < self.columns - 1 and body and all(row[count].header for row in body):
            count += 1
        return count

    def is_spanning(self, row: int, column: int) -> bool:
        """Tell whether the cell that covers the place covers a column beside it too."""
        cells = self.rows[row]
        beside = (*cells[max(0, column - 1) : column], *cells[column + 1 : column + 2])
        return cells[column] is not NO_CELL and cells[column] in beside

    def is_dotted_row(self, row: int) -> bool:
        """Tell whether a row only holds the dots by which pandas shows that it left rows out."""
        return all(cell.text in _DOTS for cell in self.rows[row])

    def is_dotted_column(self, column: int) -> bool:
        """Tell whether a column only holds the dots by which pandas shows that it left columns out."""
        alone = [row[column] for y, row in enumerate(self.rows) if not self.is_spanning(y, column)]
        return bool(alone) and all(cell.text in _DOTS for cell in alone)

    def widths(self, rows: Places, narrowest: float, width_of: Callable[[str, bool], float]) -> list[float]:
        """Return the widths of the columns: of a cell's text, given whether it is in the header, where none spans."""
        widths = [narrowest] * self.columns
        for y in rows:
            for x, cell in enumerate(self.rows[y] if y is not None else []):
                if y is not None and not self.is_spanning(y, x):
                    widths[x] = max(widths[x], width_of(cell.text, y < self.header_rows))
        return widths


@dataclass(frozen=True)
class TableLimits:
    """The largest table shown whole: body rows, and characters; a ``folded`` column is as wide as its longest word."""

    rows: int
    characters: int
    folded: bool = False


def read_grid(table: Tag) -> Grid:
    """Return the grid of a table; spans that overlap or leave the table are cut."""
    rows = table_rows(table)
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
    columns = max((x + 1 for _, x in places), default=0)
    return Grid([[places.get((y, x), NO_CELL) for x in range(columns)] for y in range(len(rows))], header_rows)


def table_rows(table: Tag) -> list[Tag]:
    """Return the ``tr`` elements of a table, without those of the tables that it holds."""
    return [row for row in table.find_all("tr") if row.find_parent("table") is table]


def rows_shown(grid: Grid, most: int, last: int) -> list[int | None]:
    """Return the rows to show: the header, and at most ``most`` rows of the body, the ``last`` ones among them."""
    rows: list[int | None] = list(range(len(grid.rows)))
    if len(rows) - grid.header_rows > most:
        rows[grid.header_rows + most - last : len(rows) - last] = [None]
    return rows


def columns_shown(grid: Grid, widths: list[float], room: float, mark: float) -> list[int | None]:
    """Return the columns to show: all if they fit, else row headers, then others taken in turn from both ends.

    ``mark`` is the width, in the unit of the others and of ``room``, of the column that stands for those left out.
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
    return [*range(index), *kept[::2], *([None] if index + len(kept) < grid.columns else []), *kept[1::2][::-1]]


def whole_size(grid: Grid, table: Tag) -> tuple[int, int]:
    """Return the numbers of data rows and columns of the whole table: what pandas says below it, or its own."""
    line = size_line(table)
    found = _SHAPE.fullmatch(line.get_text()) if line is not None else None
    if found:
        return int(found[1]), int(found[2])
    return size_shown(grid, range(len(grid.rows)), range(grid.columns))


def size_line(table: Tag) -> Tag | None:
    """Return the paragraph in which pandas says how large the table above is, or None."""
    following = table.find_next_sibling()
    is_size = following is not None and following.name == "p" and _SHAPE.fullmatch(following.get_text())
    return following if is_size else None


def size_shown(grid: Grid, rows: Places, columns: Places) -> tuple[int, int]:
    """Return the numbers of data rows and columns among these, those that only hold dots left out."""
    index = grid.index_columns()
    return (
        sum(y is not None and y >= grid.header_rows and not grid.is_dotted_row(y) for y in rows),
        sum(x is not None and x >= index and not grid.is_dotted_column(x) for x in columns),
    )


def select(grid: Grid, rows: Places, columns: Places) -> list[list[Placed]]:
    """Return the cells to print, row by row; a cell on both sides of what is left out covers it too."""
    by_row = _chosen(grid.rows, rows)
    by_column = _chosen([[row[x] for row in by_row] for x in range(grid.columns)], columns)
    cells = [[column[y] for column in by_column] for y in range(len(rows))]
    done: set[tuple[int, int]] = set()
    printed: list[list[Placed]] = []
    for y, row in enumerate(cells):
        printed.append([])
        for x, cell in enumerate(row):
            if (y, x) in done:
                continue
            width = height = 1
            while cell.tag and row[x + width : x + width + 1] == [cell] and (y, x + width) not in done:
                width += 1
            while cell.tag and [below[x : x + width] for below in cells[y + height : y + height + 1]] == [
                [cell] * width
            ]:
                height += 1
            done.update((y + down, x + across) for down in range(height) for across in range(width))
            printed[-1].append(Placed(cell, columns[x], width, height))
    return printed


def _chosen(lines: list[list[Cell]], places: Places) -> list[list[Cell]]:
    """Return the lines of these places; in the line that stands for others, only a cell on both sides of it shows."""
    chosen = []
    for before, place, after in zip([None, *places], places, [*places[1:], None], strict=False):
        if place is not None:
            chosen.append(lines[place])
        elif before is None or after is None:
            chosen.append([ELLIPSIS] * len(lines[0]))
        else:
            both = zip(lines[before], lines[after], strict=True)
            chosen.append([one if one is other and one is not NO_CELL else ELLIPSIS for one, other in both])
    return chosen


def frame_tables(fragment: BeautifulSoup, numbers: Iterator[int], limits: TableLimits | None) -> None:
    """Put each table in a region that scrolls, reachable by keyboard, named by its number and size.

    ``numbers`` gives the number of the next table. Without ``limits`` every table is shown whole.
    """
    for style in fragment.find_all("style", attrs={"scoped": True}):
        style.decompose()  # pandas' own look, which fights with the page's
    styled = fragment.find("style") is not None
    for table in fragment.find_all("table"):
        if table.find_parent("table"):
            continue
        grid = read_grid(table)
        notice = _cut(fragment, table, grid, limits) if limits else ""
        del table["border"]
        # A table with colours of its own was made for a white page: it keeps one in the dark.
        painted = any("background" in str(cell["style"]) for cell in table.find_all(["td", "th"], style=True))
        own = painted or (styled and str(table.get("id", "")).startswith("T_"))
        box = table.wrap(fragment.new_tag("div", attrs={"class": "table own-colours" if own else "table"}))
        label = f"Table {next(numbers)}: {len(grid.rows)} rows, {grid.columns} columns"
        box.attrs |= {"role": "region", "tabindex": "0", "aria-label": label}
        if notice:
            box.insert_after(fragment.new_tag("p", attrs={"class": "notice"}, string=notice))


def _is_header(row: Tag) -> bool:
    parent = row.parent
    if parent is not None and parent.name == "thead":
        return True
    return parent is not None and parent.name == "table" and row.find("td") is None and row.find_previous("td") is None


def _span(tag: Tag, name: str) -> int:
    value = str(tag.get(name, "1")).strip()
    return min(max(1, int(value)), _LARGEST_SPAN) if value.isascii() and value.isdigit() else 1


def _cut(fragment: BeautifulSoup, table: Tag, grid: Grid, limits: TableLimits) -> str:
    """Leave out the middle rows and columns that exceed the limits; return the sentence that says so."""

    def width_of(text: str, _in_header: bool) -> float:
        """Return a width in characters, of which a capital is worth one and a quarter."""
        pieces = text.split() if limits.folded else [text]
        return max((len(piece) + sum(map(str.isupper, piece)) / 4 for piece in pieces), default=0) + 2

    whole = whole_size(grid, table)
    rows = rows_shown(grid, limits.rows, limits.rows // 3)
    columns = columns_shown(grid, grid.widths(range(len(grid.rows)), 2.0, width_of), limits.characters, mark=3)
    said_by_pandas = size_line(table)
    if said_by_pandas is not None:
        said_by_pandas.decompose()
    if None in rows or None in columns:
        _keep(fragment, table, grid, rows, columns)
    sizes = zip(size_shown(grid, rows, columns), whole, ("rows", "columns"), strict=True)
    said = [f"{few} of {all_} {name}" for few, all_, name in sizes if few != all_]
    return f"{', '.join(said)} shown" if said else ""


def _keep(fragment: BeautifulSoup, table: Tag, grid: Grid, rows: Places, columns: Places) -> None:
    elements, index = table_rows(table), grid.index_columns()
    above = elements[0]
    for number, placed in zip(rows, select(grid, rows, columns), strict=True):
        row = fragment.new_tag("tr") if number is None else elements[number]
        if number is None:
            above.insert_after(row)
        row.clear()
        in_header = number is not None and number < grid.header_rows
        for one in placed:
            is_label = in_header or (one.column is not None and one.column < index)
            cell = one.cell.tag or fragment.new_tag("th" if is_label else "td", string=one.cell.text)
            for name, span in (("colspan", one.colspan), ("rowspan", one.rowspan)):
                if span > 1 or cell.has_attr(name):
                    cell[name] = str(span)
            row.append(cell)
        above = row
    for number in set(range(len(elements))).difference(rows):
        elements[number].decompose()
