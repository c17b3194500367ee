"""The three documents and their nbconvert exporters: the A4 article, the 16:9 deck, the speaker's handout."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbconvert.exporters.exporter import Exporter, FilenameExtension
from nbconvert.preprocessors import CoalesceStreamsPreprocessor

from course.publish.markdown import HEADINGS, DropMenu, Identifiers, slide_type
from course.publish.paper.cells import ReadCell, read_cells, set_cells
from course.publish.paper.column import NOTES, SLIDE_HEIGHT, SLIDE_PAGE, SLIDE_ROOM, SLIDE_STEPS, SLIDE_TOP, Context
from course.publish.paper.compiler import (
    EMPTY,
    Parts,
    array,
    block,
    boolean,
    call,
    compile_pdf,
    literal,
    points,
    query_values,
)
from course.publish.paper.glyphs import tell_missing
from course.publish.paper.html_walker import HtmlWalker, label_of
from course.publish.slides_html import PlanSlides
from course.publish.tidy import tidied

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Below this number of headings a table of contents is longer than what it saves.
_FEWEST_HEADINGS = 3
_LAST_STEP = len(SLIDE_STEPS) - 1


class PDFExporter(Exporter):
    """An A4 article, set by Typst: title, contents, cells without the speaker notes."""

    output_mimetype = "application/pdf"
    export_from_notebook = "PDF (course)"
    file_extension = FilenameExtension(".pdf")
    left_out = frozenset(("notes",))

    def _init_preprocessors(self) -> None:
        super()._init_preprocessors()  # type: ignore[no-untyped-call]
        for preprocessor in (DropMenu, CoalesceStreamsPreprocessor):
            self.register_preprocessor(preprocessor, enabled=True)  # type: ignore[no-untyped-call]

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        """Return the PDF of an executed notebook and the resources.

        What could not be set is shown as its source and told in ``resources["course_warnings"]``.

        Raises:
            BuildError: Typst refuses the document.
            MissingDependencyError: the typst package is not installed.
        """
        told = resources.setdefault("course_warnings", []) if resources is not None else []
        notebook, resources = super().from_notebook_node(tidied(nb, told.append), resources, **kw)
        code = notebook.metadata.get("language_info", {})
        edition = resources.get("course", {}).get("language") or "en"
        context = Context(
            Parts(),
            Path(resources["metadata"].get("path") or "."),
            language="fr" if edition.lower().startswith("fr") else "en",
            code_language=str(code.get("pygments_lexer") or code.get("name") or "ipython3"),
        )
        name = resources["metadata"].get("name") or "Notebook"
        unseen = [cell for cell in notebook.cells if slide_type(cell) in self.left_out]
        seen = [cell for cell in notebook.cells if slide_type(cell) not in self.left_out]
        cells = read_cells(seen, [*resources.get("course_unseen", []), *unseen], context.parts)
        titles = (cell.tree.find("h1") for cell in cells if cell.tree is not None)
        title = next(
            (" ".join(h1.get_text().split()) for h1 in titles if h1 is not None and h1.get_text().strip()), name
        )
        authors = (literal(author["name"]) for author in notebook.metadata.authors)
        identity = {"title": literal(title), "authors": array(authors), "language": literal(context.language)}
        context.parts.printed.append(("in the title", block(identity.values())))
        pdf = self._pdf(cells, context, identity)
        tell_missing(context.parts, pdf)
        for warning in context.parts.warnings:
            self.log.warning("%s: %s", name, warning)
        told.extend(context.parts.warnings)
        # nbconvert works on a deep copy of the mapping: both the caller's and the copy hold the list.
        resources["course_warnings"] = told
        return pdf, resources

    def _pdf(self, cells: list[ReadCell], context: Context, identity: dict[str, str]) -> bytes:
        trees = [cell.tree for cell in cells if cell.tree is not None]
        # The first # heading is set as the title of the document.
        title = next(filter(None, (tree.find("h1") for tree in trees)), None)
        if title is not None:
            title.extract()
        every = (heading for tree in trees for heading in tree.find_all(HEADINGS))
        headings = [heading for heading in every if heading.get_text().strip()]
        identifiers = Identifiers()
        named = [*([title] if title is not None else []), *headings]
        for tag in named:
            tag["id"] = identifiers.name(tag.get_text())
        anchors = frozenset(str(tag["id"]) for tag in named)
        highest = min((int(heading.name[1]) for heading in headings), default=1)
        context = replace(context, anchors=anchors, heading_offset=highest - 1)
        contents = literal(context.words("contents")) if len(headings) >= _FEWEST_HEADINGS else "none"
        displayed = identity["title"]
        if title is not None:
            walked = HtmlWalker(context, title).walk()
            displayed = f"[#{{{displayed if walked == EMPTY else walked}}}#{label_of(str(title['id']))}]"
        opening = call("article", set_cells(cells, context), **identity, displayed=displayed, contents=contents)
        return compile_pdf("article", f"#{opening}", context.parts)


class SlidesPDFExporter(PDFExporter):
    """A 16:9 deck set by Typst: a page for each slide, fragments shown, notes and skipped cells left out."""

    export_from_notebook = "PDF slides (course)"
    file_extension = FilenameExtension(".slides.pdf")
    # PlanSlides takes away what a deck does not show
    left_out = frozenset[str]()

    def _init_preprocessors(self) -> None:
        super()._init_preprocessors()
        self.register_preprocessor(PlanSlides, enabled=True)  # type: ignore[no-untyped-call]

    def _pdf(self, cells: list[ReadCell], context: Context, identity: dict[str, str]) -> bytes:
        return deck_pdf(split_slides(cells), context, identity)


class NotesPDFExporter(SlidesPDFExporter):
    """A4 handout: pictures of the slides, three to a page, beside their speaker notes or lines to write on."""

    export_from_notebook = "PDF speaker notes (course)"
    file_extension = FilenameExtension(".notes.pdf")

    def _pdf(self, cells: list[ReadCell], context: Context, identity: dict[str, str]) -> bytes:
        slides = split_slides(cells)
        deck = deck_pdf(slides, context, identity)
        parts = Parts(
            warnings=context.parts.warnings,
            formulas=context.parts.formulas,
            letters=context.parts.letters,
            printed=context.parts.printed,
        )
        context = replace(context, parts=parts, column=NOTES)
        file = literal(parts.add_file(deck, "pdf"))
        rows = []
        for number, slide in enumerate(slides, start=1):
            alternative = literal(f"{context.words('slide', number=number)}: {slide.first_words}")
            rows.append(call("annotated", file, str(number), alternative, set_cells(slide.notes, context)))
        opening = call("handout", array(rows), **identity)
        return compile_pdf("notes", f"#{opening}", parts)


@dataclass
class Slide:
    """One page of the deck: the cells it shows, its speaker notes, and how far its content is shrunk."""

    cells: list[ReadCell] = field(default_factory=list)
    notes: list[ReadCell] = field(default_factory=list)
    step: int = 0
    scale: float = 1.0
    _set: dict[int, str] = field(default_factory=dict)

    def content(self, context: Context) -> str:
        """Return the Typst expression of its cells at its step, which is read once to measure and once to print."""
        if self.step not in self._set:
            self._set[self.step] = set_cells(self.cells, replace(context, column=SLIDE_STEPS[self.step]))
        return self._set[self.step]

    @property
    def is_title(self) -> bool:
        """Whether the slide holds nothing but text with a ``#`` heading."""
        trees = [cell.tree for cell in self.cells]
        return all(tree is not None for tree in trees) and any(tree and tree.find("h1") for tree in trees)

    @property
    def first_words(self) -> str:
        """What a reader who cannot see the slide is told of it."""
        texts = (cell.tree.get_text(" ") if cell.tree else str(cell.cell.get("source", "")) for cell in self.cells)
        return " ".join(next(filter(str.strip, texts), "").split())[:200]


