"""Write markdown as the comments of a script."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

WIDTH = 88
_HEADING = re.compile(r"#{1,6}\s+(?P<text>.+)")
_LIST_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
_EMBEDDED = re.compile(r"\]\(\s*(?:data|attachment):[^)]*\)")
_FENCES = ("```", "~~~", "$$")


def comment_lines(markdown: str, width: int = WIDTH) -> list[str]:
    """Return the lines of a comment that says what a text cell says.

    Paragraphs and lists are wrapped at ``width`` columns; code, tables and formulas keep their lines, headings
    are underlined, and pictures embedded in the text are left out.
    """
    lines: list[str] = []
    for block in _blocks(_EMBEDDED.sub("]", markdown)):
        lines += ["", *_block_lines(block, width - len("# "))]
    return [f"# {line}".rstrip() for line in lines[1:]]


def _blocks(text: str) -> Iterator[list[str]]:
    """Yield the runs of lines that belong together: a paragraph, a list item, a table, a fenced block, a heading."""
    block: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = next((mark for mark in _FENCES if line.lstrip().startswith(mark)), "")
        if fence:
            block.append(line)
            closes = line.rstrip().endswith(fence)
            fence = "" if closes else fence
            continue
        if not line.strip() or _HEADING.match(line) or mark:
            if block:
                yield block
            block = []
        if line.strip():
            block.append(line)
        opens = bool(mark) and line.count(mark) < 2
        fence = mark if opens else ""
        if block and _HEADING.match(block[0]):
            yield block
            block = []
    if block:
        yield block


def _block_lines(block: list[str], width: int) -> list[str]:
    first = block[0].lstrip()
    heading = _HEADING.match(first)
    if heading:
        return [heading["text"], "-" * min(len(heading["text"]), width)]
    if first.startswith((*_FENCES, "|", "<")) or block[0].startswith("    "):
        return block
    return [line for item in _items(block) for line in _wrapped(item, width)]


def _items(block: list[str]) -> list[str]:
    """Return the paragraphs of a block: each list item is one, with the lines that continue it."""
    items: list[str] = []
    for line in block:
        if not items or _LIST_ITEM.match(line):
            items.append(line.rstrip())
        else:
            items[-1] += f" {line.strip()}"
    return items


def _wrapped(item: str, width: int) -> list[str]:
    found = _LIST_ITEM.match(item)
    hanging = " " * len(found[0]) if found else ""
    return textwrap.wrap(item, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)
