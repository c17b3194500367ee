"""The part that the page and the slides share: nbconvert's HTML exporter, without a script and without a network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters.highlight import Highlight2HTML
from traitlets import default
from traitlets.config import Config

from course.publish.ansi import ansi_to_html
from course.publish.fonts import mathematics_font_css
from course.publish.fragments import finish_html, finish_markdown, picture_description, scroll_attributes
from course.publish.markdown import markdown_to_html
from course.publish.mathematics import formulas_in_text
from course.publish.outputs import SHOWN_TYPES
from course.publish.page import Page

if TYPE_CHECKING:
    from jinja2.runtime import Context
    from nbformat import NotebookNode

    from course.publish.tables import TableLimits


class StandaloneExporter(HTMLExporter):
    """Writes the cells by a template, then the page around them: one file that needs nothing else.

    Formulas become MathML with their font inside the page; whatever would be fetched or run is left out, with a
    warning in ``resources["course_warnings"]``.
    """

    table_limits: TableLimits | None = None
    take_title = False

    @default("extra_template_basedirs")
    def _extra_template_basedirs_default(self) -> list[str]:
        return [str(files("course.publish") / "templates")]

    @property
    def default_config(self) -> Config:
        """The outputs a page can show, best first; streams joined and progress bars settled."""
        config = Config(
            {
                "NbConvertBase": {"display_data_priority": list(SHOWN_TYPES)},
                "CoalesceStreamsPreprocessor": {"enabled": True},
                "HighlightMagicsPreprocessor": {"enabled": True},
            }
        )
        inherited: Config = super().default_config.copy()
        inherited.merge(config)
        return inherited

    def default_filters(self) -> Iterator[tuple[str, Any]]:
        """Add to nbconvert's filters those that the templates of the course use."""
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield "markdown_cell", self._markdown_cell
        yield "html_output", self._html_output
        yield "markdown_output", self._markdown_output
        yield "latex_output", self._latex_output
        yield "picture_description", self._picture_description
        yield "scrolls", self._scrolls
        yield "link_text", link_text
        yield "ansi_to_html", ansi_to_html

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page and the resources, to which warnings were added.

        Raises:
            MissingDependencyError: a package that carries a font or a script of the page is not installed.
        """
        language = nb.metadata.get("language_info", {})
        lexer = language.get("pygments_lexer", language.get("name"))
        resources = self._init_resources(resources)  # type: ignore[no-untyped-call]
        page = Page(resources.setdefault("course_warnings", []), Path(resources["metadata"].get("path") or "."))
        known = len(page.warnings)
        resources["course_page"] = page
        highlight = Highlight2HTML(pygments_lexer=lexer, parent=self)  # type: ignore[no-untyped-call]
        self.register_filter("highlight_code", highlight)  # type: ignore[no-untyped-call]
        # HTMLExporter would parse the whole page once more for what the filters above have already done.
        cells, resources = TemplateExporter.from_notebook_node(self, nb, resources, **kw)
        page = resources.pop("course_page")  # nbconvert worked on a copy
        html = self._around(cells, page, resources)
        for warning in page.warnings[known:]:
            self.log.warning("%s: %s", resources["metadata"]["name"] or "notebook", warning)
        return html, resources

    def page_variables(self, page: Page, resources: dict[str, Any]) -> dict[str, Any]:
        """Return the variables of the page's template, beside the cells."""
        course = resources.get("course") or {}
        title = page.title or next((heading for heading in page.headings if heading.level == 1), None)
        name = resources["metadata"]["name"] or "Notebook"
        return {
            "language": course.get("language") or self.language_code,
            "title": title.content if title else name,
            "title_id": title.identifier if title else "",
            "plain_title": page.mathematics.as_latex(plain_text(title.content)) if title else name,
            "toc": page.table_of_contents(),
        }

    def _around(self, cells: str, page: Page, resources: dict[str, Any]) -> str:
        variables = self.page_variables(page, resources)
        # Cells, contents and title hold the same marks: set in one pass, they get the same numbers.
        typeset, refused = page.mathematics.typeset(
            self.environment.get_template("page.html.j2").render(cells=cells, resources=resources, **variables)
        )
        for warning in refused:
            page.warn(warning)
        page_text = typeset.replace("/*mathematics-font*/", mathematics_font_css(typeset), 1)
        return page_text.encode("utf-8", "replace").decode("utf-8")

    @pass_context
    def _markdown_cell(self, context: Context, source: str) -> str:
        page, where = _page(context), _where(context)
        html = markdown_to_html(source, page.mathematics.add, page.warn, attachments=_attachments(context))
        return finish_markdown(html, page, where=where, limits=self.table_limits, take_title=self.take_title)

    @pass_context
    def _markdown_output(self, context: Context, source: str) -> str:
        page = _page(context)
        html = markdown_to_html(source, page.mathematics.add, page.warn)
        return finish_html(html, page, where=_where(context), limits=self.table_limits)

    @pass_context
    def _html_output(self, context: Context, html: str) -> str:
        return finish_html(html, _page(context), where=_where(context), limits=self.table_limits)

    @pass_context
    def _latex_output(self, context: Context, latex: str) -> str:
        return formulas_in_text(latex, _page(context).mathematics.add)

    @pass_context
    def _picture_description(self, context: Context, output: Any, mime: str, cell: Any) -> str:
        # A macro does not see the cell of the block that calls it: it is given.
        return picture_description(output, cell, mime, _page(context), where_is(cell))

    def _scrolls(self, text: str) -> str:
        return "".join(f' {name}="{value}"' for name, value in scroll_attributes(text).items())


def plain_text(html: str) -> str:
    """Return the text of an HTML fragment."""
    from bs4 import BeautifulSoup

    return BeautifulSoup(html, "html.parser").get_text()


def link_text(html: str) -> str:
    """Return the HTML of a heading without its own links, to stand inside the link of a table of contents."""
    return re.sub(r"</?a\b[^>]*>", "", html)


def template_text(*parts: str) -> str:
    """Return a text file of the templates' folder, such as a style sheet."""
    return (Path(str(files("course.publish"))) / "templates").joinpath(*parts).read_text(encoding="utf-8")


def _page(context: Context) -> Page:
    page: Page = context["resources"]["course_page"]
    return page


def _attachments(context: Context) -> dict[str, Any]:
    found: dict[str, Any] = context["cell"].get("attachments") or {}
    return found


def _where(context: Context) -> str:
    return where_is(context["cell"])


def where_is(cell: Any) -> str:
    """Return words that tell the author which cell is meant."""
    first = str(cell.source).strip().split("\n", 1)[0]
    return f"in the cell that begins with {first[:60]!r}"