def split_slides(cells: list[ReadCell]) -> list[Slide]:
    """Return the slides of a notebook planned by ``PlanSlides``; at least one, possibly empty."""
    slides = [Slide()]
    for at, cell in enumerate(cells):
        kind = slide_type(cell.cell)
        if kind in ("slide", "subslide") and at:
            slides.append(Slide())
        (slides[-1].notes if kind == "notes" else slides[-1].cells).append(cell)
    return slides


def deck_pdf(slides: list[Slide], context: Context, identity: dict[str, str]) -> bytes:
    """Return the PDF of a deck, each slide made to fit its page."""
    fit_slides(slides, context)
    return compile_pdf("slides", _deck(slides, context, identity), context.parts)


def fit_slides(slides: list[Slide], context: Context) -> None:
    """Choose how far each slide is shrunk, from the heights Typst gives when pages are as tall as their content.

    What is too tall at the last step is scaled down as a picture would be: a slide never takes two pages.
    Only the slides that are too tall are laid out again: a deck that fits costs one layout.
    """
    waiting = slides
    while waiting:
        deck = _deck(waiting, context, {}, height="auto")
        ends = query_values("slides", deck, context.parts, "slide-end")
        heights = [float(end) - SLIDE_TOP for end in ends]
        too_tall = [(slide, height) for slide, height in zip(waiting, heights, strict=True) if height > SLIDE_ROOM]
        waiting = [slide for slide, _ in too_tall if slide.step < _LAST_STEP]
        for slide, height in too_tall:
            if slide.step == _LAST_STEP:
                # Rounded down: the scaled slide must be no taller than the page.
                slide.scale = int(1000 * SLIDE_ROOM / (height + 4)) / 1000
            else:
                slide.step = _next_step(slide.step, height)


def _next_step(step: int, height: float) -> int:
    """Return the first later step that could be enough: the area of running text goes with the square of its size."""
    size = SLIDE_STEPS[step].text_size
    later = range(step + 1, len(SLIDE_STEPS))
    enough = (at for at in later if (SLIDE_STEPS[at].text_size / size) ** 2 <= SLIDE_ROOM / height * 1.1)
    # Where only smaller type would do, try the steps that cut long outputs one by one.
    return min(next(enough, step + 1), step + 3, _LAST_STEP)


def _deck(slides: list[Slide], context: Context, identity: dict[str, str], height: str = points(SLIDE_HEIGHT)) -> str:
    """Return the Typst source of the deck; with ``height="auto"`` each page is as tall as its slide."""
    pages = []
    for slide in slides:
        column = SLIDE_STEPS[slide.step]
        page = call(
            "slide",
            slide.content(context),
            size=points(column.text_size),
            opening=boolean(slide.is_title),
            shrink=None if slide.scale == 1 else f"{slide.scale * 100:.1f}%",
            width=points(column.width),
        )
        pages.append(page)
    body = "{" + "\npagebreak()\n".join(pages) + "}"
    return "#" + call("deck", body, **identity, **SLIDE_PAGE, height=height)
