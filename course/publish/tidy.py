"""Give a notebook the shapes that exporters read, which are fewer than those that the schema of the format allows.

In goes any notebook that nbformat calls valid; out comes a copy in which every output has a form that page, slides and
paper can show, so that they agree. Start reading at ``tidied``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from nbformat import NotebookNode, from_dict
from nbformat.v4.rwbase import rejoin_lines
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from course.publish.lessons import name_cells

Warn = Callable[[str], object]

# What a page can show of an output, best first.
SHOWN_TYPES = (
    "text/html", "text/markdown", "image/svg+xml", "text/latex", "image/png", "image/jpeg", "image/gif", "image/webp",
    "text/plain",
)  # fmt: skip
_SIDES = ("width", "height")
_SLIDE_TYPES = ("slide", "subslide", "fragment", "skip", "notes")
# a link of a terminal: its address, its text, its end
_LINK = re.compile(
    r"\x1b\]8;[^;\x07\x1b]*;(?P<address>[^\x07\x1b]+)(?:\x07|\x1b\\)(?P<text>.*?)\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\)",
    re.DOTALL,
)
# titles of windows, sets of characters, keypad; nbconvert knows colours and movements only
_UNSEEN = re.compile(r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)|\]|[()*+].|[=>78])")


def tidied(notebook: NotebookNode, warn: Warn) -> NotebookNode:
    """Return a copy of a notebook of format 4 that every exporter can read.

    Lists of lines are joined, metadata of other shapes than their names say left out, folded outputs removed, raw cells
    and cells of later formats made outputs. ``warn`` is told in one line what is not shown as it should be.
    """
    nb: NotebookNode = rejoin_lines(from_dict(notebook))  # type: ignore[no-untyped-call]
    authors = nb.metadata.get("authors")
    every = authors if isinstance(authors, list) else [authors]
    names = [one.get("name") if isinstance(one, dict) else one for one in every]
    nb.metadata["authors"] = [{"name": name} for name in names if isinstance(name, str) and name.strip()]
    for name in ("language_info", "kernelspec"):
        if not isinstance(_mapping(nb.metadata, name).get("name"), str):
            del nb.metadata[name]
    language = nb.metadata.get("language_info", {})
    try:
        get_lexer_by_name(str(language.get("pygments_lexer") or language.get("name") or "ipython3"))
    except ClassNotFound:
        language["pygments_lexer"] = "text"  # code of a language without a lexer has no colours
    name_cells(nb)
    nb.cells = [_cell(cell, f"in cell {number}", warn) for number, cell in enumerate(nb.cells, start=1)]
    return from_dict(nb)  # type: ignore[no-any-return, no-untyped-call]


def _mapping(owner: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a value that must be a mapping; one that is not becomes an empty one."""
    if not isinstance(owner.get(name), dict):
        owner[name] = {}
    found: dict[str, Any] = owner[name]
    return found


def _cell(cell: NotebookNode, where: str, warn: Warn) -> dict[str, Any]:
    metadata = _mapping(cell, "metadata")
    hidden, slideshow = _mapping(metadata, "jupyter"), _mapping(metadata, "slideshow")
    kind = slideshow.get("slide_type")
    if kind not in _SLIDE_TYPES and slideshow.pop("slide_type", None) not in (None, "", "-"):
        warn(f"the slide type {str(kind)[:40]!r} is unknown and counts as none, {where}")
    _mapping(slideshow, "data")
    if not isinstance(metadata.get("tags"), list):
        metadata["tags"] = []
    metadata.pop("magics_language", None)  # nbconvert's own note
    if cell.cell_type == "markdown":
        found = _mapping(cell, "attachments")
        cell.attachments = {name: kinds for name, kinds in found.items() if isinstance(kinds, dict) and kinds}
    elif cell.cell_type == "code":
        # no empty box for code that is not there
        hidden["source_hidden"] = hidden.get("source_hidden") is True or not cell.source.strip()
        is_folded = hidden.get("outputs_hidden") is True or metadata.get("collapsed") is True
        outputs = [] if is_folded else [_output(one, where, warn) for one in cell.get("outputs", [])]
        cell.outputs = [one for one in outputs if one.get("data", True)]
        cell.setdefault("execution_count", None)
    else:
        return _as_text(cell, where, warn)
    return cell


