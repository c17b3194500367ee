"""``add_notebook_menu``: the call of the lessons' first cell."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.errors import BadArgumentError
from course.headings import Heading, notebook_headings
from course.menu.links import heading_links
from course.menu.notebook_file import notebook_path
from course.menu.outline import nested_list
from course.menu.script_menu import script_menu

# half-transparent grey: visible on a light and on a dark theme
_STYLE = "border-left: 3px solid rgba(128, 128, 128, 0.5); padding-left: 1em; margin: 0.5em 0"


@dataclass(frozen=True, repr=False)
class NotebookMenu:
    """A menu that a notebook displays; the output is marked so that an exporter can leave it out.

    Attributes:
        html: the menu.
        summary: what is shown where HTML is not, one line.
    """

    html: str
    summary: str

    def __repr__(self) -> str:
        return self.summary

    def _repr_mimebundle_(self, **_options: object) -> tuple[dict[str, str], dict[str, Any]]:
        return {"text/html": self.html, "text/plain": self.summary}, {"course": {"menu": True}}


def add_notebook_menu(  # noqa: PLR0917 - the signature of jyquickhelper
    menu_id: str = "my_id_menu_nb",
    raw: bool = False,
    format: str = "html",  # noqa: A002 - the name in jyquickhelper
    header: str | None = None,
    first_level: int = 2,
    last_level: int = 4,
    keep_item: int | None = None,
) -> NotebookMenu | str:
    """Return the table of contents of the running notebook, as its file says: save, then run the cell again.

    Same call as ``jyquickhelper.add_notebook_menu``, whose script finds nothing in JupyterLab 4 and Notebook 7. Where
    the file is not known (see ``course.menu.notebook_file``), that script is what is displayed.

    Args:
        menu_id: ``id`` of the menu in the page, followed by ``keep_item`` if there is one.
        raw: return the HTML as a string.
        format: ``"html"``; jyquickhelper's ``"rst"`` never displayed anything.
        header: title of the menu; a click on it folds the menu.
        first_level: level of the largest headings shown, 1 to 6.
        last_level: level of the smallest headings shown, ``first_level`` to 6.
        keep_item: show only this heading of the first level (the first one is 0) and those under it.

    Raises:
        BadArgumentError: unknown format, levels out of order, or no such item in the notebook.
    """
    _check(format, first_level, last_level, keep_item)
    path = notebook_path()
    if path is not None:
        entries = _entries(path, first_level, last_level, keep_item)
        menu = _menu(entries, menu_id if keep_item is None else f"{menu_id}{keep_item}", header)
    else:
        menu = _menu_without_file(
            header,
            menu_id=menu_id,
            format=format,
            first_level=first_level,
            last_level=last_level,
            keep_item=keep_item,
        )
    return menu.html if raw else menu


def _check(format_name: str, first_level: int, last_level: int, keep_item: int | None) -> None:
    if format_name == "rst":
        raise BadArgumentError(
            'format="rst" cannot be displayed: use format="html", or write ".. contents:: :local:" in the rst page.'
        )
    if format_name != "html":
        raise BadArgumentError(f'format={format_name!r} is unknown: use format="html".')
    if not 1 <= first_level <= last_level <= 6:
        raise BadArgumentError(
            f"first_level={first_level}, last_level={last_level} is not a range of headings: "
            "use 1 <= first_level <= last_level <= 6."
        )
    if keep_item is not None and keep_item < 0:
        raise BadArgumentError(f"keep_item={keep_item} is negative: the first item is 0.")


def _entries(path: Path, first_level: int, last_level: int, keep_item: int | None) -> list[tuple[Heading, str]]:
    headings = notebook_headings(path)
    links = heading_links(headings)
    entries = [entry for entry in zip(headings, links, strict=True) if first_level <= entry[0].level <= last_level]
    if keep_item is None:
        return entries
    starts = [index for index, (heading, _) in enumerate(entries) if heading.level == first_level]
    if keep_item >= len(starts):
        raise BadArgumentError(
            f"keep_item={keep_item}, but the saved notebook has {len(starts)} headings of level {first_level}: "
            "the first one is 0."
        )
    return entries[starts[keep_item] : [*starts, len(entries)][keep_item + 1]]


def _menu(entries: Sequence[tuple[Heading, str]], menu_id: str, header: str | None) -> NotebookMenu:
    body = nested_list(entries) or "<p>No heading of these levels: save the notebook, then run this cell again.</p>"
    if header:
        body = f"<details open><summary><b>{html.escape(header)}</b></summary>\n{body}\n</details>"
    opening = f'<nav id="{html.escape(menu_id)}" class="course-menu" aria-label="Contents" style="{_STYLE}">'
    return NotebookMenu(f"{opening}\n{body}\n</nav>", f"Menu of the notebook: {len(entries)} headings")


def _menu_without_file(header: str | None, **options: Any) -> NotebookMenu:
    summary = "No menu: the file of this notebook is unknown."
    script = script_menu(header=html.escape(header) if header else None, **options)
    return NotebookMenu(script or f"<p>{summary}</p>", summary)
