"""Tell which letters of a document no font of the paper has: they are printed as boxes."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from html import unescape

from course.publish.paper.compiler import Parts, font_path, literal, probe

# Latin letters, which the font of the text has.
_LAST_PLAIN = 0x24F
_TAG = re.compile(r"<[^>]*>")
# Characters that show nothing: formats, selectors of a variant, surrogates.
_UNSEEN = frozenset(("Cf", "Cs", "Cc", "Zs", "Zl", "Zp"))


def note_letters(text: str, parts: Parts, *, is_markup: bool = False) -> None:
    """Keep the letters of a text printed by the cell being set; of XML or HTML those outside its tags."""
    text = unescape(_TAG.sub(" ", text)) if is_markup else text
    parts.letters.setdefault(parts.where, set()).update(letter for letter in text if ord(letter) > _LAST_PLAIN)


def without_missing(svg: str) -> str:
    """Return a picture with boxes in place of letters without font: Typst would print the whole line as boxes."""
    return "".join("\u25a1" if ord(letter) > _LAST_PLAIN and _is_missing(letter) else letter for letter in svg)


def tell_missing(parts: Parts, pdf: bytes) -> None:
    """Warn of the letters kept that are not in any font, cell by cell."""
    known = len(parts.warnings)
    for where, expression in parts.printed:
        letters = {*expression, *parts.letters.get(where, ())}
        missing = sorted(letter for letter in letters if ord(letter) > _LAST_PLAIN and _is_missing(letter))
        if missing:
            shown = "".join(missing[:20]) + ("\u2026" if len(missing) > 20 else "")
            parts.keep(f"no font of the paper has the letters {shown}, printed as boxes, {where}".removesuffix(", "))
    if len(parts.warnings) == known and b"LastResort" in pdf:
        parts.keep("a line of a picture has letters that no font of the paper has together, printed as boxes")


@lru_cache(maxsize=8192)
def _is_missing(letter: str) -> bool:
    kind = unicodedata.category(letter)
    if kind in _UNSEEN or unicodedata.name(letter, "").startswith("VARIATION SELECTOR") or ord(letter) in _usual():
        return False
    # what a private letter means is known to one font alone; all others fall to the font of last resort
    return kind == "Co" or b"LastResort" in probe(literal(letter))


@lru_cache(maxsize=1)
def _usual() -> frozenset[int]:
    """Return the codes of DejaVu Sans, which has most of what is ever printed."""
    from fontTools.ttLib import TTFont

    path = font_path("DejaVuSans.ttf")
    if path is None:
        return frozenset()
    with TTFont(path, lazy=True) as font:
        return frozenset(font.getBestCmap())
