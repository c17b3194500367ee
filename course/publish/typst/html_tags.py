"""What each HTML element becomes in Typst."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from course.publish.table_grid import size_line
from course.publish.typst.anchors import label_of
from course.publish.typst.code import code_block, text_output
from course.publish.typst.images import image, read_address
from course.publish.typst.markup import EMPTY, block, call, literal
from course.publish.typst.mathematics import formula
from course.publish.typst.tables import table

if TYPE_CHECKING:
    from bs4 import Tag

    from course.publish.typst.html_walker import HtmlWalker

Handler = Callable[["HtmlWalker", "Tag"], str]
INVISIBLE = frozenset(
    ("script", "style", "template", "head", "noscript", "link", "meta", "title", "button", "select", "option",
     "textarea", "canvas", "param", "source", "track", "col", "colgroup")
)  # fmt: skip
_LINKED = frozenset(("http", "https", "mailto", "ftp"))


def _wrapping(function: str) -> Handler:
    def handler(walker: HtmlWalker, tag: Tag) -> str:
        content = walker.children(tag)
        return EMPTY if content == EMPTY else call(function, content)

    return handler


def _paragraph(walker: HtmlWalker, tag: Tag) -> str:
    above = tag.find_previous_sibling("table")
    if above is not None and size_line(above) is tag:
        # The table above says it in its own note.
        return EMPTY
    return block(["parbreak()", walker.children(tag), "parbreak()"])


def _heading(walker: HtmlWalker, tag: Tag) -> str:
    level = max(1, int(tag.name[1]) - walker.context.heading_offset)
    content = walker.children(tag)
    if content == EMPTY:
        return EMPTY
    anchor = str(tag.get("id", ""))
    label = f"#{label_of(anchor)}" if anchor in walker.context.anchors else ""
    return f"[#{call('heading', content, level=str(level))}{label}]"


def _list(walker: HtmlWalker, tag: Tag) -> str:
    items = [walker.children(item) for item in tag.find_all("li", recursive=False)]
    if not items:
        return walker.children(tag)
    if tag.name == "ul":
        return call("list", *items)
    start = str(tag.get("start", "1"))
    return call("enum", *items, start=start if start.isascii() and start.isdigit() and len(start) < 10 else "1")


def _item(walker: HtmlWalker, tag: Tag) -> str:
    return block(["parbreak()", walker.children(tag), "parbreak()"])


def _checkbox(_walker: HtmlWalker, tag: Tag) -> str:
    return literal("☑ " if tag.get("checked") is not None else "☐ ") if tag.get("type") == "checkbox" else ""


def _definitions(walker: HtmlWalker, tag: Tag) -> str:
    term, items = EMPTY, []
    for child in tag.find_all(["dt", "dd"], recursive=False):
        if child.name == "dt":
            term = walker.children(child)
        else:
            items.append(call("terms.item", term, walker.children(child)))
    return call("terms", *items) if items else walker.children(tag)


def _preformatted(walker: HtmlWalker, tag: Tag) -> str:
    language = tag.get("data-language")
    if language is not None:
        return code_block(tag.get_text(), str(language), walker.context)
    return text_output(tag.get_text(), walker.context)


def _math(walker: HtmlWalker, tag: Tag) -> str:
    return formula(tag.get_text(), walker.context.parts, display=tag.get("data-display") is not None)


def _division(walker: HtmlWalker, tag: Tag) -> str:
    classes = [str(name) for name in tag.get_attribute_list("class") if name]
    kinds = [name.removeprefix("alert-") for name in classes if name.startswith("alert-") and name != "alert-block"]
    content = walker.children(tag)
    if content == EMPTY:
        return EMPTY
    if "alert" in classes or "admonition" in classes:
        return call("alert", content, kind=literal(kinds[0] if kinds else "info"))
    return block(["parbreak()", content, "parbreak()"])


def _details(walker: HtmlWalker, tag: Tag) -> str:
    summary = tag.find("summary", recursive=False)
    title = walker.children(summary) if summary is not None else EMPTY
    return call("details", title, walker.children(tag, without=summary))


def _link(walker: HtmlWalker, tag: Tag) -> str:
    content, address = walker.children(tag), str(tag.get("href", "")).strip()
    if content == EMPTY:
        return EMPTY
    if address.startswith("#"):
        anchor = unquote(address[1:])
        return call("link", label_of(anchor), content) if anchor in walker.context.anchors else content
    if not address or (urlsplit_scheme(address) not in _LINKED and urlsplit_scheme(address)):
        return content
    return call("link", literal(_published(address)), content)


def urlsplit_scheme(address: str) -> str:
    """Return the scheme of an address, ``invalid`` when it cannot be read."""
    try:
        return urlsplit(address).scheme
    except ValueError:
        return "invalid"


def _published(address: str) -> str:
    """Return the address to print: a lesson beside this one is linked to in the format it is read in."""
    path, mark, fragment = address.partition("#")
    if path.endswith(".ipynb") and not urlsplit_scheme(address):
        return path.removesuffix(".ipynb") + ".pdf"
    return path + mark + fragment


def _image(walker: HtmlWalker, tag: Tag) -> str:
    context, address, alt = walker.context, str(tag.get("src", "")), str(tag.get("alt", "") or tag.get("title", ""))
    found = read_address(address, context.folder)
    if found is not None:
        return image(*found, context, alt, dict(tag.attrs), inline=_has_text_around(tag))
    name = alt or ("data" if address.startswith("data:") else address)
    if urlsplit_scheme(address) in _LINKED:
        return call("link", literal(address), literal(name))
    context.parts.warn(context.captions.missing_image.format(name=address[:80] or name))
    return call("missing", literal(context.captions.missing_image.format(name=name[:80])))


def _has_text_around(tag: Tag) -> bool:
    parent = tag.parent
    return (
        parent is not None and parent.name in ("p", "a", "td", "th", "li", "span") and bool(parent.get_text().strip())
    )


def _svg(walker: HtmlWalker, tag: Tag) -> str:
    return image(str(tag.get("data-source", "")).encode("utf-8", "replace"), "svg", walker.context, "")


def _media(walker: HtmlWalker, tag: Tag) -> str:
    source: Any = tag if tag.get("src") or tag.get("data") else tag.find("source") or tag
    address = str(source.get("src") or source.get("data") or "")
    if urlsplit_scheme(address) not in _LINKED:
        return walker.children(tag)
    text = literal(walker.context.captions.media.format(kind=tag.name, address=address))
    return call("link", literal(address), text)


def _table(walker: HtmlWalker, tag: Tag) -> str:
    return table(tag, walker.context, walker.rules, walker.children)


def _code(_walker: HtmlWalker, tag: Tag) -> str:
    from course.publish.typst.html_walker import flowing

    return call("inline-code", flowing(tag.get_text()) or EMPTY)


BLOCKS: dict[str, Handler] = {
    "p": _paragraph,
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), _heading),
    **dict.fromkeys(("ul", "ol"), _list),
    "li": _item,
    "dl": _definitions,
    "pre": _preformatted,
    **dict.fromkeys(
        ("div", "section", "article", "main", "figure", "header", "footer", "center", "figcaption"), _division
    ),
    "details": _details,
    "summary": _wrapping("strong"),
    "blockquote": _wrapping("quotation"),
    "hr": lambda _walker, _tag: "rule()",
    "table": _table,
    **dict.fromkeys(("tr", "caption"), _item),
    **dict.fromkeys(("td", "th"), lambda walker, tag: block([walker.children(tag), "[ ]"])),
}
INLINES: dict[str, Handler] = {
    **dict.fromkeys(("strong", "b"), _wrapping("strong")),
    **dict.fromkeys(("em", "i", "cite", "var", "dfn"), _wrapping("emph")),
    **dict.fromkeys(("del", "s", "strike"), _wrapping("strike")),
    **dict.fromkeys(("u", "ins"), _wrapping("underline")),
    "mark": _wrapping("highlight"),
    "small": _wrapping("small"),
    "sub": _wrapping("sub"),
    "sup": _wrapping("super"),
    **dict.fromkeys(("code", "tt", "samp"), _code),
    "kbd": _wrapping("key"),
    "q": lambda walker, tag: block([literal("“"), walker.children(tag), literal("”")]),
    "br": lambda _walker, _tag: "linebreak()",
    "wbr": lambda _walker, _tag: "may-break",
    "a": _link,
    "img": _image,
    "input": _checkbox,
    "x-svg": _svg,
    "x-math": _math,
    **dict.fromkeys(("iframe", "video", "audio", "embed", "object"), _media),
}
