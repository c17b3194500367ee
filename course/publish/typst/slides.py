"""The deck as a 16:9 PDF: a page for each slide, its content made to fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from course.publish.typst.article import Identity, identity_arguments
from course.publish.typst.cells import ReadCell, read_cells, set_cell
from course.publish.typst.compiler import compile_pdf, query_values, template
from course.publish.typst.layout import (
    SLIDE_HEIGHT,
    SLIDE_MARGIN_BOTTOM,
    SLIDE_MARGIN_TOP,
    SLIDE_MARGIN_X,
    SLIDE_STEPS,
    SLIDE_WIDTH,
)
from course.publish.typst.markup import EMPTY, call, literal, points

if TYPE_CHECKING:
    from course.publish.typst.parts import Context

_FUNCTIONS = ("common", "slides")
_ROOM = SLIDE_HEIGHT - SLIDE_MARGIN_BOTTOM


@dataclass
class Slide:
    """One page of the deck: the cells it shows, its speaker notes, and how far its content is shrunk."""

    cells: list[ReadCell] = field(default_factory=list)
    notes: list[ReadCell] = field(default_factory=list)
    step: int = 0
    scale: float = 1.0

    @property
    def is_title(self) -> bool:
        """Whether the slide holds nothing but text with a ``#`` heading."""
        trees = [cell.tree for cell in self.cells]
        return all(tree is not None for tree in trees) and any(tree and tree.find("h1") for tree in trees)


def slides_pdf(notebook: Mapping[str, Any], context: Context, identity: Identity) -> bytes:
    """Return the PDF of a deck: notes and skipped cells left out, fragments on the page of their slide.

    Raises:
        BuildError: Typst refuses the document.
        MissingDependencyError: the typst package is not installed.
    """
    slides = split_slides(read_cells(notebook))
    fit_slides(slides, context)
    return compile_pdf(template(*_FUNCTIONS), deck(slides, context, identity), context.parts)


def split_slides(cells: list[ReadCell]) -> list[Slide]:
    """Return the slides of a notebook by nbconvert's ``slideshow`` metadata; at least one, possibly empty."""
    slides: list[Slide] = []
    for cell in cells:
        kind = cell.slide_type
        if kind == "skip":
            continue
        if kind in ("slide", "subslide") or not slides:
            slides.append(Slide())
        (slides[-1].notes if kind == "notes" else slides[-1].cells).append(cell)
    return [slide for slide in slides if slide.cells or slide.notes] or [Slide()]


def fit_slides(slides: list[Slide], context: Context) -> None:
    """Choose how far each slide is shrunk, from the heights Typst gives when pages are as tall as their content.

    What is too tall at the last step is scaled down as a picture would be: a slide never takes two pages.
    Only the slides that are too tall are laid out again: a deck that fits costs one layout.
    """
    waiting = slides
    while waiting:
        heights = _heights(waiting, context)
        too_tall = [(slide, height) for slide, height in zip(waiting, heights, strict=True) if height > _ROOM]
        waiting = [slide for slide, _ in too_tall if slide.step < len(SLIDE_STEPS) - 1]
        for slide, height in too_tall:
            if slide.step == len(SLIDE_STEPS) - 1:
                # Rounded down: the scaled slide must be no taller than the page.
                slide.scale = int(1000 * (_ROOM - SLIDE_MARGIN_TOP) / (height - SLIDE_MARGIN_TOP + 4)) / 1000
            else:
                slide.step = _next_step(slide.step, height)


def _next_step(step: int, height: float) -> int:
    """Return the first later step that could be enough: the area of running text goes with the square of its size."""
    wanted = (_ROOM - SLIDE_MARGIN_TOP) / (height - SLIDE_MARGIN_TOP)
    size = SLIDE_STEPS[step].text_size
    later = range(step + 1, len(SLIDE_STEPS))
    enough = (at for at in later if (SLIDE_STEPS[at].text_size / size) ** 2 <= wanted * 1.1)
    # Where only smaller type would do, try the steps that cut long outputs one by one.
    return min(next(enough, step + 1), step + 3, len(SLIDE_STEPS) - 1)


def _heights(slides: list[Slide], context: Context) -> list[float]:
    identity = Identity("", ())
    values = query_values(
        template(*_FUNCTIONS), deck(slides, context, identity, height="auto"), context.parts, "slide-end"
    )
    return [float(value) for value in values]


def deck(slides: list[Slide], context: Context, identity: Identity, height: str = points(SLIDE_HEIGHT)) -> str:
    """Return the Typst source of the deck; with ``height="auto"`` each page is as tall as its slide."""
    pages = "\n".join(_page(slide, context) for slide in slides)
    opening = call(
        "deck",
        "{" + pages + "}",
        **identity_arguments(identity, context),
        width=points(SLIDE_WIDTH),
        height=height,
        margin=f"(x: {points(SLIDE_MARGIN_X)}, top: {points(SLIDE_MARGIN_TOP)}, bottom: {points(SLIDE_MARGIN_BOTTOM)})",
    )
    return f"#{opening}"


def _page(slide: Slide, context: Context) -> str:
    layout = SLIDE_STEPS[slide.step]
    context = replace(context, layout=layout)
    content = "\n".join(set_cell(cell, context) for cell in slide.cells) or EMPTY
    return call(
        "slide",
        "{" + content + "}",
        size=points(layout.text_size),
        opening=str(slide.is_title).lower(),
        shrink=None if slide.scale == 1 else f"{slide.scale * 100:.1f}%",
        width=points(layout.text_width),
    )


def slide_text(slide: Slide) -> str:
    """Return the first words of a slide, as the alternative text of its picture."""
    for cell in slide.cells:
        text = cell.tree.get_text(" ") if cell.tree is not None else str(cell.cell.get("source", ""))
        if text.strip():
            return " ".join(text.split())[:200]
    return ""


def notes_text(slide: Slide, context: Context) -> str:
    """Return the speaker notes of a slide, ``[]`` when there are none."""
    content = "\n".join(set_cell(note, context) for note in slide.notes)
    return "{" + content + "}" if content.strip("[]{}\n") else EMPTY


def alternative_text(slide: Slide, number: int, context: Context) -> str:
    """Return the alternative text of a slide's picture, as a Typst string."""
    return literal(f"{context.captions.slide.format(number=number)}: {slide_text(slide)}")
