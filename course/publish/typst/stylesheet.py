"""The little CSS that shows on paper: colours, weight and alignment, from style attributes and pandas Styler rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tinycss2  # type: ignore[import-untyped]
from tinycss2.color4 import parse_color  # type: ignore[import-untyped]

from course.publish.typst.markup import call

if TYPE_CHECKING:
    from bs4 import Tag

Declarations = dict[str, str]
_BAR = re.compile(r"linear-gradient\(\s*90deg\s*,(.*)\)\s*$", re.DOTALL)
_STOP = re.compile(r"(#\w+|\w+\([^)]*\)|[a-z]+)((?:\s+[0-9.]+%)*)\s*(?:,|$)")


@dataclass(frozen=True)
class Look:
    """How an element is painted; colours and fills are Typst expressions."""

    fill: str | None = None
    color: str | None = None
    bold: bool | None = None
    italic: bool | None = None
    align: str | None = None
    hidden: bool = False


def read_rules(tree: Tag) -> dict[str, Declarations]:
    """Return the declarations of every ``#identifier`` rule in the style elements of a tree."""
    rules: dict[str, Declarations] = {}
    for element in tree.find_all("style"):
        for rule in tinycss2.parse_stylesheet(element.get_text(), skip_comments=True, skip_whitespace=True):
            if rule.type != "qualified-rule":
                continue
            declarations = _declarations(rule.content)
            for selector in tinycss2.serialize(rule.prelude).split(","):
                if selector.strip().startswith("#"):
                    rules.setdefault(selector.strip()[1:], {}).update(declarations)
    return rules


def look_of(tag: Tag, rules: dict[str, Declarations]) -> Look:
    """Return the look that a tag's identifier and style attribute give it."""
    declared = {**rules.get(str(tag.get("id", "")), {}), **_declarations(str(tag.get("style", "")))}
    if not declared:
        return Look()
    return Look(
        fill=_fill(declared),
        color=css_color(declared.get("color", "")),
        bold=_truth(declared.get("font-weight"), {"bold", "bolder", "600", "700", "800", "900"}),
        italic=_truth(declared.get("font-style"), {"italic", "oblique"}),
        align=declared.get("text-align"),
        hidden=declared.get("display") == "none" or declared.get("visibility") == "hidden",
    )


def css_color(text: str) -> str | None:
    """Return the Typst colour of a CSS colour, or ``None`` for none, transparent or unknown."""
    color = parse_color(text) if text else None
    if color is None or not hasattr(color, "to"):
        return None
    red, green, blue, alpha = (
        min(1.0, max(0.0, float(part or 0))) for part in (*color.to("srgb").coordinates, color.alpha)
    )
    channels = [red, green, blue, *([] if alpha >= 1 else [alpha])]
    return None if alpha == 0 else f'rgb("#{"".join(f"{round(255 * channel):02x}" for channel in channels)}")'


def _declarations(source: object) -> Declarations:
    parsed = tinycss2.parse_blocks_contents(source, skip_comments=True, skip_whitespace=True)
    return {
        item.lower_name: tinycss2.serialize(item.value).strip().lower() for item in parsed if item.type == "declaration"
    }


def _truth(value: str | None, true_values: set[str]) -> bool | None:
    return None if value is None else value in true_values


def _fill(declared: Declarations) -> str | None:
    painted = declared.get("background-color") or declared.get("background", "")
    return _bar(declared.get("background", "")) or css_color(painted)


def _bar(background: str) -> str | None:
    """Return the fill of a Styler bar: a horizontal gradient of flat colours."""
    match = _BAR.match(background)
    if match is None:
        return None
    stops: list[str] = []
    at = 0.0
    for name, positions in _STOP.findall(match[1].strip()):
        places = [float(position.rstrip("%")) for position in positions.split()] or [at]
        # A single position in a Styler bar ends the colour: it starts where the one before ended.
        ends = [min(100.0, max(at, place)) for place in [at, *places][-2:]]
        stops += [f"({css_color(name) or 'white'}, {end:g}%)" for end in ends]
        at = max(at, places[-1])
    if len(stops) < 2:
        return None
    stops[0], last = re.sub(r"[0-9.]+%", "0%", stops[0]), stops[-1]
    stops[-1] = re.sub(r"[0-9.]+%\)$", "100%)", last)
    return call("gradient.linear", *stops)
