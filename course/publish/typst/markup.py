"""Write Typst expressions: every text is a string literal, so nothing in a notebook can be taken for markup."""

from __future__ import annotations

import re
from collections.abc import Iterable

EMPTY = "[]"
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})


def printable(text: str) -> str:
    """Return ``text`` without control characters; a lone surrogate becomes the replacement character."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _UNPRINTABLE.sub("", text))


def literal(text: str) -> str:
    """Return ``text`` as a Typst string literal."""
    return f'"{printable(text).translate(_ESCAPES)}"'


def block(expressions: Iterable[str]) -> str:
    """Return one expression that joins the given ones, in order; ``[]`` when there is none."""
    kept = [expression for expression in expressions if expression not in ("", EMPTY)]
    if not kept:
        return EMPTY
    return kept[0] if len(kept) == 1 and kept[0].startswith(("{", "[")) else "{" + "\n".join(kept) + "}"


def call(function: str, *positional: str, **named: str | None) -> str:
    """Return a call of a Typst function; arguments are expressions, ``None`` is left out, ``_`` becomes ``-``."""
    arguments = [f"{name.replace('_', '-')}: {value}" for name, value in named.items() if value is not None]
    return f"{function}({', '.join([*arguments, *positional])})"


def array(items: Iterable[str]) -> str:
    """Return a Typst array of expressions."""
    return "(" + "".join(f"{item}, " for item in items) + ")"


def points(length: float) -> str:
    """Return a length in points, to a tenth."""
    return f"{length:.1f}pt"


def color(hexadecimal: str | None) -> str | None:
    """Return a Typst colour for ``#rrggbb``, or ``None`` for no colour."""
    return None if hexadecimal is None else f'rgb("{hexadecimal}")'
