"""Set the MathML of a formula in Typst: what a page shows and what paper shows are one reading of the LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup, Tag

from course.publish.paper.compiler import EMPTY, array, boolean, call, literal
from course.publish.paper.glyphs import note_letters

if TYPE_CHECKING:
    from course.publish.mathematics import Formula
    from course.publish.paper.compiler import Parts

_INVISIBLE = re.compile("[\u2061-\u2064\ufe00-\ufe0f]")
# The combining character of a sign that MathML puts above a letter.
_SIGNS = "\u02c6\u02c7\u02d8\u02d9\u02da\u02dc\u00a8\u00af\u00b4`\u20d7\u2192\u2190"
_ACCENTS = dict(
    zip(_SIGNS, "\u0302\u030c\u0306\u0307\u030a\u0303\u0308\u0304\u0301\u0300\u20d7\u20d7\u20d6", strict=True)
)
_OVER = {**dict.fromkeys("\u0332\u0305\u00af\u203e_", "overline"), "\u23de": "overbrace"}
_UNDER = {**dict.fromkeys("\u0332\u0305\u00af\u203e_", "underline"), "\u23df": "underbrace"}
_INTEGRALS = "\u222b\u222c\u222d\u222e\u222f\u2230"
_ENCLOSED = {
    "box": "#box(stroke: 0.5pt, inset: 3pt, ${}$)", "updiagonalstrike": "cancel({})",
    "downdiagonalstrike": "cancel(inverted: #true, {})", "horizontalstrike": "cancel(angle: #90deg, {})",
    "updiagonalstrike downdiagonalstrike": "cancel(cross: #true, {})",
}  # fmt: skip
_EMS = re.compile(r"-?\d*\.?\d+(?=r?em)")
_COLOR = re.compile(r"color:\s*(#[0-9A-Fa-f]{6})")
# What an environment puts around its rows so that their numbers stand at the right.
_MARGIN = re.compile(r"width: (?:50|7\.5)%")


class _NotOnPaperError(ValueError):
    """Names the element that is not known here."""


def formula(found: Formula, parts: Parts) -> str:
    """Return the Typst expression of a formula; its LaTeX source is its alternative text, and what it falls back on."""
    if found.mathml == "":
        return EMPTY
    source, display = literal(" ".join(found.latex.split())), boolean(found.display)
    fallback = call("formula-source", source, display=display)
    problem = f"a formula is shown as its source: {found.latex}"
    if found.mathml is None:
        return fallback
    note_letters(found.mathml, parts, is_markup=True)
    math = BeautifulSoup(found.mathml, "html.parser").find("math")
    try:
        converted, number = _read_numbered(math) if isinstance(math, Tag) else ("", "")
    except (_NotOnPaperError, RecursionError) as error:
        parts.warn(f"{problem} ({error})")
        return fallback
    number = literal(number) if number else "none"
    definition = call("formula", literal(converted), display=display, source=source, number=number)
    return parts.add_fragile(definition, fallback, problem)


def _read_numbered(math: Tag) -> tuple[str, str]:
    """Return the formula and its number, where it has one for all its rows."""
    margins = math.find_all("mtd", style=_MARGIN)
    # one row has a margin on each side
    number = _row(margins[1].extract()) if len(margins) == 2 and margins[1].find(True) else ""
    return _row(math), number


def _row(tag: Tag) -> str:
    return " ".join(filter(None, (_element(child) for child in tag.find_all(True, recursive=False)))) or '""'


def _element(tag: Tag) -> str:
    if tag.name in _ELEMENTS:
        return _ELEMENTS[tag.name](tag)
    raise _NotOnPaperError(f"paper has no {tag.name}")


def _letters(text: str) -> str:
    return "".join(f"\\u{{{ord(letter):x}}}" for letter in _INVISIBLE.sub("", text))


def _identifier(tag: Tag) -> str:
    text = _INVISIBLE.sub("", tag.get_text())
    if len(text) > 1:
        return f"op({literal(text)})"
    return f"upright({_letters(text)})" if tag.get("mathvariant") == "normal" else _letters(text)


def _operator(tag: Tag) -> str:
    shown = _letters(tag.get_text())
    if not shown:
        return ""
    if tag.has_attr("minsize"):
        return f"lr(size: #{tag['minsize']}, {shown})"
    if tag.get("stretchy") == "true":
        return f"mid({shown})"
    kind = {"prefix": "opening", "postfix": "closing"}.get(str(tag.get("form")))
    return f'class("{kind}", {shown})' if kind else shown


def _text(tag: Tag) -> str:
    shown = literal(tag.get_text())
    return f"bold({shown})" if tag.find("b") else f"italic({shown})" if tag.find("i") else shown


def _space(tag: Tag) -> str:
    width = _EMS.search(f"{tag.get('width', '')} {tag.get('style', '')}")
    return f"#h({width[0]}em)" if width and float(width[0]) else ""


def _group(tag: Tag) -> str:
    shown, color = _row(tag), _COLOR.search(str(tag.get("style", "")))
    children = tag.find_all(True, recursive=False)
    ends = [children[0], children[-1]] if len(children) > 1 else []
    if ends and all(
        end.name == "mo" and not {"stretchy", "form", "minsize", "lspace"} & set(end.attrs) for end in ends
    ):
        shown = f"lr({shown})"
    if color:
        shown = f'#text(fill: rgb("{color[1]}"), ${shown}$)'
    return _styled(tag, shown)


def _styled(tag: Tag, shown: str) -> str:
    style = {"true": "display", "false": "inline"}.get(str(tag.get("displaystyle")))
    return f"{style}({shown})" if style else shown


def _fraction(tag: Tag) -> str:
    above, below = map(_element, tag.find_all(True, recursive=False))
    bare = tag.get("linethickness") == "0"
    return _styled(tag, f"mat(delim: #none, {above}; {below})" if bare else f"frac({above}, {below})")


def _root(tag: Tag) -> str:
    content, index = map(_element, tag.find_all(True, recursive=False))
    return f"root({index}, {content})"


def _attached(tag: Tag) -> str:
    """Set scripts, limits, accents and braces."""
    base, *scripts = tag.find_all(True, recursive=False)
    shown, sign = _element(base) or '""', _INVISIBLE.sub("", scripts[0].get_text())
    if "true" in (tag.get("accent"), tag.get("accentunder")) and len(sign) == 1:
        line = (_OVER if tag.name == "mover" else _UNDER).get(sign)
        if line:
            return f"{line}({shown})"
        if sign in _ACCENTS and tag.name == "mover":
            return f"accent({shown}, {_letters(_ACCENTS[sign])})"
    if not tag.name.startswith("ms"):
        if base.name == "mo" and base.get_text() in "\u2190\u2192\u2194\u21d0\u21d2\u21d4\u21a6":
            shown = f"stretch({shown}, size: #3.5em)"
        # where the limits of a sum stand depends on the room, as in a browser
        moves = base.name == "mo" and base.get("movablelimits") != "false" and base.get_text() not in _INTEGRALS
        shown = shown if moves else f"limits({shown})"
    elif base.name == "mo":
        shown = f"scripts({shown})"
    sides = zip(_SIDES[tag.name], scripts, strict=True)
    return f"attach({', '.join([shown, *(f'{side}: {_element(script)}' for side, script in sides)])})"


def _table(tag: Tag) -> str:
    rows = [list(row.find_all("mtd", recursive=False)) for row in tag.find_all("mtr", recursive=False)]
    numbers = [_row(row.pop()) if row and _MARGIN.search(str(row[-1].get("style", ""))) else '""' for row in rows]
    rows = [[cell for cell in row if not _MARGIN.search(str(cell.get("style", "")))] for row in rows]
    is_numbered, is_multline = set(numbers) != {'""'}, "7.5%" in str(tag)
    printed = [
        ", ".join([*_cells(row, tag, is_aligned=not is_multline), *([f"#h(2em){number}"] if is_numbered else [])])
        for row, number in zip(rows, numbers, strict=True)
    ]
    columns = [str(at) for at, cell in enumerate(rows[0], 1) if "border-right" in str(cell)] if rows else []
    lines = [str(at) for at, row in enumerate(rows) if at and row and "border-top" in str(row[0])]
    rules = f"augment: #(vline: {array(columns)}, hline: {array(lines)}), " if columns + lines else ""
    return f"mat(delim: #none, column-gap: #1em, {rules}{'; '.join(printed)})"


def _cells(row: list[Tag], table: Tag, *, is_aligned: bool) -> list[str]:
    cells: list[str] = []
    for cell in row:
        style, content = str(cell.get("style", "")), _row(cell)
        content = f"display({content})" if table.get("displaystyle") == "true" else content
        if "padding-left: 0" in style and cells:
            cells[-1] += content  # right and left of an alignment are one column
        elif is_aligned and "text-align: " in style:
            cells.append(f"&{content}" if "text-align: left" in style else f"{content}&")
        else:
            cells.append(content)
    return cells


_SIDES = {"msub": "b", "msup": "t", "msubsup": "bt", "munder": "b", "mover": "t", "munderover": "bt"}
_ELEMENTS: dict[str, Callable[[Tag], str]] = {
    **dict.fromkeys(("math", "mrow", "mstyle", "mtd"), _group), "mpadded": _row, "mi": _identifier, "mo": _operator,
    "mn": _text, "mtext": _text, "mspace": _space, "mfrac": _fraction, "mroot": _root, "mtable": _table,
    "msqrt": lambda tag: f"sqrt({_row(tag)})", "mphantom": lambda tag: f"#hide(${_row(tag)}$)",
    "menclose": lambda tag: _ENCLOSED.get(str(tag.get("notation")), _ENCLOSED["box"]).format(_row(tag)),
    **dict.fromkeys(_SIDES, _attached),
}  # fmt: skip
