"""Finish the HTML of one cell or output: balanced, offline, described, its tables and code able to scroll."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from course.publish.links import link_pages
from course.publish.markdown import HEADINGS
from course.publish.offline import remove_comments, remove_remote, remove_scripts
from course.publish.page import Page, PageHeading
from course.publish.tables import TableLimits, frame_tables

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

NO_DESCRIPTION = "Picture without a description"
_WIDE_LINE = 40
_TALL_OUTPUT = 20


def finish_html(html: str, page: Page, *, where: str, limits: TableLimits | None = None) -> str:
    """Return the HTML of an output, made fit for a page that stands alone.

    Args:
        html: what the output or the Markdown renderer wrote; unclosed elements are closed here.
        page: the page it goes to; warnings are added there.
        where: words that tell the author which cell it comes from.
        limits: the largest table shown whole, or None to show every table whole.
    """
    fragment = _finished(html, page, where, limits)
    return str(fragment)


def finish_markdown(
    html: str, page: Page, *, where: str, limits: TableLimits | None = None, take_title: bool = False
) -> str:
    """Return the HTML of a Markdown cell: as ``finish_html``, and its headings get identifiers.

    With ``take_title`` the first heading of level 1 leaves the text and becomes the title of the page.
    """
    # the style sheet folds the text of these tables, and of no output's
    fragment = _finished(html, page, where, replace(limits, folded=True) if limits else None)
    link_pages(fragment, page)
    for element in fragment.find_all(HEADINGS):
        element["id"] = page.identifiers.name(page.mathematics.as_latex(element.get_text()))
        heading = PageHeading(int(element.name[1]), str(element["id"]), element.decode_contents())
        if take_title and page.title is None and heading.level == 1:
            page.title = heading
            element.decompose()
            continue
        page.headings.append(heading)
        label = f"Link to the section {page.mathematics.as_latex(element.get_text().strip())}"
        anchor = fragment.new_tag("a", href=f"#{heading.identifier}", attrs={"class": "anchor", "aria-label": label})
        anchor.string = "#"
        element.append(anchor)
    return str(fragment)


def scroll_attributes(text: str) -> dict[str, str]:
    """Return what lets the keyboard scroll a block of code or text, where it is wide or tall enough to need it."""
    lines = text.splitlines()
    scrolls = len(lines) > _TALL_OUTPUT or any(len(line) > _WIDE_LINE for line in lines)
    return {"tabindex": "0"} if scrolls else {}


def picture_description(output: Any, cell: Any, mime: str, page: Page, where: str) -> str:
    """Return the alternative text of a picture: metadata ``alt`` of the output, by MIME type or not, or of the cell."""
    metadata = output.get("metadata", {})
    of_types = [metadata.get(kind, {}) for kind in (mime, *output.get("data", {}))]
    for owner in (*of_types, metadata, cell.get("metadata", {})):
        if isinstance(owner, dict) and owner.get("alt"):
            return str(owner["alt"])
    page.warn(f"a picture has no alternative text, {where}")
    return NO_DESCRIPTION


def _finished(html: str, page: Page, where: str, limits: TableLimits | None) -> BeautifulSoup:
    from bs4 import BeautifulSoup

    fragment = BeautifulSoup(html, "html.parser")
    remove_comments(fragment)
    if fragment.find(True) is None:
        return fragment
    remove_scripts(fragment, page)
    remove_remote(fragment, page)
    for picture in fragment.find_all("img"):
        if not picture.get("alt"):
            page.warn(f"a picture has no alternative text, {where}")
            picture["alt"] = NO_DESCRIPTION
    for block in fragment.find_all("pre"):
        block.attrs |= scroll_attributes(block.get_text())
    frame_tables(fragment, page, limits)
    return fragment
