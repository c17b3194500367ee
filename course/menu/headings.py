"""The headings of a notebook, read from its file."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

Token = Mapping[str, Any]

_TAGS = {"codespan": "code", "emphasis": "em", "strong": "strong", "strikethrough": "s"}
_PLAIN = {"text", "codespan", "emphasis", "strong"}


@dataclass(frozen=True)
class Heading:
    """A heading of a markdown cell.

    Attributes:
        level: 1 to 6.
        label: what the reader sees, as inline HTML without links.
        text: the same without any tag.
        is_plain: only text, code and emphasis, which every front end reads alike (no formula, image or HTML).
        cell_id: the identifier of its cell; None in files older than nbformat 4.5.
        starts_cell: nothing comes before it in its cell.
    """

    level: int
    label: str
    text: str
    is_plain: bool
    cell_id: str | None
    starts_cell: bool


def notebook_headings(path: Path) -> list[Heading]:
    """Return every heading of the markdown cells of a notebook (nbformat 4), in order.

    The JSON is read as it is: validating it through nbformat costs a second in the first cell of a lesson.

    Raises:
        OSError: the file cannot be read.
    """
    parse = _markdown_parser()
    cells = json.loads(path.read_text(encoding="utf-8")).get("cells", [])
    return [heading for cell in cells if cell["cell_type"] == "markdown" for heading in _cell_headings(cell, parse)]


def _markdown_parser() -> Callable[[str], list[Token]]:
    import mistune

    return cast(
        "Callable[[str], list[Token]]",
        mistune.create_markdown(renderer=None, plugins=["math", "strikethrough", "table"]),
    )


def _cell_headings(cell: Token, parse: Callable[[str], list[Token]]) -> Iterator[Heading]:
    source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
    blocks = [block for block in parse(source) if block["type"] != "blank_line"]
    for token in _heading_tokens(blocks):
        inline = token["children"]
        yield Heading(
            level=token["attrs"]["level"],
            label="".join(map(_label, inline)).strip(),
            text="".join(map(_text, inline)),
            is_plain=all(map(_is_plain, inline)),
            cell_id=cell.get("id"),
            starts_cell=token is blocks[0],
        )


def _heading_tokens(blocks: Iterable[Token]) -> Iterator[Token]:
    for block in blocks:
        if block["type"] == "heading":
            yield block
        else:
            yield from _heading_tokens(block.get("children", []))


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
