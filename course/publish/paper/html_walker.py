"""Turn HTML, from Markdown or an output, and its formulas into Typst; brackets are balanced whatever the tree."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from bs4 import CData, Tag
from bs4.element import NavigableString

from course.publish.lessons import file_beside
from course.publish.markdown import HEADINGS
from course.publish.paper.compiler import EMPTY, block, call, literal, paragraph
from course.publish.paper.formulas import formula
from course.publish.paper.images import image, read_address
from course.publish.paper.monospaced import code_block, text_output
from course.publish.paper.table_setting import look_of, read_rules, table
from course.publish.table_grid import size_line

if TYPE_CHECKING:
    from course.publish.paper.column import Context

# Beyond this a page is hostile: Typst and Python both have a limit on nesting.
_DEEPEST = 30
_SPACES = re.compile(r"[ \t\r\n\f]+")
# A word of 45 characters or more may be broken at every twelfth.
_LONG_TOKEN = re.compile(r"(\S{45,})")
_BREAKABLE = re.compile(r".{1,12}")
_LINKED = frozenset(("http", "https", "mailto", "ftp"))
_INVISIBLE = frozenset(("head", "title", "noscript", "template", "button", "select", "option", "textarea", "canvas"))
_PARAGRAPHS = frozenset(
    ("div", "section", "article", "main", "figure", "header", "footer", "center", "figcaption", "li", "tr", "caption",
     "dt", "dd")
)  # fmt: skip
# The Typst function, or the function of the templates, around what an element holds.
_WRAPPERS = {
    "strong": "strong", "b": "strong", "summary": "strong", "em": "emph", "i": "emph", "cite": "emph", "var": "emph",
    "del": "strike", "s": "strike", "u": "underline", "ins": "underline", "mark": "highlight", "small": "small",
    "sub": "sub", "sup": "super", "kbd": "key", "blockquote": "quotation",
}  # fmt: skip
_PAINTED = frozenset(("span", "b", "strong", "em", "i", "p", "div", "code"))


def label_of(anchor: str) -> str:
    """Return the Typst label of the heading that a link to ``#anchor`` leads to."""
    return call("label", literal(f"heading {anchor}"))


