"""Colour source code with Pygments, as lines of styled spans."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pygments import lex
from pygments.lexers import get_lexer_by_name
from pygments.styles import get_style_by_name
from pygments.util import ClassNotFound

from course.publish.typst.spans import Cell, Line, Style, cells

if TYPE_CHECKING:
    from pygments.lexer import Lexer

# Dark enough on a light background for every kind of token.
_PYGMENTS_STYLE = "xcode"
_SQL_MAGIC = re.compile(r"%%sql\w*", re.IGNORECASE)


@lru_cache(maxsize=256)  # a slide is set again at each step of shrinking
def highlighted(source: str, language: str) -> tuple[Line, ...]:
    """Return the lines of ``source`` with the colours of its language; plain when the language is unknown."""
    first, newline, rest = source.partition("\n")
    if newline and _SQL_MAGIC.match(first):
        return (*highlighted(first, language), *highlighted(rest, "sql"))
    lexer = _lexer(language)
    if lexer is None:
        return tuple(cells(source))
    lines: list[list[Cell]] = [[]]
    for token, text in lex(source, lexer):
        first_line, *others = cells(text, _style(token))
        lines[-1].extend(first_line)
        lines.extend(others)
    if len(lines) > 1 and not lines[-1] and not source.endswith("\n"):
        lines.pop()
    return tuple(lines)


@lru_cache(maxsize=32)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None


@lru_cache(maxsize=256)
def _style(token: Any) -> Style:
    look = get_style_by_name(_PYGMENTS_STYLE).style_for_token(token)
    return Style(f"#{look['color']}" if look["color"] else None, None, look["bold"], look["italic"], look["underline"])
