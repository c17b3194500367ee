"""Set code cells, code blocks and text outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from course.publish.typst.highlight import highlighted
from course.publish.typst.markup import EMPTY, block, call, literal, points
from course.publish.typst.spans import Line, cut_middle, markup, wrap
from course.publish.typst.terminal import read_terminal

if TYPE_CHECKING:
    from course.publish.typst.parts import Context

# Lines read at each end of an output, far more than any page shows.
_END_LINES = 1000


def code_cell(source: str, prompt: str | None, context: Context, *, leads: bool = False) -> str:
    """Return the input of a code cell, with its discreet prompt; ``leads`` keeps it on the page of what follows."""
    if not source.strip():
        return EMPTY
    lines = wrap(highlighted(source, context.language), context.layout.code_columns, hanging=True)
    number = literal(f"[{prompt}]") if prompt else None
    body = _shortened(lines, context.layout.code_lines, context)
    return call("code-cell", body, size=points(context.layout.code_size), prompt=number, leads=str(leads).lower())


def code_block(source: str, language: str, context: Context) -> str:
    """Return a block of code of a text cell."""
    lines = wrap(highlighted(source.rstrip("\n"), language), context.layout.code_columns, hanging=True)
    body = _shortened(lines, context.layout.code_lines, context)
    return call("code-block", body, size=points(context.layout.code_size))


def text_output(text: str, context: Context, kind: str = "result") -> str:
    """Return a text output; ``kind`` is ``result``, ``stream``, ``stderr`` or ``error``."""
    kept, skipped = _ends(text)
    lines = wrap(read_terminal(kept), context.layout.code_columns)
    if not lines:
        return EMPTY
    body = _shortened(lines, context.layout.output_lines, context, skipped)
    return call("text-output", body, size=points(context.layout.code_size), kind=literal(kind))


def _ends(text: str) -> tuple[str, int]:
    """Return both ends of an enormous output, and how many lines between them are never read."""
    count = text.count("\n")
    if count <= 4 * _END_LINES:
        return text, 0
    lines = text.split("\n")
    return "\n".join(lines[:_END_LINES] + lines[-_END_LINES:]), len(lines) - 2 * _END_LINES


def _shortened(lines: Sequence[Line], limit: int, context: Context, skipped: int = 0) -> str:
    head, omitted, tail = cut_middle(lines, limit)
    if not omitted:
        return markup(lines)
    notice = call("omitted", literal(context.captions.lines_omitted.format(count=omitted + skipped)))
    return block([markup(head), notice, markup(tail)])
