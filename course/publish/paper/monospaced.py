"""Code and text outputs: coloured, wrapped to the width of the column, cut in the middle where they are too long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from itertools import groupby
from typing import TYPE_CHECKING

from nbconvert.filters import ansi2html
from pygments import lex
from pygments.lexers import get_lexer_by_name
from pygments.styles import get_style_by_name
from pygments.util import ClassNotFound

from course.publish.paper.compiler import EMPTY, block, boolean, call, literal, points, styled

if TYPE_CHECKING:
    from course.publish.paper.column import Context

# Dark enough on a light background for every kind of token.
_PYGMENTS_STYLE = "xcode"
_SQL_MAGIC = re.compile(r"%%sql\w*", re.IGNORECASE)
# What nbconvert writes for the colours of a terminal: spans that are never nested.
_SPAN = re.compile(r"<span(?P<look>[^>]*)>(?P<coloured>[^<]*)</span>|(?P<plain>[^<]+)")
_NAMED = re.compile(r"ansi-(black|red|green|yellow|blue|magenta|cyan|white)(-intense)?-(fg|bg)")
_CHANNELS = re.compile(r"(?<![-\w])(background-)?color: rgb\((\d+),(\d+),(\d+)\)")
# The colours of JupyterLab's own outputs, darkened where white paper needs it.
_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_BASE = ("#3e424d", "#c73329", "#007427", "#946010", "#1a70c0", "#a03196", "#147f7e", "#6a6f73")
_INTENSE = ("#282c36", "#b22b31", "#00652b", "#7e510c", "#0065ca", "#8a2a84", "#14695f", "#4e5359")
_BACKGROUND = ("#3e424d", "#f5b7b1", "#b5e8c3", "#f7e0a3", "#b9d9f7", "#ecc4e8", "#b6e6e4", "#e3e5e8")
# Lines read at each end of an output, far more than any page shows.
_END_LINES = 1000
# A cut that saves less than this is not worth its notice.
_TOLERANCE = 1.15


@dataclass(frozen=True)
class Style:
    """How a run of characters looks; colours are ``#rrggbb``, ``None`` is the default."""

    color: str | None = None
    background: str | None = None
    bold: bool = False
    italic: bool = False
    underline: bool = False


PLAIN = Style()
Line = Sequence[tuple[str, Style]]


def code_cell(source: str, prompt: str | None, context: Context, *, leads: bool = False) -> str:
    """Return the input of a code cell, with its discreet prompt; ``leads`` keeps it on the page of what follows."""
    if not source.strip():
        return EMPTY
    number = literal(f"[{prompt}]") if prompt else None
    body, size = _code(source, context.code_language, context), points(context.column.code_size)
    return call("code-cell", body, size=size, prompt=number, leads=boolean(leads))


def code_block(source: str, language: str, context: Context) -> str:
    """Return a block of code of a text cell."""
    return call("code-block", _code(source.rstrip("\n"), language, context), size=points(context.column.code_size))


def text_output(text: str, context: Context, kind: str = "result") -> str:
    """Return a text output; ``kind`` is ``result``, ``stream``, ``stderr`` or ``error``."""
    lines, skipped = text.split("\n"), 0
    if len(lines) > 4 * _END_LINES:
        skipped = len(lines) - 2 * _END_LINES
        lines = lines[:_END_LINES] + lines[-_END_LINES:]
    wrapped = wrap(read_terminal("\n".join(lines)), context.column.code_columns)
    if not wrapped:
        return EMPTY
    body = _shortened(wrapped, context.column.output_lines, context, skipped)
    return call("text-output", body, size=points(context.column.code_size), kind=literal(kind))


def _code(source: str, language: str, context: Context) -> str:
    lines = wrap(highlighted(source, language), context.column.code_columns, hanging=True)
    return _shortened(lines, context.column.code_lines, context)


