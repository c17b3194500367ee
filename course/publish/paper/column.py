"""The column a cell is set in: the sizes that decide what fits, the words printed there, what the document gathers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from course.publish.paper.compiler import Parts

# Advance of a DejaVu Sans Mono character, in ems (the font's own metrics: 1233 units of 2048).
_MONOSPACE_ADVANCE = 1233 / 2048
_CODE_INSET = 7.0


@dataclass(frozen=True)
class Column:
    """What fits in a column of text; lengths and font sizes are in points.

    Code cells and text outputs of more printed lines than ``code_lines`` and ``output_lines``, and tables of more rows
    than ``table_rows``, are cut in the middle. For a table, the sizes are tried largest first.
    """

    width: float
    text_size: float
    code_size: float
    code_lines: int
    output_lines: int
    table_sizes: tuple[float, ...]
    table_rows: int
    image_height: float

    @property
    def code_columns(self) -> int:
        """Characters of code on a line."""
        return int((self.width - 2 * _CODE_INSET) / (self.code_size * _MONOSPACE_ADVANCE))


ARTICLE = Column(595.28 - 2 * 68, 11, 8.25, 400, 60, (9, 8.5, 8, 7.5, 7), table_rows=60, image_height=280)
# Beside a slide, on the A4 handout.
NOTES = Column(207, 10, 7, 20, 14, (8, 7.5, 7), table_rows=10, image_height=140)

# 13.333 x 7.5 inches, the usual wide slide; the room is the height of the page less its margins.
SLIDE_PAGE = {"width": "960pt", "margin": "(x: 54pt, top: 38pt, bottom: 40pt)"}
SLIDE_HEIGHT, SLIDE_TOP, SLIDE_ROOM = 540.0, 38.0, 540.0 - 38 - 40


def _slide(scale: float, lines: int, rows: int, picture: float) -> Column:
    table_sizes = tuple(size * scale for size in (20, 18, 16, 14, 13))
    return Column(960 - 2 * 54, 23 * scale, 16 * scale, 2 * lines, lines, table_sizes, rows, picture)


# Shrink the type a little at a time; when it would be too small to read in a room, cut more instead.
SLIDE_STEPS: tuple[Column, ...] = (
    _slide(1.0, 18, 10, 400),
    _slide(0.9, 18, 10, 370),
    _slide(0.8, 18, 10, 340),
    _slide(0.72, 18, 10, 300),
    _slide(0.72, 13, 7, 260),
    _slide(0.66, 10, 5, 220),
    _slide(0.6, 7, 4, 160),
    _slide(0.5, 5, 3, 120),
)

_ENGLISH = {
    "contents": "Contents",
    "slide": "Slide {number}",
    "lines_omitted": "{count} lines not shown",
    "rows_omitted": "{count} of {total} rows not shown",
    "columns_omitted": "{count} of {total} columns not shown",
    "missing_image": "image not found: {name}",
    "no_text": "output shown in the notebook only ({kinds})",
}
_FRENCH = {
    "contents": "Sommaire",
    "slide": "Diapositive {number}",
    "lines_omitted": "{count} lignes non montrées",
    "rows_omitted": "{count} lignes non montrées sur {total}",
    "columns_omitted": "{count} colonnes non montrées sur {total}",
    "missing_image": "image introuvable : {name}",
    "no_text": "résultat visible dans le notebook seulement ({kinds})",
}


@dataclass(frozen=True)
class Context:
    """All that the setting of a cell needs beside the cell.

    Attributes:
        folder: where the relative addresses of images start.
        language: ``fr`` or ``en``, the language of the words that the document adds.
        code_language: Pygments name of the language of the code cells.
        anchors: headings that can be linked to.
        heading_offset: subtracted from the level of every heading.
    """

    parts: Parts
    folder: Path
    language: str = "en"
    code_language: str = "ipython3"
    column: Column = ARTICLE
    anchors: frozenset[str] = frozenset()
    heading_offset: int = 0

    def words(self, caption: str, **values: object) -> str:
        """Return a caption in the language of the document."""
        return (_FRENCH if self.language == "fr" else _ENGLISH)[caption].format(**values)
