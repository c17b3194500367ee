"""Run the lessons again and store their outputs in them: ``make lessons``, or ``ALL=1 make lessons`` to renew all.

``python make.py lessons 09 lecture`` runs those whose names begin so.

A lesson whose sources, ``course.measure`` and libraries have not changed since its outputs were stored keeps those of
the cells tagged ``nbval-ignore-output``, and the pictures that show the same: they differ from run to run. Otherwise
all its outputs are renewed, so that what a lesson says of its times and sizes comes from one run. Review the change
with ``nbdiff-web``, whatever was asked for. The names of what they write are added to ``course/lesson_files.json``;
one that no lesson writes any more is taken out by hand.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import nbformat
from PIL import Image

from course.clean import RECORD, read_record, write_record
from course.errors import CourseError
from course.files import replacing
from course.publish.cache import tree_digest, versions
from course.publish.execute import ExecutedNotebook, execute_notebooks
from course.publish.lessons import Lesson, digest, discover_lessons, read_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
VARIES = "nbval-ignore-output"


def origin(notebook: NotebookNode) -> dict[str, str]:
    """Return what the outputs of a notebook that vary come from, as digests that are equal if it has not changed."""
    cells = [[cell.cell_type, cell.source, cell.metadata.get("tags", [])] for cell in notebook.cells]
    python = ".".join(platform.python_version_tuple()[:2])
    parts = {
        "sources": digest(json.dumps(cells)),
        "measure": tree_digest(ROOT / "course" / "measure"),
        "libraries": digest(json.dumps(versions() | {"python": python})),
    }
    return {name: value[:16] for name, value in parts.items()}


def store_outputs(path: Path, executed: NotebookNode, *, renew: bool = False) -> str:
    """Store in a notebook the outputs of a complete run of it, and return a line that says what was done.

    Args:
        path: the notebook, whose cells are those of ``executed``.
        executed: the notebook as it ran.
        renew: store every output, also where nothing has changed.
    """
    stored = read_notebook(path)
    now, before = origin(stored), stored.metadata.get("course", {}).get("outputs_from", {})
    changed = [name for name, value in now.items() if before.get(name) != value]
    keeps = not (changed or renew)
    different = 0
    for cell, run in zip(stored.cells, executed.cells, strict=True):
        if cell.cell_type != "code" or (keeps and VARIES in cell.metadata.get("tags", [])):
            continue
        outputs = [kept_pictures(output, cell.outputs) for output in run.outputs] if keeps else run.outputs
        different += outputs != cell.outputs
        cell.outputs, cell.execution_count = outputs, run.execution_count
    stored.metadata["course"] = {"outputs_from": now}
    with replacing(path) as temporary:
        nbformat.write(stored, temporary)
    what = "times and pictures kept" if keeps else f"renewed ({', '.join(changed) or 'as asked'})"
    return f"{path.stem}: {what}, {different} cells differ"


def kept_pictures(output: NotebookNode, stored: Sequence[NotebookNode]) -> NotebookNode:
    """Return an output with the stored picture in place of its own, where both show the same."""
    picture = output.get("data", {}).get("image/png")
    if picture is not None:
        candidates = [one.data["image/png"] for one in stored if "image/png" in one.get("data", {})]
        same = (one for one in candidates if pixels(one) == pixels(picture))
        output.data["image/png"] = next(same, picture)
    return output


def pixels(picture: str) -> str:
    """Return the digest of what a picture in base 64 shows."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGBA")
    return hashlib.sha256(f"{image.size}".encode() + image.tobytes()).hexdigest()


def main(names: Sequence[str]) -> int | str:
    """Run lessons and decks, one at a time so that none disturbs the times of another; all if none is named."""
    renew = bool(os.environ.get("ALL"))
    found = discover_lessons(ROOT / "notebooks", ROOT / "slides")
    lessons = [lesson for lesson in found if not names or lesson.name.startswith(tuple(names))]
    if not lessons:
        return f"no lesson begins with {' or '.join(names)}"
    # in data/, by any lesson: what course clean may delete
    record = ROOT / "course" / "lesson_files.json"
    written = set(json.loads(record.read_text(encoding="utf-8")))

    def store(lesson: Lesson, done: ExecutedNotebook) -> None:
        line = store_outputs(lesson.path, done.notebook, renew=renew)
        if not lesson.is_deck:
            data = Path(work, lesson.folder, lesson.name, "data")
            written.update(name.partition("/")[0] for name in read_record(data))
        sys.stdout.write(f"{line} ({done.seconds:.0f} s)\n")
        sys.stdout.flush()

    try:
        with TemporaryDirectory() as work:
            write_record(Path(work), {})
            execute_notebooks(lessons, Path(work), [Path(work, RECORD)], workers=1, on_executed=store)
        with replacing(record) as temporary:
            temporary.write_text(json.dumps(sorted(written), indent=1) + "\n", encoding="utf-8", newline="\n")
    except CourseError as error:
        return str(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
