"""Make a fragment of HTML safe to keep in one file: no script, nothing fetched from elsewhere."""

from __future__ import annotations

import base64
import mimetypes
import re
from pathlib import Path
from typing import TYPE_CHECKING

from course.publish.lessons import file_beside

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

    from course.publish.page import Page

_ACTIVE = ["script", "iframe", "frame", "object", "embed", "link", "base", "meta", "noscript"]
_REMOTE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_SCRIPT_ADDRESS = re.compile(r"\s*(?:javascript|vbscript):", re.IGNORECASE)
_FETCHED_BY_STYLE = re.compile(r"""@import[^;]*;?|url\(\s*(?!['"]?\s*(?:data:|\#))[^)]*\)""", re.IGNORECASE)
_FETCHING = {"src", "srcset", "data", "poster", "background", "href", "xlink:href", "action", "formaction", "ping"}


def is_remote(address: str) -> bool:
    """Tell whether an address points to another machine."""
    return bool(_REMOTE.match(address))


def remove_comments(fragment: BeautifulSoup) -> None:
    """Remove comments and declarations: a browser may end one earlier than the parser that reads it here."""
    from bs4.element import PreformattedString

    for text in fragment.find_all(string=lambda text: isinstance(text, PreformattedString)):
        text.extract()


def remove_scripts(fragment: BeautifulSoup, page: Page) -> None:
    """Remove scripts, frames, event attributes and ``javascript:`` addresses, with a warning."""
    for element in fragment.find_all(_ACTIVE):
        page.warn(f"a <{element.name}> was left out: the page holds no script and loads nothing")
        element.decompose()
    for element in fragment.find_all(True):
        for name, value in list(element.attrs.items()):
            if name.lower().startswith("on") or _SCRIPT_ADDRESS.match(str(value)):
                page.warn(f"the attribute {name} of a <{element.name}> was left out: the page runs no script")
                del element[name]


def remove_remote(fragment: BeautifulSoup, page: Page) -> None:
    """Remove every address the browser would fetch by itself; links in the text stay."""
    for picture in fragment.find_all("img"):
        _keep_inside(fragment, picture, page)
    for element in fragment.find_all(True):
        if element.has_attr("style"):
            element["style"] = _without_fetches(str(element["style"]), page)
        for name in _FETCHING.intersection(element.attrs) - ({"href"} if element.name in {"a", "area"} else set()):
            if is_remote(str(element[name])):
                page.warn(f"a <{element.name}> was cut off from {str(element[name])[:80]}: the page loads nothing")
                del element[name]
    for style in fragment.find_all("style"):
        style.string = _without_fetches(style.get_text(), page)


def _keep_inside(fragment: BeautifulSoup, picture: Tag, page: Page) -> None:
    source = str(picture.get("src", ""))
    if source.startswith("data:"):
        return
    inlined = "" if is_remote(source) else _picture_data(source, page.folder)
    if inlined:
        picture["src"] = inlined
        return
    alternative = str(picture.get("alt") or "picture")
    if is_remote(source):
        page.warn(f"the remote picture {source[:80]} is shown as a link")
        shown = fragment.new_tag("a", href=source)
    else:
        place = "cell" if source.startswith("attachment:") else "notebook's folder"
        page.warn(f"the picture {source[:80]!r} was not found in the {place}")
        shown = fragment.new_tag("em")
    shown.string = alternative
    picture.replace_with(shown)


def _picture_data(source: str, folder: Path) -> str:
    """Return the ``data:`` address of a picture beside the notebook, nothing if there is no such picture."""
    kind = mimetypes.guess_type(source)[0] or ""
    path = None if Path(source).is_absolute() else file_beside(folder, source)
    if not kind.startswith("image/") or path is None:
        return ""
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _without_fetches(style: str, page: Page) -> str:
    kept = _FETCHED_BY_STYLE.sub("", style)
    if kept != style:
        page.warn("a style was cut off from a file it loads: the page loads nothing")
    return kept
