"""Publish a lesson as one HTML file: readable without a script, complete without a network."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters import ansi2html
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.preprocessors import Preprocessor
from traitlets import Bool, Int, default
from traitlets.config import Config

from course.publish.markdown import HEADINGS, Identifiers, markdown_to_html, read_unseen, slide_type
from course.publish.mathematics import Mathematics, formulas_in_html, mathematics_font_css
from course.publish.safe_html import NO_DESCRIPTION, link_pages, needs_scrolling, policy, safe_fragment
from course.publish.table_grid import TableLimits, frame_tables
from course.publish.tidy import SHOWN_TYPES, tidied

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from nbformat import NotebookNode

Colour = tuple[int, int, int]
# The page's background for errors, the least favourable of each theme: see cells.css and page.css.
_LIGHT = (255, 242, 242)
_DARK = (44, 29, 31)


@dataclass(frozen=True)
class PageHeading:
    """A heading of the page: its level (1 to 6), its identifier, its content as HTML, its text with LaTeX formulas."""

    level: int
    identifier: str
    content: str
    text: str

    @property
    def unlinked(self) -> str:
        """Its content without links, to stand inside the link of a table of contents."""
        return re.sub(r"</?a\b[^>]*>", "", self.content)


@dataclass
class Page:
    """What is gathered while the cells of one page are written; ``folder`` is where its pictures are."""

    warnings: list[str]
    folder: Path
    mathematics: Mathematics = field(default_factory=Mathematics)
    identifiers: Identifiers = field(default_factory=Identifiers)
    headings: list[PageHeading] = field(default_factory=list)
    title: PageHeading | None = None
    table_numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def warn(self, message: str) -> None:
        """Keep a one-line warning for the person who builds the page, once."""
        line = " ".join(message.split())
        if line not in self.warnings:
            self.warnings.append(line)


class CellsToHTML(Preprocessor):
    """Write what cells hold as the HTML that the template puts together, and gather their ``Page`` in the resources.

    Of each output the best form that a page can show is kept, long texts cut in their middle.
    """

    is_deck = Bool(False, help="keep the speaker's notes, and the title in its slide").tag(config=True)
    most_lines = Int(1000, help="lines of a text output shown; the middle of a longer one is left out").tag(config=True)
    most_characters = Int(10_000, help="characters of a line shown").tag(config=True)
    table_rows = Int(0, help="rows of a table shown, 0 for all").tag(config=True)
    table_characters = Int(0, help="characters of a row of a table shown").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook with HTML in its cells, and the resources with ``course_page``."""
        language = nb.metadata.get("language_info", {})
        lexer = language.get("pygments_lexer", language.get("name"))
        highlight: Any = Highlight2HTML(pygments_lexer=lexer, parent=self)  # type: ignore[no-untyped-call]
        page = Page(resources.setdefault("course_warnings", []), Path(resources["metadata"].get("path") or "."))
        unseen = [cell for cell in nb.cells if not self.is_deck and slide_type(cell) == "notes"]
        page.mathematics.where = None
        read_unseen([*resources.get("course_unseen", []), *unseen], page.mathematics.add)
        nb.cells = [cell for cell in nb.cells if self.is_deck or slide_type(cell) != "notes"]
        for cell in nb.cells:
            first_line = cell.source.strip().partition("\n")[0]
            where = f"in the cell that begins with {first_line[:60]!r}"
            page.mathematics.where = where
            if cell.cell_type == "markdown":
                cell.source = self._text(cell, page, where)
            elif cell.cell_type == "code":
                for output in cell.outputs:
                    self._output(output, cell, page, where)
                code = highlight(cell.source, metadata=cell.metadata)
                scrolls = needs_scrolling(cell.source)
                cell.source = code.replace("<pre>", '<pre tabindex="0">', 1) if scrolls else code
        return nb, resources | {"course_page": page}

    def _text(self, cell: NotebookNode, page: Page, where: str) -> str:
        html = markdown_to_html(cell.source, page.mathematics.add, page.warn, attachments=cell.get("attachments"))
        # the style sheet folds the text of these tables, and of no output's
        fragment = self._finished(html, page, where, folded=True)
        link_pages(fragment, page.folder, page.warn)
        for element in fragment.find_all(HEADINGS):
            text = page.mathematics.as_latex(" ".join(element.get_text().split()))
            if not text:
                continue
            identifier = element["id"] = page.identifiers.name(text)
            heading = PageHeading(int(element.name[1]), identifier, element.decode_contents(), text)
            if not self.is_deck and page.title is None and heading.level == 1:
                page.title = heading
                element.decompose()
                continue
            page.headings.append(heading)
            label = {"class": "anchor", "aria-label": f"Link to the section {text}"}
            element.append(fragment.new_tag("a", href=f"#{identifier}", attrs=label, string="#"))
        return str(fragment)

    def _output(self, output: NotebookNode, cell: NotebookNode, page: Page, where: str) -> None:
        if output.output_type == "stream":
            output.text = self._cut(output.text)
            return
        if output.output_type == "error":
            output.traceback = [self._cut("\n".join(output.traceback))]
            return
        kind = next((kind for kind in SHOWN_TYPES if kind in output.data), "text/plain")
        data = output.data.get(kind, "")
        if kind.startswith("image/"):
            output.metadata.alt = _description(output, cell, kind, page, where)
        elif kind == "text/html":
            data = str(self._finished(data, page, where))
        elif kind == "text/markdown":
            data = str(self._finished(markdown_to_html(data, page.mathematics.add, page.warn), page, where))
        elif kind == "text/latex":
            data = formulas_in_html(escape(data, quote=False), page.mathematics.add)
        else:
            data = self._cut(data)
        output.data = {kind: data}

    def _finished(self, html: str, page: Page, where: str, *, folded: bool = False) -> BeautifulSoup:
        fragment = safe_fragment(html, page.folder, page.warn, where)
        link_files(fragment, page.warn)
        for element in fragment.find_all(True):
            for name, value in element.attrs.items():
                # MathML within an attribute would end it
                element[name] = page.mathematics.as_latex(value) if isinstance(value, str) else value
        limits = TableLimits(self.table_rows, self.table_characters, folded) if self.table_rows else None
        frame_tables(fragment, page.table_numbers, limits)
        return fragment

    def _cut(self, text: str) -> str:
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if len(line) > self.most_characters:
                hidden = len(line) - self.most_characters
                lines[number] = f"{line[: self.most_characters]} … {hidden} characters not shown"
        hidden, last = len(lines) - self.most_lines, self.most_lines // 3
        if hidden > 1:
            lines[self.most_lines - last : len(lines) - last] = [f"… {hidden} lines not shown …"]
        return "\n".join(lines)


