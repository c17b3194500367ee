"""Small notebooks for the tests of publishing, and the formats they are published in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from course.publish.convert import Format

TABLE = (
    Format("notebook", "notebook", ".ipynb", "nbconvert.exporters:NotebookExporter"),
    Format("html", "html", ".html", "nbconvert.exporters:HTMLExporter"),
    Format("script", "python", ".py", "course.publish.script:ScriptExporter"),
)
QUICK = (TABLE[0], TABLE[2])


def text(source: str) -> dict[str, Any]:
    """Return a markdown cell."""
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def code(source: str, *tags: str) -> dict[str, Any]:
    """Return a code cell with these tags and no output."""
    metadata = {"tags": list(tags)} if tags else {}
    return {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": source}


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook of these cells, as its file holds it."""
    numbered = [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells)]
    return {"cells": numbered, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def write_notebook(path: Path, *cells: dict[str, Any]) -> Path:
    """Write a notebook of these cells and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(*cells)), encoding="utf-8")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a folder by relative path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
