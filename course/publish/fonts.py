"""Carry in each page the few glyphs of a mathematics font that its formulas need."""

from __future__ import annotations

import base64
import html
import io
import re
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from course.errors import MissingDependencyError

FAMILY = "STIX Two Math"
_FORMULA = re.compile(r"<math\b.*?</math>", re.DOTALL)
_ANNOTATION = re.compile(r"<annotation\b.*?</annotation>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
# Glyphs that a browser draws though no character of the markup asks for them.
_RADICALS = "√∛∜"
_RULES = "|‖¯‾\u0305_\u2212"
_FENCES = "()[]{}⟨⟩⌊⌋⌈⌉"
# Dotless i and j, partial, and the Greek variants epsilon, theta, kappa, phi, rho, pi.
_OTHER_ITALICS = {
    0x131: 0x1D6A4,
    0x237: 0x1D6A5,
    0x2202: 0x1D715,
    0x3F5: 0x1D716,
    0x3D1: 0x1D717,
    0x3F0: 0x1D718,
    0x3D5: 0x1D719,
    0x3F1: 0x1D71A,
    0x3D6: 0x1D71B,
}
_DIGITS_AND_SIGNS = "0123456789+=,.<> "


def mathematics_font_css(page: str) -> str:
    """Return the ``@font-face`` rule for the formulas of a page, or nothing where there is no formula.

    The font is a WOFF2 subset of STIX Two Math (SIL Open Font License 1.1), taken from the ziamath wheel.

    Raises:
        MissingDependencyError: the wheel that ships the font is not installed.
    """
    characters = formula_characters(page)
    if not characters:
        return ""
    data = base64.b64encode(_subset(characters)).decode("ascii")
    source = f"url(data:font/woff2;base64,{data}) format('woff2')"
    return f"@font-face{{font-family:'{FAMILY}';src:{source};font-display:block}}"


def formula_characters(page: str) -> frozenset[str]:
    """Return every character that a browser may need to draw the MathML of a page; empty without MathML."""
    formulas = [_ANNOTATION.sub("", formula) for formula in _FORMULA.findall(page)]
    if not formulas:
        return frozenset()
    written = {character for formula in formulas for character in html.unescape(_TAG.sub("", formula))}
    always = set(_RADICALS + _RULES + _FENCES + _DIGITS_AND_SIGNS)
    return frozenset(written | always | {mathematical_italic(character) for character in written})


def mathematical_italic(character: str) -> str:
    """Return the italic letter that a browser draws for a lone letter, as MathML Core's ``mi`` rule has it."""
    code = ord(character)
    if character == "h":  # Unicode has no other h: it gave this one to the Planck constant
        return "\u210e"
    for first, last, italic in ((0x41, 0x5A, 0x1D434), (0x61, 0x7A, 0x1D44E), (0x391, 0x3A9, 0x1D6E2)):
        if first <= code <= last:
            return chr(italic + code - first)
    if 0x3B1 <= code <= 0x3C9:
        return chr(0x1D6FC + code - 0x3B1)
    return character.translate(_OTHER_ITALICS)


@lru_cache(maxsize=1)
def font_path() -> Path:
    """Return the path of STIX Two Math.

    Raises:
        MissingDependencyError: the ziamath wheel is not installed, or no longer carries the font.
    """
    try:
        shipped = files("ziamath") or []
    except PackageNotFoundError:
        shipped = []
    for file in shipped:
        if file.name == "STIXTwoMath-Regular.ttf":
            return Path(str(file.locate()))
    raise MissingDependencyError("formulas need the font STIX Two Math; install it with: pip install ziamath==0.13")


@lru_cache(maxsize=32)
def _subset(characters: frozenset[str]) -> bytes:
    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options()
    # Without `ssty` the subset is half the size: script sizes are scaled letters instead of redrawn ones.
    options.layout_features = ["ccmp", "dtls", "flac", "kern", "mark", "mkmk"]
    options.hinting = False
    options.notdef_outline = True
    options.flavor = "woff2"
    with TTFont(font_path(), lazy=True, recalcTimestamp=False) as font, io.BytesIO() as buffer:
        subsetter = subset.Subsetter(options)
        subsetter.populate(text="".join(sorted(characters)))
        subsetter.subset(font)
        font.flavor = "woff2"
        font.save(buffer)
        return buffer.getvalue()
