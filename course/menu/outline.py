"""Headings as a nested HTML list."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course.headings import Heading


@dataclass
class _Item:
    heading: Heading
    link: str
    children: list[_Item] = field(default_factory=list)


def nested_list(entries: Iterable[tuple[Heading, str]]) -> str:
    """Return ``<ul>`` lists, one inside the other by level, of pairs (heading, href).

    A skipped level (2 then 4) nests by one list only, so that every ``<ul>`` sits inside a ``<li>``.
    """
    return _render(_tree(entries))


def _tree(entries: Iterable[tuple[Heading, str]]) -> list[_Item]:
    roots: list[_Item] = []
    ancestors: list[_Item] = []
    for heading, link in entries:
        item = _Item(heading, link)
        while ancestors and ancestors[-1].heading.level >= heading.level:
            ancestors.pop()
        (ancestors[-1].children if ancestors else roots).append(item)
        ancestors.append(item)
    return roots


def _render(items: Sequence[_Item]) -> str:
    if not items:
        return ""
    lines = (
        f'<li><a href="{html.escape(item.link)}">{item.heading.label}</a>{_render(item.children)}</li>'
        for item in items
    )
    return "\n".join(["<ul>", *lines, "</ul>"])