def _as_text(cell: NotebookNode, where: str, warn: Warn) -> dict[str, Any]:
    """Return a raw cell, or one of a later format, as a text cell, or as the output of a cell without code."""
    source, written_for = cell.get("source"), cell.metadata.get("format") or cell.metadata.get("raw_mimetype")
    source = source if isinstance(source, str) and source.strip() else ""
    text = dict(cell) | {"cell_type": "markdown", "source": source}
    if cell.cell_type != "raw":
        warn(f"a cell of the unknown kind {cell.cell_type!r} is shown as text, {where}")
    elif written_for == "text/html":
        output = {"output_type": "display_data", "data": {"text/html": source}, "metadata": {}}
        cell.metadata["jupyter"]["source_hidden"] = True
        return text | {"cell_type": "code", "source": "", "outputs": [output], "execution_count": None}
    elif written_for in ("text/markdown", "text/x-markdown"):
        return text
    elif written_for not in (None, "", "text/plain"):
        warn(f"a raw cell written for {written_for} is left out, {where}")
        return text | {"source": ""}
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", source)), default=0))
    return text | {"source": f"{fence}\n{source}\n{fence}" if source else ""}


def _output(output: NotebookNode, where: str, warn: Warn) -> dict[str, Any]:
    if output.output_type == "stream":
        output.text = terminal_text(output.text)
    elif output.output_type == "error":
        traceback = terminal_text("\n".join(output.traceback))
        output.traceback = [traceback if traceback.strip() else f"{output.ename}: {output.evalue}"]
    elif output.output_type in {"display_data", "execute_result"}:
        output.data = _shown(output.data, where, warn)
        metadata = _mapping(output, "metadata")
        for name in ["course", *(name for name in metadata if "/" in name)]:
            about = _mapping(metadata, name)
            metadata[name] = {key: one for key, one in about.items() if key not in _SIDES or _is_length(one)}
    else:
        warn(f"an output of the unknown kind {output.output_type!r} is not shown, {where}")
        text = f"[output not shown here: {output.output_type}]"
        return {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}}
    return output


def _is_length(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


def _shown(data: dict[str, Any], where: str, warn: Warn) -> dict[str, Any]:
    """Return the forms of an output that pages show; a text that says what is missing where there is none."""
    shown = {kind: data[kind] for kind in SHOWN_TYPES if isinstance(data.get(kind), str)}
    text = shown.get("text/plain", "")
    others = ", ".join(kind for kind in data if kind not in SHOWN_TYPES)
    if "text/plain" in shown:
        shown["text/plain"] = terminal_text(text)
    if set(shown) - {"text/plain"} or not others:
        return shown
    if "application/json" in data:
        return {"text/plain": json.dumps(data["application/json"], indent=2, ensure_ascii=False)}
    if text:
        warn(f"an output is shown as its text, a page has no {others}: {text[:60]!r}, {where}")
        return shown
    warn(f"an output needs a script and is not shown ({others}), {where}")
    return {"text/plain": f"[output not shown here: {others}]"}


def terminal_text(text: str) -> str:
    """Return a text as a terminal shows it, colours left in: links written out, erased letters erased."""
    text = _LINK.sub(_written_out, text)
    text = _UNSEEN.sub("", text)
    if "\b" not in text:
        return text
    kept: list[str] = []
    for letter in text:
        if letter != "\b":
            kept.append(letter)
        elif kept and kept[-1] != "\n":
            kept.pop()
    return "".join(kept)


def _written_out(link: re.Match[str]) -> str:
    address, text = link["address"], link["text"]
    return f"{text} ({address})" if address.startswith("http") and address not in text else text
