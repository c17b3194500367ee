"""The sizes that decide what fits: A4 article, and slides at each step of shrinking."""

from __future__ import annotations

from dataclasses import dataclass

# Advance of a DejaVu Sans Mono character, in ems (the font's own metrics: 1233 units of 2048).
MONOSPACE_ADVANCE = 1233 / 2048
CODE_INSET = 7.0


@dataclass(frozen=True)
class Layout:
    """What fits in a column of text; lengths and font sizes are in points.

    Attributes:
        text_width: width of the column.
        text_size: size of the running text.
        code_size: size of code and of text outputs.
        code_lines: longest code cell, in printed lines; longer ones are cut in the middle.
        output_lines: longest text output, in printed lines; longer ones are cut in the middle.
        table_sizes: font sizes tried for a table, largest first.
        table_rows: longest table, in rows of the body; longer ones are cut in the middle.
        image_height: tallest picture.
    """

    text_width: float
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
        return int((self.text_width - 2 * CODE_INSET) / (self.code_size * MONOSPACE_ADVANCE))


ARTICLE = Layout(
    text_width=595.28 - 2 * 68,
    text_size=11,
    code_size=8.25,
    code_lines=400,
    output_lines=60,
    table_sizes=(9, 8.5, 8, 7.5, 7),
    table_rows=60,
    image_height=280,
)

# 13.333 x 7.5 inches, the usual wide slide; the height available is the page less its margins.
SLIDE_WIDTH, SLIDE_HEIGHT = 960.0, 540.0
SLIDE_MARGIN_X, SLIDE_MARGIN_TOP, SLIDE_MARGIN_BOTTOM = 54.0, 38.0, 40.0


def _slide(scale: float, lines: int, rows: int, picture: float) -> Layout:
    return Layout(
        text_width=SLIDE_WIDTH - 2 * SLIDE_MARGIN_X,
        text_size=23 * scale,
        code_size=16 * scale,
        code_lines=2 * lines,
        output_lines=lines,
        table_sizes=tuple(size * scale for size in (20, 18, 16, 14, 13)),
        table_rows=rows,
        image_height=picture,
    )


# Shrink the type a little at a time; when it would be too small to read in a room, cut more instead.
SLIDE_STEPS: tuple[Layout, ...] = (
    _slide(1.0, 18, 10, 400),
    _slide(0.9, 18, 10, 370),
    _slide(0.8, 18, 10, 340),
    _slide(0.72, 18, 10, 300),
    _slide(0.72, 13, 7, 260),
    _slide(0.66, 10, 5, 220),
    _slide(0.6, 7, 4, 160),
    _slide(0.5, 5, 3, 120),
)

# The column of notes beside a slide on the A4 handout.
NOTES = Layout(
    text_width=207,
    text_size=10,
    code_size=7,
    code_lines=20,
    output_lines=14,
    table_sizes=(8, 7.5, 7),
    table_rows=10,
    image_height=140,
)
