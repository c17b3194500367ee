"""Names of the headings, so that a link to ``#A-heading`` jumps to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from course.publish.markdown import HEADINGS, Identifiers
from course.publish.typst.markup import call, literal

if TYPE_CHECKING:
    from bs4 import Tag


def label_of(anchor: str) -> str:
    """Return the Typst label of an anchor."""
    return call("label", literal(f"heading {anchor}"))


def name_headings(trees: Iterable[Tag]) -> frozenset[str]:
    """Give each heading of these trees its identifier, and return them all."""
    identifiers = Identifiers()
    every = (heading for tree in trees for heading in tree.find_all(HEADINGS))
    headings = [heading for heading in every if heading.get_text().strip()]
    for heading in headings:
        heading["id"] = identifiers.name(heading.get_text())
    return frozenset(str(heading["id"]) for heading in headings)