def link_files(fragment: BeautifulSoup, warn: Callable[[str], object]) -> None:
    """Tell of the files that HTML would load from beside the page; a film or a sound becomes a link to its file."""
    for element in fragment.find_all(lambda element: element.name not in {"a", "area"}):
        for name in ("src", "srcset", "poster", "background", "href", "xlink:href"):
            address = str(element.get(name) or "#")
            if address.startswith(("data:", "#")):
                continue
            warn(f"the file {address[:80]!r} of a <{element.name}> is not in the page, which loads nothing")
            del element[name]
            if name == "src" and element.name in {"video", "audio", "source"}:
                film = element.find_parent(["video", "audio"]) or element
                film.insert_after(fragment.new_tag("a", href=address, string=address))
    for film in fragment.find_all(["video", "audio"]):
        if not film.get("src") and not film.find("source", src=True):
            film.unwrap()


def _description(output: NotebookNode, cell: NotebookNode, mime: str, page: Page, where: str) -> str:
    """Return the alternative text of a picture: metadata ``alt`` of the output, by MIME type or not, or of the cell."""
    of_types = [output.metadata.get(kind, {}) for kind in (mime, *output.data)]
    for owner in (*of_types, output.metadata, cell.metadata):
        if isinstance(owner, dict) and owner.get("alt"):
            return str(owner["alt"])
    page.warn(f"a picture has no alternative text, {where}")
    return NO_DESCRIPTION


