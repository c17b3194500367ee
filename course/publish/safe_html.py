"""Make HTML fit for a file that stands alone: balanced, no script, nothing fetched, links between lessons mended."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
import warnings
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.publish.lessons import file_beside

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

Warn = Callable[[str], object]

NO_DESCRIPTION = "Picture without a description"
# they run, load, lead elsewhere, change other elements, or hold text that a browser ends elsewhere than a parser
_LEFT_OUT = (
    "script", "iframe", "frame", "frameset", "fencedframe", "portal", "object", "embed", "applet", "link", "base",
    "meta", "noscript", "noembed", "noframes", "xmp", "plaintext", "template", "handler", "listener", "set", "discard",
    re.compile("^animate"),
)  # fmt: skip
_FETCHING = {"src", "srcset", "data", "poster", "background", "href", "xlink:href", "lowsrc", "dynsrc"}
_STYLING = {
    "style",
    "fill",
    "stroke",
    "filter",
    "mask",
    "clip-path",
    "cursor",
    "marker-start",
    "marker-mid",
    "marker-end",
}
_SENDING = {"action", "formaction", "ping"}
# reveal.js loads these addresses, and writes these notes as HTML
RUN_BY_REVEAL = re.compile(r"data-(src|lazy-src|preview-|background-(iframe|video)|notes$|markdown$)")
# neither a section of text nor a condition of old browsers
_NO_SECTION = re.compile(r"<(?=!\[(?!CDATA\[|(?i:if|else|endif)[\s\]]))")
NAME = re.compile(r"[A-Za-z_:][-\w.:]*")
_SKIPPED_BY_BROWSERS = re.compile(r"[\x00-\x20]+")
_REMOTE = re.compile(r"(?!data:)[a-z][a-z0-9+.-]*:|[/\\]{2}", re.IGNORECASE)
_SCRIPT_ADDRESS = re.compile(r"(?:javascript|vbscript):", re.IGNORECASE)
_NO_LINK = re.compile(r"(?!(?:https?|mailto|ftp|tel):)[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_LOADS = re.compile(r"url|src|image|cross-fade")
_WITHIN = re.compile(r"\s*(?:data:|#)", re.IGNORECASE)
_MAY_FETCH = re.compile(rf"\\|@|position|{_LOADS.pattern}", re.IGNORECASE)
_WIDE_LINE = 40
_TALL_TEXT = 20


def safe_fragment(html: str, folder: Path, warn: Warn, where: str) -> BeautifulSoup:
    """Return the tree of a piece of HTML; unclosed elements are closed, pictures of ``folder`` inside and described.

    ``warn`` is told in one line what was left out, ``where`` says to the author which cell it comes from.
    """
    fragment = _parsed(html)
    for element in fragment.find_all(lambda element: element.name == "form" or not NAME.fullmatch(element.name)):
        element.unwrap()  # a page has nobody to send a form to
    for element in fragment.find_all(_LEFT_OUT):
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


def _parsed(html: str) -> BeautifulSoup:
    """Return the tree of a piece of HTML, comments and declarations left out."""
    from bs4 import BeautifulSoup, UnusualUsageWarning
    from bs4.element import PreformattedString

    with warnings.catch_warnings():
        # an output may be nothing but an address, a file name or XML
        warnings.simplefilter("ignore", UnusualUsageWarning)
        fragment = BeautifulSoup(without_open_marks(html), "html.parser")
    # a browser may end a comment or a declaration earlier than the parser that reads it here
    for text in fragment.find_all(string=lambda text: isinstance(text, PreformattedString)):
        text.extract()
    return fragment


def without_open_marks(html: str) -> str:
    """Write as text what begins like a mark and never ends: Python's parsers drop it, keep it or refuse the whole."""
    html = _NO_SECTION.sub("&lt;", html)
    parser = HTMLParser()
    parser.feed(html)  # it keeps what has not ended
    ended = len(html) - len(parser.rawdata)
    return html[:ended] + re.sub(r"&(?=[A-Za-z]\Z)", "&amp;", html[ended:].replace("<", "&lt;"))


def policy(*scripts: str, frames: str = "'none'") -> str:
    """Return the content security policy of a file: only these scripts run, nothing is fetched or sent.

    A script that slipped in stays dead text. ``frames`` are the sources of what the file may show in frames.
    """
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii") for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; object-src 'none'; connect-src 'none'; "
        "img-src data:; media-src data:; font-src data:; style-src 'unsafe-inline'; "
        f"frame-src {frames}; script-src {allowed}"
    )


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
        element.string = without_fetches(element.get_text(), warn).replace("<", r"\3c ")
    for name, value in [(name, str(value)) for name, value in element.attrs.items()]:
        reason = _reason_against(element, name, value)
        if reason:
            warn(f"the attribute {name} of a <{element.name}> was left out: {reason}")
            del element[name]
        elif name in _STYLING:
            element[name] = without_fetches(value, warn)


def _reason_against(element: Tag, name: str, value: str) -> str:
    """Return why an attribute cannot stay, or nothing."""
    address = _SKIPPED_BY_BROWSERS.sub("", value)
    is_link = element.name in {"a", "area"} and name in {"href", "xlink:href"}
    if name.lower().startswith("on") or _SCRIPT_ADDRESS.match(address) or not NAME.fullmatch(name):
        return "the page runs no script"
    if name in _SENDING or (is_link and _NO_LINK.match(address)):
        return "the page leads to pages and mail only"
    is_fetched = name in _FETCHING or name.startswith("data-background")
    if (is_fetched and not is_link and is_remote(value)) or name == "srcset" or RUN_BY_REVEAL.match(name):
        return f"it asks for {value[:80]}, and the page loads nothing"
    if name == "name" and element.name == "img":
        return f"document.{value[:80]} would be this element"
    return ""


def without_fetches(style: str, warn: Warn) -> str:
    """Return a style that loads no file, nor leaves its place to cover the page; as it was where it does neither."""
    if not _MAY_FETCH.search(style):
        return style
    import tinycss2  # type: ignore[import-untyped]

    nodes = tinycss2.parse_component_value_list(style)
    if not _disarm(nodes):
        return style
    warn("a style was cut off from a file it loads, or from a fixed place: the page loads nothing and covers nothing")
    return str(tinycss2.serialize(nodes))


def _disarm(nodes: list[Any]) -> bool:
    """Replace in place what loads a file or fixes a place, also within blocks; tell whether anything did."""
    from tinycss2 import parse_one_component_value

    found, before = False, ""
    for place, node in enumerate(nodes):
        inside = getattr(node, "content", None) or getattr(node, "arguments", None) or []
        word = node.lower_value if node.type == "ident" else str(node.value) if node.type == "literal" else ""
        is_loading = node.type == "function" and _LOADS.search(node.lower_name)
        texts = [node] if node.type == "url" else [one for one in inside if is_loading and one.type == "string"]
        is_import = node.type == "at-keyword" and node.lower_value == "import"
        is_fixed = before.endswith("position:") and word in {"fixed", "sticky"}
        if is_import or is_fixed or node.type == "error" or not all(_WITHIN.match(text.value) for text in texts):
            nodes[place] = parse_one_component_value("@none" if is_import else "none")
            found = True
        elif _disarm(inside):
            found = True
        if node.type not in {"whitespace", "comment"}:
            before = before[-9:] + word if word else ""
    return found


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
