"""Turn a tree of HTML, from markdown or from an output, into Typst."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bs4 import CData, Tag
from bs4.element import NavigableString

from course.publish.typst.html_tags import BLOCKS, INLINES, INVISIBLE
from course.publish.typst.markup import EMPTY, block, call, literal
from course.publish.typst.stylesheet import Declarations, look_of, read_rules

if TYPE_CHECKING:
    from course.publish.typst.parts import Context

# Beyond this a page is hostile: Typst and Python both have a limit on nesting.
_DEEPEST = 30
_SPACES = re.compile(r"[ \t\r\n\f]+")
_LONG_TOKEN = re.compile(r"[^\s]{45,}")
_BREAK_EVERY = 12


class HtmlWalker:
    """Walks one tree; brackets are balanced by construction, whatever the tree."""

    def __init__(self, context: Context, tree: Tag) -> None:
        self.context = context
        self.rules: dict[str, Declarations] = read_rules(tree)
        self._tree = tree
        self._depth = 0

    def walk(self) -> str:
        """Return the Typst expression of the whole tree."""
        return self.children(self._tree)

    def children(self, tag: Tag, without: Tag | None = None) -> str:
        """Return the Typst expression of what a tag holds, one of its children possibly left out."""
        if self._depth >= _DEEPEST:
            return flowing(tag.get_text()) or EMPTY
        self._depth += 1
        try:
            return block(self._node(node) for node in tag.children if node is not without)
        finally:
            self._depth -= 1

    def _node(self, node: Any) -> str:
        if isinstance(node, Tag):
            return self._tag(node)
        # Comments, doctypes and scripts are subclasses that do not show.
        return flowing(str(node)) if type(node) in (NavigableString, CData) else ""

    def _tag(self, tag: Tag) -> str:
        if tag.name in INVISIBLE:
            return ""
        handler: Callable[[HtmlWalker, Tag], str] | None = BLOCKS.get(tag.name) or INLINES.get(tag.name)
        look = look_of(tag, {})
        if look.hidden:
            return ""
        content = handler(self, tag) if handler else self.children(tag)
        if tag.name in ("span", "font", "b", "strong", "em", "i", "p", "div", "code") and content != EMPTY:
            content = self._painted(content, tag, look.color, look.fill if tag.name in ("span", "code") else None)
        return content

    @staticmethod
    def _painted(content: str, tag: Tag, color: str | None, fill: str | None) -> str:
        if tag.name == "font" and not color:
            color = look_of(Tag(name="span", attrs={"style": f"color:{tag.get('color', '')}"}), {}).color
        if color:
            content = call("text", content, fill=color)
        return call("swatch", fill, content) if fill else content


def flowing(text: str) -> str:
    """Return running text: white space collapses as in a browser, very long words may be broken anywhere."""
    collapsed = _SPACES.sub(" ", text)
    if not collapsed.strip(" "):
        return "[ ]" if collapsed else ""
    pieces = ["[ ]" if collapsed.startswith(" ") else "", *_broken(collapsed.strip(" "))]
    return block([*pieces, "[ ]" if collapsed.endswith(" ") else ""])


def _broken(text: str) -> list[str]:
    pieces: list[str] = []
    at = 0
    for match in _LONG_TOKEN.finditer(text):
        pieces.append(literal(text[at : match.start()]))
        token = match[0]
        for start in range(0, len(token), _BREAK_EVERY):
            pieces += [literal(token[start : start + _BREAK_EVERY]), "may-break"]
        at = match.end()
    return [*pieces, literal(text[at:])]