class HTMLPageExporter(HTMLExporter):
    """Exports a lesson as a page with its own table of contents, light and dark, which needs nothing else.

    Formulas become MathML with their font inside the page; whatever would be fetched or run is left out, with a
    warning in ``resources["course_warnings"]``.
    """

    export_from_notebook = "Course page (HTML)"

    @default("template_name")
    def _template_name_default(self) -> str:
        return "course_html"

    @default("extra_template_basedirs")
    def _extra_template_basedirs_default(self) -> list[str]:
        return [str(files("course.publish") / "templates")]

    @property
    def default_config(self) -> Config:
        """The outputs a page can show, best first; streams joined and progress bars settled."""
        config: Config = super().default_config.copy()
        config.merge(Config({"NbConvertBase": {"display_data_priority": list(SHOWN_TYPES)}}))
        config.merge(Config({"CoalesceStreamsPreprocessor": {"enabled": True}}))
        return config

    def default_filters(self) -> Iterator[tuple[str, Any]]:
        """Add to nbconvert's filters those that the templates of the course use."""
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield "needs_scrolling", needs_scrolling
        yield "ansi_to_html", ansi_to_html

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page and the resources, to which warnings were added.

        Raises:
            MissingDependencyError: a package that carries a font or a script of the page is not installed.
        """
        resources = {} if resources is None else resources
        told = resources.setdefault("course_warnings", [])
        known = len(told)
        nb = tidied(nb, told.append)
        # HTMLExporter would parse the whole page once more for what CellsToHTML has already done.
        cells, resources = TemplateExporter.from_notebook_node(self, nb, resources, **kw)
        page: Page = resources.pop("course_page")
        template = self.environment.get_template("page.html.j2")
        # Cells, contents and title hold the same marks: set in one pass, they get the same numbers.
        written = template.render(cells=cells, resources=resources, **_names(page, resources), **self.inlined())
        html, refused = page.mathematics.typeset(written)
        html = html.replace("/*mathematics-font*/", mathematics_font_css(html), 1)
        for warning in refused:
            page.warn(warning)
        for warning in page.warnings[known:]:
            self.log.warning("%s: %s", resources["metadata"]["name"] or "notebook", warning)
        return html.encode("utf-8", "replace").decode("utf-8"), resources

    def inlined(self) -> dict[str, Any]:
        """Return the style sheets and the scripts that the page holds, as its template names them."""
        script = template_text("course_html", "copy.js").strip()
        style = template_text("course_cells", "cells.css") + template_text("course_html", "page.css")
        return {"style": style, "script": script, "policy": policy(script)}


def _names(page: Page, resources: dict[str, Any]) -> dict[str, Any]:
    """Return the title, the contents and the links around a page, as its template names them."""
    course = resources.get("course") or {}
    title = page.title or next((heading for heading in page.headings if heading.level == 1), None)
    name = resources["metadata"]["name"] or "Notebook"
    return course | {
        "language": course.get("language") or resources["language_code"],
        "title": title.content if title else name,
        "title_id": title.identifier if title else "",
        "plain_title": title.text if title else name,
        "toc": [heading for heading in page.headings if heading.level <= 3],
    }


def template_text(*parts: str) -> str:
    """Return a text file of the templates' folder, such as a style sheet."""
    return (Path(str(files("course.publish"))) / "templates").joinpath(*parts).read_text(encoding="utf-8")


def ansi_to_html(text: str) -> str:
    """Return the HTML of a terminal's text: escaped, its colours as classes, or readable ones in either theme."""

    def for_both_themes(match: re.Match[str]) -> str:
        colour = (int(match[1]), int(match[2]), int(match[3]))
        light, dark = (",".join(map(str, readable(colour, background))) for background in (_LIGHT, _DARK))
        return f'style="color: light-dark(rgb({light}),rgb({dark}))"'

    html: str = ansi2html(text)  # type: ignore[no-untyped-call]
    return re.sub(r'style="color: rgb\((\d+),(\d+),(\d+)\)"', for_both_themes, html)


def readable(colour: Colour, background: Colour) -> Colour:
    """Return a colour moved away from the background until WCAG 2.2's contrast of 4.5 for text is met."""
    target = 0 if luminance(background) > 0.5 else 255
    for step in range(21):
        red, green, blue = (round(part + (target - part) * step / 20) for part in colour)
        if contrast((red, green, blue), background) >= 4.5:
            break
    return red, green, blue


def contrast(first: Colour, second: Colour) -> float:
    """Return the contrast ratio of two colours, 1 to 21, by the formula of WCAG 2.2."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Colour) -> float:
    """Return the relative luminance of an sRGB colour, 0 to 1, by the formula of WCAG 2.2."""
    parts = (part / 255 for part in colour)
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
