"""Pictures: PNG, JPEG, GIF, WebP and SVG, at their own size or the largest that fits."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit
from xml.etree import ElementTree as ET

from course.publish.typst.markup import call, literal, points, printable

if TYPE_CHECKING:
    from course.publish.typst.parts import Context

SUFFIXES = {
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
}
# A CSS pixel is 1/96 inch; a point is 1/72 inch.
POINTS_PER_PIXEL = 0.75
_UNITS = {"": POINTS_PER_PIXEL, "px": POINTS_PER_PIXEL, "pt": 1.0, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4}
_LENGTH = re.compile(r"\s*([0-9.]+)\s*(px|pt|in|cm|mm)?\s*$")


def data_bytes(mimetype: str, data: object) -> bytes:
    """Return the content of an output or attachment: base64 for bitmaps, text for SVG.

    Raises:
        ValueError: the data is not base64.
    """
    text = "".join(data) if isinstance(data, list) else str(data)
    if mimetype == "image/svg+xml" and "<" in text:
        return printable(text).encode()
    return base64.b64decode(text)


def image(content: bytes, suffix: str, context: Context, alt: str, asked: Any = None, *, inline: bool = False) -> str:
    """Return the Typst expression of a picture.

    Args:
        content: the bytes of the file.
        suffix: one of the values of ``SUFFIXES``.
        context: where it is set; gives the largest width and height.
        alt: alternative text, possibly empty.
        asked: mapping that may have a ``width`` and ``height`` in CSS pixels.
        inline: set in the line of text rather than as a block.
    """
    fallback = call("missing", literal(context.captions.missing_image.format(name=alt or suffix)))
    problem = f"image cannot be shown ({suffix}): {alt or 'no alternative text'}"
    size = _size(content, suffix)
    if size is None:
        context.parts.warn(problem)
        return fallback
    width, height = fit(*_asked_size(size, asked or {}), context)
    picture = call(
        "image",
        literal(context.parts.add_file(content, suffix)),
        width=points(width),
        height=points(height),
        alt=literal(alt) if alt.strip() else None,
    )
    definition = call("box" if inline else "picture", picture)
    return context.parts.add_fragile(definition, fallback, problem)


def fit(width: float, height: float, context: Context) -> tuple[float, float]:
    """Return a size in points reduced, never enlarged, to the column and the tallest picture."""
    layout = context.layout
    scale = min(1.0, layout.text_width / width, layout.image_height / height)
    return width * scale, height * scale


def _asked_size(size: tuple[float, float], asked: dict[str, Any]) -> tuple[float, float]:
    width, height = (_length(str(asked.get(name, ""))) for name in ("width", "height"))
    own_width, own_height = size
    if width and height:
        return width, height
    if width:
        return width, own_height * width / own_width
    if height:
        return own_width * height / own_height, height
    return size


def _length(text: str) -> float | None:
    match = _LENGTH.match(text)
    return float(match[1]) * _UNITS[match[2] or ""] if match and match[1].count(".") < 2 and match[1] != "." else None


def _size(content: bytes, suffix: str) -> tuple[float, float] | None:
    size = _svg_size(content) if suffix == "svg" else _bitmap_size(content)
    return size if size and min(size) > 0 else None


def _bitmap_size(content: bytes) -> tuple[float, float] | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as picture:
            return picture.width * POINTS_PER_PIXEL, picture.height * POINTS_PER_PIXEL
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _svg_size(content: bytes) -> tuple[float, float] | None:
    try:
        root = ET.fromstring(content)  # noqa: S314 -- expat refuses entity expansion bombs
    except ET.ParseError:
        return None
    width, height = _length(root.get("width", "")), _length(root.get("height", ""))
    if width and height:
        return width, height
    box = re.findall(r"[-+0-9.eE]+", root.get("viewBox", ""))
    if len(box) != 4:
        return None
    return _asked_size((float(box[2]) * POINTS_PER_PIXEL, float(box[3]) * POINTS_PER_PIXEL), dict(root.attrib))


def read_address(address: str, folder: Path) -> tuple[bytes, str] | None:
    """Return the bytes and suffix of a ``data:`` address or of a file under ``folder``; ``None`` if there is none."""
    if address.startswith("data:"):
        return _read_data_address(address)
    suffix = {".jpeg": "jpg"}.get(Path(address).suffix.lower(), Path(address).suffix.lower().removeprefix("."))
    if urlsplit(address).scheme or suffix not in SUFFIXES.values():
        return None
    path = folder / unquote_to_bytes(address).decode("utf-8", "replace")
    try:
        return path.read_bytes(), suffix
    except (OSError, ValueError):  # absent, a folder, or a name that the system refuses: all are a missing image
        return None


def _read_data_address(address: str) -> tuple[bytes, str] | None:
    header, _, data = address.removeprefix("data:").partition(",")
    suffix = SUFFIXES.get(header.partition(";")[0])
    if suffix is None:
        return None
    try:
        content = base64.b64decode(unquote_to_bytes(data)) if header.endswith("base64") else unquote_to_bytes(data)
    except ValueError:
        return None
    return content, suffix
