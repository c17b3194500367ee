"""Make HTML fit for a file that stands alone: balanced, no script, nothing fetched, links between lessons mended."""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from course.publish.lessons import file_beside

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

Warn = Callable[[str], object]

NO_DESCRIPTION = "Picture without a description"
# animate and set can write an address of script into another element
_ACTIVE = ["script", "iframe", "frame", "object", "embed", "link", "base", "meta", "noscript", "animate", "set"]
_FETCHING = {"src", "srcset", "data", "poster", "background", "href", "xlink:href", "action", "formaction", "ping"}
_SKIPPED_BY_BROWSERS = re.compile(r"[\x00-\x20]+")
_REMOTE = re.compile(r"(?!data:)[a-z][a-z0-9+.-]*:|[/\\]{2}", re.IGNORECASE)
_SCRIPT_ADDRESS = re.compile(r"(?:javascript|vbscript):", re.IGNORECASE)
_FETCHED_BY_STYLE = re.compile(r"""@import[^;]*;?|url\(\s*(?!['"]?\s*(?:data:|\#))[^)]*\)""", re.IGNORECASE)
_ESCAPED_IN_STYLE = re.compile(r"\\0{0,4}([0-7][0-9a-f])(?![0-9a-f])\s?", re.IGNORECASE)
_WIDE_LINE = 40
_TALL_TEXT = 20


def safe_fragment(html: str, folder: Path, warn: Warn, where: str) -> BeautifulSoup:
    """Return the tree of a piece of HTML; unclosed elements are closed, pictures of ``folder`` inside and described.

    ``warn`` is told in one line what was left out, ``where`` says to the author which cell it comes from.
    """
    from bs4 import BeautifulSoup
    from bs4.element import PreformattedString

    fragment = BeautifulSoup(html, "html.parser")
    # a browser may end a comment or a declaration earlier than the parser that reads it here
    for text in fragment.find_all(string=lambda text: isinstance(text, PreformattedString)):
        text.extract()
    for element in fragment.find_all(_ACTIVE):
        warn(f"a <{element.name}> was left out: the page holds no script and loads nothing")
        element.decompose()
    for picture in fragment.find_all("img"):
        _keep_inside(fragment, picture, folder, warn)
    for element in fragment.find_all(True):
        _make_safe(element, warn)
    for picture in fragment.find_all("img", alt=lambda text: not text):
        warn(f"a picture has no alternative text, {where}")
        picture["alt"] = NO_DESCRIPTION
    for block in fragment.find_all("pre"):
        if needs_scrolling(block.get_text()):
            block["tabindex"] = "0"
    return fragment


def needs_scrolling(text: str) -> bool:
    """Tell whether a block of code or text is so wide or tall that the keyboard must be able to scroll it."""
    lines = text.splitlines()
    return len(lines) > _TALL_TEXT or any(len(line) > _WIDE_LINE for line in lines)


def is_remote(address: str) -> bool:
    """Tell whether an address points out of the folder of its page, such as to another machine."""
    return bool(_REMOTE.match(_SKIPPED_BY_BROWSERS.sub("", address)))


def link_pages(fragment: BeautifulSoup, folder: Path, warn: Warn) -> None:
    """Make each link to a notebook of the course lead to its page, at the same heading.

    In a site a page has the place that its notebook has among the sources. A link to a notebook that is not there
    stays as it is, with a warning.
    """
    for element in fragment.find_all("a", href=True):
        address, mark, heading = str(element["href"]).partition("#")
        path = address.partition("?")[0]
        if not path.endswith(".ipynb") or is_remote(path):
            continue
        if file_beside(folder, path):
            element["href"] = f"{path.removesuffix('.ipynb')}.html{mark}{heading}"
        else:
            warn(f"the link to {path[:80]} leads nowhere: there is no such notebook")


def _make_safe(element: Tag, warn: Warn) -> None:
    if element.name == "style":
        # no mark of HTML: inside svg and math a browser would read it as such
        element.string = _without_fetches(element.get_text(), warn).replace("<", r"\3c ")
    for name, value in [(name, str(value)) for name, value in element.attrs.items()]:
        is_fetched = name in _FETCHING and (name != "href" or element.name not in {"a", "area"})
        if name.lower().startswith("on") or _SCRIPT_ADDRESS.match(_SKIPPED_BY_BROWSERS.sub("", value)):
            warn(f"the attribute {name} of a <{element.name}> was left out: the page runs no script")
            del element[name]
        elif is_fetched and is_remote(value):
            warn(f"a <{element.name}> was cut off from {value[:80]}: the page loads nothing")
            del element[name]
        elif name == "style":
            element[name] = _without_fetches(value, warn)


def _without_fetches(style: str, warn: Warn) -> str:
    plain = _ESCAPED_IN_STYLE.sub(lambda escape: chr(int(escape[1], 16)), style)
    if not _FETCHED_BY_STYLE.search(plain):
        return style
    warn("a style was cut off from a file it loads: the page loads nothing")
    return _FETCHED_BY_STYLE.sub("", plain)


def _keep_inside(fragment: BeautifulSoup, picture: Tag, folder: Path, warn: Warn) -> None:
    """Write the file of a picture into it; one that cannot be inside becomes a link, or its text."""
    source = str(picture.get("src", ""))
    if source.startswith("data:"):
        return
    is_attachment = source.startswith("attachment:")
    alternative = str(picture.get("alt") or "picture")
    if is_remote(source) and not is_attachment:
        warn(f"the remote picture {source[:80]} is shown as a link")
        picture.replace_with(fragment.new_tag("a", href=source, string=alternative))
        return
    kind = mimetypes.guess_type(source)[0] or ""
    path = None if Path(source).is_absolute() else file_beside(folder, source)
    if kind.startswith("image/") and path is not None:
        picture["src"] = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
    else:
        place = "cell" if is_attachment else "notebook's folder"
        warn(f"the picture {source[:80]!r} was not found in the {place}")
        picture.replace_with(fragment.new_tag("em", string=alternative))
