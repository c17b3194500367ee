"""Links to headings that jump in JupyterLab, Notebook 7 and the HTML of nbconvert alike.

Measured in JupyterLab 4.6.6, Notebook 7.6.5 and nbconvert 7.17 (templates lab and classic):

- ``#cell-id=<id>`` scrolls to the cell in the three of them, whatever the heading says, but to the top of the cell;
- ``#The-heading`` is the heading's own anchor, but the front ends disagree beyond ASCII letters and a few signs
  (nbconvert percent-encodes the anchor, JupyterLab does not, the browser decodes nothing), the second of two equal
  headings has no anchor of its own, and JupyterLab looks it up in every open notebook, the first one winning.

So a heading that starts its cell is reached by the cell, another one by its anchor where that is safe.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from course.headings import Heading

# signs that nbconvert leaves alone; no $ (formulas) and no ~ (struck text), which the front ends may read as markup
_SAME_ANCHOR_EVERYWHERE = re.compile(r"[A-Za-z0-9 _.?/:@!&'()*+,;=-]+")


def heading_links(headings: Sequence[Heading]) -> list[str]:
    """Return one ``href`` for each heading of a notebook (all of its headings: duplicates count at any level)."""
    anchors = [_anchor(heading) for heading in headings]
    count = Counter(anchors)
    return [
        f"#{anchor}" if _prefers_anchor(heading, count[anchor]) else f"#cell-id={quote(str(heading.cell_id))}"
        for heading, anchor in zip(headings, anchors, strict=True)
    ]


def _anchor(heading: Heading) -> str:
    """Return the ``id`` that nbconvert gives to the heading (``nbconvert.filters.strings.add_anchor``)."""
    return quote(heading.text.replace(" ", "-"), safe="?/:@!$&'()*+,;=")


def _prefers_anchor(heading: Heading, count: int) -> bool:
    if heading.cell_id is None:
        return True
    same = heading.is_plain and _SAME_ANCHOR_EVERYWHERE.fullmatch(heading.text) is not None
    return same and count == 1 and not heading.starts_cell