class HtmlWalker:
    """Walks one tree."""

    def __init__(self, context: Context, tree: Tag) -> None:
        self.context = context
        self._rules = read_rules(tree)
        self._tree = tree
        self._depth = 0
        self._setters: dict[str, Callable[[Tag], str]] = {
            "p": self._paragraph,
            **dict.fromkeys(HEADINGS, self._heading),
            **dict.fromkeys(("ul", "ol"), self._list),
            "pre": self._preformatted,
            "details": self._details,
            "a": self._link,
            **dict.fromkeys(("img", "iframe", "video", "audio", "source", "embed"), self._picture),
            "x-svg": lambda tag: image(str(tag["data-source"]).encode("utf-8", "replace"), "svg", context, "", {}),
            "x-math": lambda tag: formula(context.parts.formulas[int(str(tag["data-number"]))], context.parts),
            "table": lambda tag: table(tag, context, self._rules, self._children),
            **dict.fromkeys(("code", "tt", "samp"), lambda tag: call("inline-code", flowing(tag.get_text()) or EMPTY)),
            **dict.fromkeys(("td", "th"), lambda tag: block([self._children(tag), "[ ]"])),
            "input": lambda tag: (
                literal("☑ " if tag.has_attr("checked") else "☐ ") if tag.get("type") == "checkbox" else ""
            ),
            "hr": lambda _tag: "rule()",
            "br": lambda _tag: "linebreak()",
            "wbr": lambda _tag: "may-break",
        }

    def walk(self) -> str:
        """Return the Typst expression of the whole tree."""
        return self._children(self._tree)

    def _children(self, tag: Tag, without: Tag | None = None) -> str:
        if self._depth >= _DEEPEST:
            return flowing(tag.get_text()) or EMPTY
        self._depth += 1
        try:
            return block(self._node(node) for node in tag.children if node is not without)
        finally:
            self._depth -= 1

    def _node(self, node: Any) -> str:
        if not isinstance(node, Tag):
            # Comments, doctypes and scripts are subclasses that do not show.
            return flowing(str(node)) if type(node) in (NavigableString, CData) else ""
        look = look_of(node, {})
        if node.name in _INVISIBLE or look.hidden:
            return ""
        content = self._element(node)
        if node.name not in _PAINTED or content == EMPTY:
            return content
        if look.color:
            content = call("text", content, fill=look.color)
        return call("swatch", look.fill, content) if look.fill and node.name in ("span", "code") else content

    def _element(self, tag: Tag) -> str:
        if tag.name in self._setters:
            return self._setters[tag.name](tag)
        content = self._children(tag)
        if tag.name in _WRAPPERS:
            return EMPTY if content == EMPTY else call(_WRAPPERS[tag.name], content)
        if tag.name in _PARAGRAPHS:
            return paragraph(self._alert(tag, content))
        return content

    @staticmethod
    def _alert(tag: Tag, content: str) -> str:
        classes = [str(name) for name in tag.get_attribute_list("class") if name]
        if content == EMPTY or not {"alert", "admonition"}.intersection(classes):
            return content
        kinds = [name.removeprefix("alert-") for name in classes if name.startswith("alert-") and name != "alert-block"]
        return call("alert", content, kind=literal(kinds[0] if kinds else "info"))

    def _paragraph(self, tag: Tag) -> str:
        above = tag.find_previous_sibling("table")
        # What pandas says below a table is in the table's own note.
        return EMPTY if above is not None and size_line(above) is tag else paragraph(self._children(tag))

    def _heading(self, tag: Tag) -> str:
        level = max(1, int(tag.name[1]) - self.context.heading_offset)
        content, anchor = self._children(tag), str(tag.get("id", ""))
        if content == EMPTY:
            return EMPTY
        label = f"#{label_of(anchor)}" if anchor in self.context.anchors else ""
        return f"[#{call('heading', content, level=str(level))}{label}]"

    def _list(self, tag: Tag) -> str:
        items = [self._children(item) for item in tag.find_all("li", recursive=False)]
        if not items:
            return self._children(tag)
        start = str(tag.get("start", "1"))
        start = start if start.isascii() and start.isdigit() and len(start) < 10 else "1"
        return call("list", *items) if tag.name == "ul" else call("enum", *items, start=start)

    def _preformatted(self, tag: Tag) -> str:
        language = tag.get("data-language")
        if language is not None:
            return code_block(tag.get_text(), str(language), self.context)
        return text_output(tag.get_text(), self.context)

    def _details(self, tag: Tag) -> str:
        summary = tag.find("summary", recursive=False)
        title = self._children(summary) if summary is not None else EMPTY
        return call("details", title, self._children(tag, without=summary))

    def _link(self, tag: Tag) -> str:
        content, address = self._children(tag), str(tag.get("href", "")).strip()
        if content == EMPTY or not address:
            return content
        if address.startswith("#"):
            anchor = unquote(address[1:])
            return call("link", label_of(anchor), content) if anchor in self.context.anchors else content
        if _scheme(address):
            return call("link", literal(address), content) if _scheme(address) in _LINKED else content
        # A lesson beside this one is linked to in the format it is read in.
        path = address.partition("#")[0]
        if path.endswith(".ipynb") and not file_beside(self.context.folder, path):
            self.context.parts.warn(f"the link to {path[:80]} leads nowhere: there is no such notebook")
        return call("link", literal(f"{path[:-6]}.pdf" if path.endswith(".ipynb") else address), content)

    def _picture(self, tag: Tag) -> str:
        """Set an image; one on the network, a film or a page inside the page is a link."""
        address, alt = str(tag.get("src", "")), str(tag.get("alt", "") or tag.get("title", ""))
        found = read_address(address, self.context.folder)
        if found is not None:
            around = tag.parent if tag.parent and tag.parent.name in ("p", "a", "td", "th", "li", "span") else None
            inline = around is not None and bool(around.get_text().strip())
            return image(*found, self.context, alt, tag.attrs, inline=inline)
        name = alt or ("data" if address.startswith("data:") else address)
        if _scheme(address) in _LINKED:
            kind = "picture" if tag.name == "img" else f"<{tag.name}>"
            self.context.parts.warn(f"the remote {kind} {address[:80]} is shown as a link")
            return call("link", literal(address), literal(name))
        if tag.name != "img":
            if address:
                self.context.parts.warn(f"the file {address[:80]!r} of a <{tag.name}> is shown as a link")
            return call("link", literal(address), literal(name)) if address else self._children(tag)
        self.context.parts.warn(self.context.words("missing_image", name=address[:80] or name))
        return call("missing", literal(self.context.words("missing_image", name=name[:80])))


def _scheme(address: str) -> str:
    try:
        return urlsplit(address).scheme
    except ValueError:
        return "invalid"


def flowing(text: str) -> str:
    """Return running text: white space collapses as in a browser, very long words may be broken anywhere."""
    collapsed = _SPACES.sub(" ", text)
    words = collapsed.strip(" ")
    if not words:
        return "[ ]" if collapsed else ""
    pieces = ["[ ]" if collapsed.startswith(" ") else ""]
    for at, piece in enumerate(_LONG_TOKEN.split(words)):
        if at % 2:
            pieces += [part for few in _BREAKABLE.findall(piece) for part in (literal(few), "may-break")]
        else:
            pieces.append(literal(piece))
    return block([*pieces, "[ ]" if collapsed.endswith(" ") else ""])
