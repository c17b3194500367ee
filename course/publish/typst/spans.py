"""Monospaced lines made of styled spans: wrapped to a width and cut in the middle before they are printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from course.publish.typst.markup import block, call, color, literal


@dataclass(frozen=True)
class Style:
    """How a run of characters looks; colours are ``#rrggbb``, ``None`` is the default."""

    color: str | None = None
    background: str | None = None
    bold: bool = False
    italic: bool = False
    underline: bool = False


PLAIN = Style()
Cell = tuple[str, Style]
# A cut that saves less than this is not worth its notice.
_TOLERANCE = 1.15
Line = Sequence[Cell]


def cells(text: str, style: Style = PLAIN) -> list[list[Cell]]:
    """Return the lines of ``text``, a cell per character, tabs expanded to 8 columns."""
    return [[(character, style) for character in line.expandtabs(8)] for line in text.split("\n")]


def wrap(lines: Iterable[Line], columns: int, *, hanging: bool = False) -> list[Line]:
    """Break every line longer than ``columns`` characters, where it reads best near its end or else anywhere.

    Args:
        lines: the lines to print.
        columns: characters that fit on a line.
        hanging: indent what follows a break four columns more than the line it continues, as code is.
    """
    wrapped: list[Line] = []
    for line in lines:
        rest = list(line)
        indent = [(" ", PLAIN)] * min(_indentation(line) + 4, columns // 2) if hanging else []
        while len(rest) > columns:
            at = _break_position(rest, columns)
            wrapped.append(rest[:at])
            rest = indent + rest[at:]
        wrapped.append(rest)
    return wrapped


def _indentation(line: Line) -> int:
    return next((at for at, (character, _) in enumerate(line) if character != " "), 0)


def _break_position(line: Line, columns: int) -> int:
    nearest = range(columns, columns * 2 // 3, -1)
    for after in (" ", ",;([{", ")]}.=+-*/&|:_"):
        for at in nearest:
            if line[at - 1][0] in after:
                return at
    return columns


def cut_middle(lines: Sequence[Line], limit: int) -> tuple[Sequence[Line], int, Sequence[Line]]:
    """Return the first lines, how many are left out, and the last lines, ``limit`` lines in all.

    Lines a little over the limit are all kept. A third of the lines kept are the last ones: that is
    where a result or an error is.
    """
    if len(lines) <= limit * _TOLERANCE:
        return lines, 0, []
    tail = max(1, limit // 3)
    head = limit - tail
    return lines[:head], len(lines) - limit, lines[len(lines) - tail :]


def markup(lines: Iterable[Line]) -> str:
    """Return the lines as one Typst expression, a ``linebreak()`` between them."""
    printed: list[str] = []
    for line in lines:
        if printed:
            printed.append("linebreak()")
        runs = groupby(line, key=lambda cell: cell[1])
        printed += [_run("".join(character for character, _ in run), style) for style, run in runs]
    return block(printed)


def _run(text: str, style: Style) -> str:
    expression = literal(text)
    if style != PLAIN:
        weight = '"bold"' if style.bold else None
        slant = '"italic"' if style.italic else None
        expression = call("text", expression, fill=color(style.color), weight=weight, style=slant)
    if style.underline:
        expression = call("underline", expression)
    if style.background:
        expression = call("swatch", color(style.background) or "", expression)
    return expression
