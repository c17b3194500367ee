"""The headings and paragraphs of markdown, read once, by the parser: for menus, lists of lessons and slides."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from re import Match
from typing import Any, ClassVar

from mistune import BlockParser, BlockState, InlineParser, Markdown
from mistune.plugins import import_plugin

Token = Mapping[str, Any]

_TAGS = {"codespan": "code", "emphasis": "em", "strong": "strong", "strikethrough": "s"}
_UNSEEN = re.compile(r"<!--.*?-->|<(style|script)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_VERBATIM = re.compile(r"<(pre|textarea)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<h([1-6])\b[^>]*>(.*?)</h\1\s*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_PLAIN = {"text", "codespan", "emphasis", "strong"}


@dataclass(frozen=True)
class Heading:
    """A heading of a markdown text.

    Attributes:
        level: 1 to 6.
        label: what the reader sees, as inline HTML without links.
        text: the same without any tag.
        is_plain: only text, code and emphasis, which every front end reads alike (no formula, image or HTML).
        starts_cell: nothing that shows comes before it in its text.
        start: the place of its first character in its text, line ends counted as one; None for a heading inside a
            quotation or a list, and for one that is underlined.
        cell_id: the identifier of its cell; None in files older than nbformat 4.5.
    """

    level: int
    label: str
    text: str
    is_plain: bool
    starts_cell: bool
    start: int | None
    cell_id: str | None = None


def headings(source: str) -> list[Heading]:
    """Return the headings of a markdown text, in order, those in quotations and lists included."""
    blocks = [block for block in _blocks(source) if not _is_hidden(block)]
    return [
        Heading(
            level=token["attrs"]["level"],
            label="".join(map(_label, token["children"])).strip(),
            text=_text(token),
            is_plain=all(map(_is_plain, token["children"])),
            starts_cell=token is blocks[0],
            start=token.get("start"),
        )
        for token in _of_type("heading", blocks)
    ]


def notebook_headings(path: Path) -> list[Heading]:
    """Return every heading of the markdown cells of a notebook (nbformat 4), in order.

    The JSON is read as it is: validating it through nbformat costs a second in the first cell of a lesson.

    Raises:
        OSError: the file cannot be read.
    """
    cells = json.loads(path.read_text(encoding="utf-8")).get("cells", [])
    return [
        replace(heading, cell_id=cell.get("id"))
        for cell in cells
        if cell["cell_type"] == "markdown"
        for heading in headings("".join(cell["source"]))  # a file may hold a text as a list of lines
    ]


def paragraphs(source: str) -> list[str]:
    """Return the paragraphs of a markdown text as plain text on one line: no heading, list, code, table or HTML."""
    texts = (" ".join(_text(token).split()) for token in _blocks(source) if token["type"] == "paragraph")
    return [text for text in texts if text]


class _PlacingParser(BlockParser):
    # what pages are made with, nbconvert's parser: a title needs no space after its #, a formula has no titles inside
    SPECIFICATION: ClassVar = {
        **BlockParser.SPECIFICATION,
        "atx_heading": r"^ {0,3}(?P<atx_1>#{1,6})(?!#+)(?P<atx_2>[ \t]*(.*?)?)$",
        "formula": r"(?s:(?<!\\)[$]{2}.*?(?<!\\)[$]{2}|\\\\\[.*?\\\\\]|"
        r"\\begin\{(?P<environment>[a-z]*\*?)\}.*?\\end\{(?P=environment)\})",
    }
    DEFAULT_RULES: ClassVar = ("formula", *BlockParser.DEFAULT_RULES)  # type: ignore[assignment]

    def parse_formula(self, m: Match[str], state: BlockState) -> int:
        state.append_token({"type": "formula", "raw": m[0]})
        return m.end()

    def parse_atx_heading(self, m: Match[str], state: BlockState) -> int:
        end = super().parse_atx_heading(m, state)
        state.last_token()["start"] = m.start() if state.parent is None else None
        return end


@lru_cache(maxsize=1)
def _parser() -> Markdown:
    plugins = [import_plugin(name) for name in ("math", "strikethrough", "table")]
    return Markdown(renderer=None, block=_PlacingParser(), inline=InlineParser(), plugins=plugins)


def _blocks(source: str) -> list[Token]:
    blocks = _parser()(source)
    assert isinstance(blocks, list)
    return [block for block in blocks if block["type"] != "blank_line"]


def _is_hidden(block: Token) -> bool:
    return block["type"] == "block_html" and not _UNSEEN.sub("", block["raw"]).strip()


def _of_type(kind: str, blocks: Iterable[Token]) -> Iterator[Token]:
    for block in blocks:
        if block["type"] == kind:
            yield block
        elif kind == "heading" and block["type"] == "block_html":
            # the parts of a title of HTML: its tags, and the text between them
            for level, inner in _TITLE.findall(_VERBATIM.sub("", _UNSEEN.sub("", block["raw"]))):
                text = {"type": "text", "raw": _TAG.sub("", inner)}
                yield {"type": kind, "attrs": {"level": int(level)}, "children": [text, {"type": "inline_html"}]}
        else:
            yield from _of_type(kind, block.get("children", []))


def _label(token: Token) -> str:
    kind = token["type"]
    if kind in {"softbreak", "linebreak"}:
        return " "
    if kind == "inline_html":
        return ""
    inner = "".join(map(_label, token["children"])) if "children" in token else html.escape(_text(token))
    tag = _TAGS.get(kind)
    return f"<{tag}>{inner}</{tag}>" if tag else inner


def _text(token: Token) -> str:
    kind = token["type"]
    if kind in {"softbreak", "linebreak"}:
        return "\n"
    if kind in {"inline_html", "image"}:
        return ""
    if "children" in token:
        return "".join(map(_text, token["children"]))
    if kind == "inline_math":
        return f"${token['raw']}$"
    # character references (&eacute;) are markup in running text, not in code
    return str(token["raw"]) if kind == "codespan" else html.unescape(token["raw"])


def _is_plain(token: Token) -> bool:
    return token["type"] in _PLAIN and all(map(_is_plain, token.get("children", [])))
