"""Pictures: PNG, JPEG, GIF, WebP and SVG, at their own size or the largest that fits."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

from course.publish.lessons import file_beside
from course.publish.paper.compiler import call, literal, points, printable
from course.publish.paper.glyphs import note_letters, without_missing
from course.publish.safe_html import is_remote

if TYPE_CHECKING:
    from course.publish.paper.column import Context

# By MIME type, the best for paper first.
SUFFIXES = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}
# In points, of 1/72 inch; a CSS pixel is 1/96 inch.
_UNITS = {"": 0.75, "px": 0.75, "pt": 1.0, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4, "em": 12.0, "pc": 12.0}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LENGTH = re.compile(r"\s*((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(px|pt|in|cm|mm|em|pc)?\s*$")
_ROOT = re.compile(r"""(<(?:\w+:)?svg\b(?:[^>"']|"[^"]*"|'[^']*')*?)(/?>)""")
_NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'
_SIZE = re.compile(r"""\s(?:width|height|viewBox)\s*=\s*(?:"[^"]*"|'[^']*')""")


def data_bytes(mimetype: str, data: str) -> bytes:
    """Return the content of an output or of a ``data:`` address: base64 for bitmaps, text for SVG; empty if broken."""
    if mimetype == "image/svg+xml" and "<" in data:
        return printable(data).encode()
    try:
        return base64.b64decode(data)
    except ValueError:
        return b""


def image(
    content: bytes, suffix: str, context: Context, alt: str, asked: Mapping[str, Any], *, inline: bool = False
) -> str:
    """Return the Typst expression of a picture, as a block or in the line of text.

    ``suffix`` is one of the values of ``SUFFIXES``; ``asked`` may have a ``width`` and ``height`` in CSS pixels.
    """
    fallback = call("missing", literal(context.words("missing_image", name=alt or suffix)))
    problem = f"image cannot be shown ({suffix}): {alt or 'no alternative text'}"
    content, own = _sized_svg(content) if suffix == "svg" else (content, _bitmap_size(content))
    if own is None or min(own) <= 0:
        context.parts.warn(problem)
        return fallback
    if suffix == "svg":
        text = content.decode("utf-8", "replace")
        note_letters(text, context.parts, is_markup=True)
        content = without_missing(text).encode()
    width, height = _asked_size(own, *(_length(str(asked.get(name, ""))) for name in ("width", "height")))
    scale = min(1.0, context.column.width / width, context.column.image_height / height)
    picture = call(
        "image",
        literal(context.parts.add_file(content, suffix)),
        width=points(width * scale),
        height=points(height * scale),
        alt=literal(alt) if alt.strip() else None,
    )
    return context.parts.add_fragile(call("box" if inline else "picture", picture), fallback, problem)


def read_address(address: str, folder: Path) -> tuple[bytes, str] | None:
    """Return the bytes and suffix of a ``data:`` address or of a file under ``folder``; ``None`` if there is none."""
    if address.startswith("data:"):
        header, _, data = address.removeprefix("data:").partition(",")
        mimetype = header.partition(";")[0]
        plain = unquote_to_bytes(data)
        content = data_bytes("", plain.decode("latin-1")) if header.endswith("base64") else plain
        return (content, SUFFIXES[mimetype]) if mimetype in SUFFIXES else None
    suffix = Path(address).suffix.lower().removeprefix(".").replace("jpeg", "jpg")
    path = None if is_remote(address) else file_beside(folder, address)
    return (path.read_bytes(), suffix) if path is not None and suffix in SUFFIXES.values() else None


def _asked_size(own: tuple[float, float], width: float | None, height: float | None) -> tuple[float, float]:
    """Return the size of a picture of which a width or a height may be asked, and its own proportions are kept."""
    ratio = own[1] / own[0]
    if width:
        return width, height or width * ratio
    return (height / ratio, height) if height else own


def _length(text: str) -> float | None:
    match = _LENGTH.match(text)
    return float(match[1]) * _UNITS[match[2] or ""] if match else None


def _bitmap_size(content: bytes) -> tuple[float, float] | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as picture:
            return picture.width * _UNITS["px"], picture.height * _UNITS["px"]
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _sized_svg(content: bytes) -> tuple[bytes, tuple[float, float] | None]:
    """Return an SVG picture that says its size, and the size that a browser gives it; None for one that shows nothing.

    What it does not say comes from its box; a browser ignores a box that is not four numbers and takes 300 by 150.
    """
    try:
        root = ET.fromstring(content)  # noqa: S314 -- expat refuses entity expansion bombs
    except ET.ParseError:
        return content, None
    asked = _length(root.get("width", "")), _length(root.get("height", ""))
    parts = re.split(r"[\s,]+", root.get("viewBox", "").strip())
    box = [float(part) for part in parts if _NUMBER.fullmatch(part)]
    if len(box) == len(parts) == 4 and min(box[2:]) >= 0 and all(map(math.isfinite, box)):
        kept = f' viewBox="{root.get("viewBox")}"'
        width, height = _asked_size((box[2] * _UNITS["px"], box[3] * _UNITS["px"]), *asked) if min(box[2:]) else (0, 0)
    else:
        kept, width, height = "", asked[0] or 300 * _UNITS["px"], asked[1] or 150 * _UNITS["px"]
    size = f' width="{width / _UNITS["px"]}" height="{height / _UNITS["px"]}"' + (
        "" if root.tag[0] == "{" else _NAMESPACE
    )
    text = _ROOT.sub(
        lambda tag: _SIZE.sub("", tag[1]) + size + kept + tag[2], content.decode("utf-8", "replace"), count=1
    )
    return text.encode(), (width, height)