def _shortened(lines: Sequence[Line], limit: int, context: Context, skipped: int = 0) -> str:
    """Print the lines; of too many the first and the last ones, since a result or an error is at the end."""
    if len(lines) <= limit * _TOLERANCE:
        return markup(lines)
    tail = max(1, limit // 3)
    notice = call("omitted", literal(context.words("lines_omitted", count=len(lines) - limit + skipped)))
    return block([markup(lines[: limit - tail]), notice, markup(lines[-tail:])])


@lru_cache(maxsize=256)  # a slide is set again at each step of shrinking
def highlighted(source: str, language: str) -> tuple[Line, ...]:
    """Return the lines of ``source`` with the colours of its language; plain when the language is unknown."""
    first, newline, rest = source.partition("\n")
    if newline and _SQL_MAGIC.match(first):
        return (*highlighted(first, language), *highlighted(rest, "sql"))
    try:
        tokens = lex(source, get_lexer_by_name(language, stripnl=False))
    except ClassNotFound:
        return tuple(lines_of([(source, PLAIN)]))
    lines = lines_of((text, _token_style(token)) for token, text in tokens)
    if len(lines) > 1 and not lines[-1] and not source.endswith("\n"):
        lines.pop()
    return tuple(lines)


@lru_cache(maxsize=256)
def _token_style(token: object) -> Style:
    look = get_style_by_name(_PYGMENTS_STYLE).style_for_token(token)  # type: ignore[arg-type]
    return Style(f"#{look['color']}" if look["color"] else None, None, look["bold"], look["italic"], look["underline"])


def read_terminal(text: str) -> list[Line]:
    """Return the lines of a text, in the colours its escape sequences ask for; no blank line at the end."""
    lines = lines_of(_terminal_runs(text))
    while lines and not any(character.strip() for character, _ in lines[-1]):
        lines.pop()
    return lines


def _terminal_runs(text: str) -> Iterator[tuple[str, Style]]:
    html: str = ansi2html(text)  # type: ignore[no-untyped-call]
    for run in _SPAN.finditer(html):
        look, color, background = run["look"] or "", None, None
        for name, intense, side in _NAMED.findall(look):
            if side == "bg":
                background = _BACKGROUND[_NAMES.index(name)]
            else:
                color = (_INTENSE if intense else _BASE)[_NAMES.index(name)]
        for is_background, *channels in _CHANNELS.findall(look):
            chosen = f"#{bytes(map(int, channels)).hex()}"
            color, background = (color, chosen) if is_background else (chosen, background)
        style = Style(color, background, "ansi-bold" in look, underline="ansi-underline" in look)
        yield unescape(run["coloured"] or run["plain"]), style


def lines_of(runs: Iterable[tuple[str, Style]]) -> list[Line]:
    """Return the lines of consecutive runs of text, a pair for each character, tabs expanded to 8 columns."""
    lines: list[list[tuple[str, Style]]] = [[]]
    for text, style in runs:
        for number, line in enumerate(text.split("\n")):
            if number:
                lines.append([])
            lines[-1].extend((character, style) for character in line.expandtabs(8))
    return list(lines)


def wrap(lines: Iterable[Line], columns: int, *, hanging: bool = False) -> list[Line]:
    """Break every line longer than ``columns`` characters, where it reads best near its end or else anywhere.

    With ``hanging``, what follows a break is indented four columns more than the line it continues, as code is.
    """
    wrapped: list[Line] = []
    for line in lines:
        rest = list(line)
        indentation = next((at for at, (character, _) in enumerate(line) if character != " "), 0)
        indent = [(" ", PLAIN)] * min(indentation + 4, columns // 2) if hanging else []
        while len(rest) > columns:
            at = _break_position(rest, columns)
            wrapped.append(rest[:at])
            rest = indent + rest[at:]
        wrapped.append(rest)
    return wrapped


def _break_position(line: Line, columns: int) -> int:
    for after in (" ", ",;([{", ")]}.=+-*/&|:_"):
        for at in range(columns, columns * 2 // 3, -1):
            if line[at - 1][0] in after:
                return at
    return columns


def markup(lines: Iterable[Line]) -> str:
    """Return the lines as one Typst expression, a ``linebreak()`` between them."""
    printed: list[str] = []
    for line in lines:
        if printed:
            printed.append("linebreak()")
        for style, run in groupby(line, key=lambda pair: pair[1]):
            printed.append(_run("".join(character for character, _ in run), style))
    return block(printed)


def _run(text: str, style: Style) -> str:
    color = f'rgb("{style.color}")' if style.color else None
    expression = styled(literal(text), color, bold=style.bold, italic=style.italic)
    if style.underline:
        expression = call("underline", expression)
    if style.background:
        expression = call("swatch", f'rgb("{style.background}")', expression)
    return expression
