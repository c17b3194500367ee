"""Show the colours of a terminal so that they can be read on a light page and on a dark one."""

from __future__ import annotations

import re

from nbconvert.filters import ansi2html

_TEXT_COLOUR = re.compile(r'style="color: rgb\((\d+),(\d+),(\d+)\)"')
# The page's background for errors, the least favourable of each theme: see cells.css and page.css.
_LIGHT = (255, 242, 242)
_DARK = (44, 29, 31)
_MOST_MIXING = 20

Colour = tuple[int, int, int]


def ansi_to_html(text: str) -> str:
    """Return the HTML of a terminal's text: escaped, its colours as classes, or readable ones in either theme."""
    html: str = ansi2html(text)  # type: ignore[no-untyped-call]
    return _TEXT_COLOUR.sub(_for_both_themes, html)


def readable(colour: Colour, background: Colour) -> Colour:
    """Return a colour moved away from the background until WCAG 2.2's contrast of 4.5 for text is met."""
    target = 0 if luminance(background) > 0.5 else 255
    for step in range(_MOST_MIXING + 1):
        red, green, blue = (round(part + (target - part) * step / _MOST_MIXING) for part in colour)
        if contrast((red, green, blue), background) >= 4.5:
            return red, green, blue
    return target, target, target


def contrast(first: Colour, second: Colour) -> float:
    """Return the contrast ratio of two colours, 1 to 21, by the formula of WCAG 2.2."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Colour) -> float:
    """Return the relative luminance of an sRGB colour, 0 to 1, by the formula of WCAG 2.2."""
    parts = (part / 255 for part in colour)
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _for_both_themes(match: re.Match[str]) -> str:
    colour = (int(match[1]), int(match[2]), int(match[3]))
    light, dark = (",".join(map(str, readable(colour, background))) for background in (_LIGHT, _DARK))
    return f'style="color: light-dark(rgb({light}),rgb({dark}))"'
