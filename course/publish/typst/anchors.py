"""Names of the headings, so that a link to ``#A-heading`` jumps to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from course.publish.typst.markup import call, literal

if TYPE_CHECKING:
    from bs4 import Tag

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def anchor_of(heading: Tag) -> str:
    """Return the fragment by which Jupyter links to a heading: its text with dashes for spaces."""
    return heading.get_text().strip().replace(" ", "-")


def label_of(anchor: str) -> str:
    """Return the Typst label of an anchor."""
    return call("label", literal(f"heading {anchor}"))


def known_anchors(trees: Iterable[Tag]) -> frozenset[str]:
    """Return the anchors of the headings of these trees; of two headings with the same text only the first counts."""
    seen: set[str] = set()
    for tree in trees:
        for heading in tree.find_all(HEADINGS):
            anchor = anchor_of(heading)
            if anchor in seen:
                heading["data-repeated"] = ""
            seen.add(anchor)
    return frozenset(seen)
