"""``add_notebook_menu``: the table of contents a lesson shows in its first cell, made from the notebook's file.

In goes the file of the running notebook; out comes a list of links in plain HTML, with no script.
Start reading at ``add_notebook_menu``.
"""

from __future__ import annotations

import html
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from course.errors import BadArgumentError
from course.headings import Heading, notebook_headings

# half-transparent grey: visible on a light and on a dark theme
_STYLE = "border-left: 3px solid rgba(128, 128, 128, 0.5); padding-left: 1em; margin: 0.5em 0"
# signs that nbconvert leaves alone; no $ (formulas) and no ~ (struck text), which the front ends may read as markup
_SAME_ANCHOR_EVERYWHERE = re.compile(r"[A-Za-z0-9 _.?/:@!&'()*+,;=-]+")


@dataclass(frozen=True, repr=False)
class NotebookMenu:
    """A menu that a notebook displays, or one line where HTML is not; marked so that an exporter can leave it out."""

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
    the file is not known (see ``notebook_path``), a line says so.

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
    if path is None:
        summary = "No menu: the file of this notebook is unknown."
        menu = NotebookMenu(f"<p>{summary}</p>", summary)
    else:
        entries = _entries(path, first_level, last_level, keep_item)
        menu = _menu(entries, menu_id if keep_item is None else f"{menu_id}{keep_item}", header)
    return menu.html if raw else menu


def notebook_path() -> Path | None:
    """Return the file of the running notebook, or None when nothing tells it or the file is gone.

    JupyterLab and Notebook 7 (jupyter_server) give it to the kernel in the variable ``JPY_SESSION_NAME``,
    VS Code in the Python variable ``__vsc_ipynb_file__``.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    vscode = shell.user_ns.get("__vsc_ipynb_file__") if shell else None
    told = [Path(name) for name in (vscode, os.environ.get("JPY_SESSION_NAME")) if name]
    # a relative name starts at the folder of the server, and the kernel runs in the folder of the notebook
    places = [place for path in told for place in ((path,) if path.is_absolute() else (path, Path(path.name)))]
    return next((place for place in places if place.suffix == ".ipynb" and place.is_file()), None)


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
    """Return the headings to show, each with the address of its link."""
    headings = notebook_headings(path)
    entries = [
        (heading, link)
        for heading, link in zip(headings, _links(headings), strict=True)
        if first_level <= heading.level <= last_level
    ]
    if keep_item is None:
        return entries
    starts = [index for index, (heading, _) in enumerate(entries) if heading.level == first_level]
    if keep_item >= len(starts):
        raise BadArgumentError(
            f"keep_item={keep_item}, but the saved notebook has {len(starts)} headings of level {first_level}: "
            "the first one is 0."
        )
    return entries[starts[keep_item] : [*starts, len(entries)][keep_item + 1]]


def _links(headings: Sequence[Heading]) -> Iterator[str]:
    """Yield for each heading of a notebook an address that JupyterLab, Notebook 7 and nbconvert's HTML follow alike.

    Measured in JupyterLab 4.6.6, Notebook 7.6.5 and nbconvert 7.17 (templates lab and classic):

    - ``#cell-id=<id>`` scrolls to the cell in the three of them, whatever the heading says, but to the top of the cell;
    - ``#The-heading`` is the heading's own anchor, but the front ends disagree beyond ASCII letters and a few signs
      (nbconvert percent-encodes the anchor, JupyterLab does not, the browser decodes nothing), the second of two equal
      headings has no anchor of its own, and JupyterLab looks it up in every open notebook, the first one winning.

    So a heading that starts its cell is reached by the cell, another one by its anchor where that is safe.
    """
    # as ``nbconvert.filters.strings.add_anchor`` makes them
    anchors = [quote(heading.text.replace(" ", "-"), safe="?/:@!$&'()*+,;=") for heading in headings]
    count = Counter(anchors)
    for heading, anchor in zip(headings, anchors, strict=True):
        is_same = heading.is_plain and _SAME_ANCHOR_EVERYWHERE.fullmatch(heading.text) is not None
        if heading.cell_id is None or (is_same and count[anchor] == 1 and not heading.starts_cell):
            yield f"#{anchor}"
        else:
            yield f"#cell-id={quote(heading.cell_id)}"


def _menu(entries: Sequence[tuple[Heading, str]], menu_id: str, header: str | None) -> NotebookMenu:
    body = _nested_list(entries) or "<p>No heading of these levels: save the notebook, then run this cell again.</p>"
    if header:
        body = f"<details open><summary><b>{html.escape(header)}</b></summary>\n{body}\n</details>"
    opening = f'<nav id="{html.escape(menu_id)}" class="course-menu" aria-label="Contents" style="{_STYLE}">'
    return NotebookMenu(f"{opening}\n{body}\n</nav>", f"Menu of the notebook: {len(entries)} headings")


def _nested_list(entries: Sequence[tuple[Heading, str]]) -> str:
    """Return ``<ul>`` lists, one inside the other by level.

    A skipped level (2 then 4) nests by one list only, so that every ``<ul>`` sits inside a ``<li>``.
    """
    items, rest = [], list(entries)
    while rest:
        heading, link = rest.pop(0)
        deeper = next((n for n, (other, _) in enumerate(rest) if other.level <= heading.level), len(rest))
        inner, rest = _nested_list(rest[:deeper]), rest[deeper:]
        items.append(f'<li><a href="{html.escape(link)}">{heading.label}</a>{inner}</li>')
    return "\n".join(["<ul>", *items, "</ul>"]) if items else ""
