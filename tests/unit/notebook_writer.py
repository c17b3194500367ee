"""Small notebooks for the tests of publishing, and the formats they are published in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bs4 import BeautifulSoup, Tag
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course.publish.convert import select_formats

if TYPE_CHECKING:
    from nbformat import NotebookNode

TABLE, QUICK = select_formats(["notebook", "html", "script"]), select_formats(["notebook", "script"])
MIMES = {
    "html": "text/html", "markdown": "text/markdown", "plain": "text/plain", "png": "image/png",
    "svg": "image/svg+xml", "latex": "text/latex", "script": "application/javascript",
    "widget": "application/vnd.jupyter.widget-view+json",
}  # fmt: skip


def text(source: str, kind: str = "", **slideshow: Any) -> NotebookNode:
    cell: NotebookNode = new_markdown_cell(source)
    if kind:
        cell.metadata["slideshow"] = {"slide_type": kind, **slideshow}
    return cell


def code(source: str, *tags: str) -> NotebookNode:
    return run(source, **({"tags": list(tags)} if tags else {}))


def run(source: str, *outputs: NotebookNode, **metadata: Any) -> NotebookNode:
    cell: NotebookNode = new_code_cell(source, outputs=list(outputs), metadata=metadata)
    return cell


def shown(*, metadata: dict[str, Any] | None = None, **data: Any) -> NotebookNode:
    """Return an output of these kinds, which are the names in ``MIMES``."""
    named = {MIMES[kind]: value for kind, value in data.items()}
    output: NotebookNode = new_output("display_data", data=named, metadata=metadata or {})
    return output


def stream(text: str) -> NotebookNode:
    output: NotebookNode = new_output("stream", text=text)
    return output


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook of these cells, as its file holds it."""
    numbered = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)]
    return {"cells": numbered, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def write_notebook(path: Path, *cells: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(*cells)), encoding="utf-8")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a folder by relative path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def published(exporter: Any, *cells: NotebookNode, **resources: Any) -> tuple[Any, list[str]]:
    """Return the page that an exporter makes of these cells, and its warnings."""
    page, told = exporter.from_notebook_node(
        new_notebook(cells=list(cells)), {"metadata": {"name": "01_data"}, **resources}
    )
    return BeautifulSoup(page, "html.parser"), told["course_warnings"]


def external_references(soup: Tag) -> list[str]:
    """Return the addresses that a browser would fetch by itself to show the page."""
    found = [
        str(element[name])
        for element in soup.find_all(True)
        for name in ("src", "srcset", "poster", "data", "background", "action", "href", "xlink:href")
        if element.has_attr(name) and element.name not in {"a", "area"}
    ]
    styles = "".join(style.get_text() for style in soup.find_all("style"))
    styles += "".join(str(element["style"]) for element in soup.find_all(style=True))
    found += re.findall(r"url\(\s*['\"]?([^)'\"]*)", styles)
    return [address for address in found if not address.startswith(("data:", "#"))] + re.findall("@import", styles)
