"""Give each table a box it can scroll in, and on a slide cut it to what the eye can read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

    from course.publish.page import Page

_ELLIPSIS = {"...", "…"}
_PRINTED_SIZE = re.compile(r"(\d+) rows \u00d7 (\d+) columns")


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
        rows = _rows(table)
        columns = max((len(row) for row in rows), default=0)
        notice = _cap(fragment, table, limits) if limits else ""
        del table["border"]
        box = table.wrap(fragment.new_tag("div", attrs={"class": _classes(fragment, table)}))
        label = f"Table {page.tables}: {len(rows)} rows, {columns} columns"
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


def _rows(table: Tag) -> list[list[Tag]]:
    return [row.find_all(["th", "td"], recursive=False) for row in table.find_all("tr")]


def _cap(fragment: BeautifulSoup, table: Tag, limits: TableLimits) -> str:
    """Cut the middle rows and columns of a table without spans; return the sentence that says so."""
    rows = _rows(table)
    if len({len(row) for row in rows}) != 1 or any(_spans(cell) for row in rows for cell in row):
        return ""
    whole = _printed_size(table) or _size(table)
    _cut_columns(fragment, rows, limits)
    _cut_rows(table, limits.rows)
    shown = _size(table)
    sizes = zip(shown, whole, ("rows", "columns"), strict=True)
    said = [f"{few} of {all_} {name}" for few, all_, name in sizes if few != all_]
    return f"{', '.join(said)} shown" if said else ""


def _spans(cell: Tag) -> bool:
    return any(cell.get(span, "1") != "1" for span in ("colspan", "rowspan"))


def _printed_size(table: Tag) -> tuple[int, int] | None:
    """Return the size that pandas prints under a table it has already cut, and remove that line."""
    line = table.find_next_sibling("p")
    found = _PRINTED_SIZE.fullmatch(line.get_text(strip=True)) if line is not None else None
    if line is None or found is None:
        return None
    line.decompose()
    return int(found[1]), int(found[2])


def _size(table: Tag) -> tuple[int, int]:
    """Return the numbers of data rows and data columns, those that only hold an ellipsis left out."""
    rows = _rows(table)
    body = [row for row in rows if row and not row[0].find_parent("thead")]
    labels = sum(cell.name == "th" for cell in body[0]) if body else 0
    columns = [cell for cell in rows[0][labels:] if cell.get_text(strip=True) not in _ELLIPSIS]
    return sum(row[0].get_text(strip=True) not in _ELLIPSIS for row in body), len(columns)


def _cut_columns(fragment: BeautifulSoup, rows: list[list[Tag]], limits: TableLimits) -> None:
    widths = [max(_width(row[place], limits) for row in rows) + 2 for place in range(len(rows[0]))]
    kept = _from_both_ends(widths, limits.characters)
    cut = [place for place in range(len(widths)) if place not in kept]
    for row in rows if cut else []:
        mark = fragment.new_tag(row[cut[0]].name)
        mark.string = "…"
        row[cut[0]].insert_before(mark)
        for place in cut:
            row[place].extract()


def _width(cell: Tag, limits: TableLimits) -> float:
    """Return the width of a cell in characters, of which a capital is worth one and a quarter."""
    text = cell.get_text().strip()
    pieces = text.split() if limits.folded else [text]
    return max((len(piece) + sum(map(str.isupper, piece)) / 4 for piece in pieces), default=0)


def _cut_rows(table: Tag, most: int) -> None:
    body = [row for row in table.find_all("tr") if not row.find_parent("thead")]
    if len(body) <= most:
        return
    cut = body[most - most // 3 : len(body) - most // 3]
    for cell in cut[0].find_all(["th", "td"]):
        cell.string = "…"
    for row in cut[1:]:
        row.decompose()


def _from_both_ends(widths: list[float], most: int) -> set[int]:
    """Return the places kept when the middle is cut so that the sum of the widths stays under ``most``."""
    kept: set[int] = set()
    total = 0.0
    ends = [place for pair in zip(range(len(widths)), reversed(range(len(widths))), strict=True) for place in pair]
    for place in dict.fromkeys(ends):
        total += widths[place]
        if total > most and kept:
            break
        kept.add(place)
    return kept
