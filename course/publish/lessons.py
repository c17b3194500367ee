"""Find the lessons and decks of a folder, the files beside them, and what the site says of each."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from course.errors import BuildError
from course.headings import headings, paragraphs

if TYPE_CHECKING:
    from nbformat import NotebookNode

_LESSON_NAME = re.compile(r"\d\d_\w+\.ipynb")
_TIME_TO_LEARN = re.compile(r"\*\*Time to learn\*\*\s*:\s*(?P<time>[^\n<]+)", re.IGNORECASE)
_DECK_FOLDER = "slides"
# What a lesson makes (`data`) or Python leaves is not part of the lesson.
_LEFT_OUT = {"data", "__pycache__"}


@dataclass(frozen=True)
class Lesson:
    """A notebook to publish.

    Attributes:
        title: its first ``#`` heading, as plain text.
        description: the first paragraph of its first text cell, as plain text; may be empty.
        time_to_learn: what follows ``**Time to learn**:`` in its first cells, or None.
        is_deck: whether it is a lecture deck rather than a lesson.
        source_digest: SHA-256 of its cells and metadata, outputs excluded.
        language: the language of its kernel when that is not Python, else None.
    """

    path: Path
    title: str
    description: str
    time_to_learn: str | None
    is_deck: bool
    source_digest: str
    language: str | None = None

    @property
    def name(self) -> str:
        """Name of the file without its suffix."""
        return self.path.stem

    @property
    def folder(self) -> str:
        """Name of the folder that holds it, which is also its folder in the site."""
        return self.path.parent.name


def discover_lessons(notebooks: Path, slides: Path | None = None) -> list[Lesson]:
    """Return the lessons ``NN_name.ipynb`` of ``notebooks`` in order, then the decks of ``slides``.

    Raises:
        BuildError: there is no lesson, or a notebook cannot be read.
    """
    lessons = [path for path in _notebooks(notebooks) if _LESSON_NAME.fullmatch(path.name)]
    if not lessons:
        raise BuildError(f"no lesson in {notebooks}: a lesson is a file named like 01_data.ipynb")
    decks = _notebooks(slides) if slides is not None else []
    return [read_lesson(path) for path in [*lessons, *decks]]


def _notebooks(folder: Path) -> list[Path]:
    """Return the notebooks of a folder in order, a dead link too; the copies of editors are hidden files."""
    return [path for path in sorted(folder.glob("[!.]*.ipynb")) if not path.is_dir()]


def read_lesson(path: Path) -> Lesson:
    """Return the lesson, or the deck if its folder is named ``slides``, of a notebook file.

    Raises:
        BuildError: the file is missing or is not a notebook of format 4.
    """
    cells, metadata = _read_cells(path)
    # not where a symbolic link leads to: pictures and links are beside the link
    path = Path(os.path.abspath(path))  # noqa: PTH100
    texts = [text for kind, text, *_ in cells if kind == "markdown"]
    titles = (
        heading.text for text in texts for heading in headings(text) if heading.level == 1 and heading.text.strip()
    )
    about = (one for one in paragraphs(texts[0]) if "time to learn" not in one.lower()) if texts else iter(())
    times = (found["time"] for text in texts[:3] if (found := _TIME_TO_LEARN.search(text)))
    return Lesson(
        path=path,
        title=" ".join(next(titles, path.stem).split()),
        description=next(about, ""),
        time_to_learn=" ".join(paragraphs(next(times, ""))) or None,
        is_deck=path.parent.name == _DECK_FOLDER,
        source_digest=digest(json.dumps([cells, metadata], sort_keys=True)),
        language=foreign_language(metadata),
    )


def foreign_language(metadata: Any) -> str | None:
    """Return the language of the kernel that the metadata of a notebook name, None if it is Python or not said."""
    kernel, language = (
        found if isinstance(found := metadata.get(name), dict) else {} for name in ("kernelspec", "language_info")
    )
    told = [one for one in (kernel.get("language"), language.get("name")) if isinstance(one, str) and one.strip()]
    if told:
        return None if "python" in told[0].lower() else " ".join(told[0].split())[:60]
    # an old file names its kernel only: python3, conda-env-mine-py, ir
    named = " ".join(" ".join(str(kernel.get(name) or "") for name in ("name", "display_name")).split())
    return named[:60] if named and "py" not in named.lower() else None


def _read_cells(path: Path) -> tuple[list[list[Any]], Any]:
    """Return the kind, the text, the metadata and the attachments of each cell, and the metadata of the notebook.

    The JSON is read as it is: a build with nothing to do does not even import nbformat.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if notebook["nbformat"] != 4:
            raise BuildError(
                f"{path} is a notebook of format {notebook['nbformat']}; open it in Jupyter and save it again"
            )
        cells = [
            # a file may hold a text as a list of lines
            [cell["cell_type"], "".join(cell.get("source", "")), cell.get("metadata", {}), cell.get("attachments", {})]
            for cell in notebook["cells"]
        ]
        return cells, notebook.get("metadata", {})
    except OSError as error:
        raise BuildError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BuildError(f"{path} is not a notebook: {type(error).__name__}: {error}") from error


def read_notebook(path: Path) -> NotebookNode:
    """Return a notebook with the outputs stored in it; a file may hold a text as a list of lines.

    Raises:
        BuildError: the file is not a notebook of format 4 as the format's own schema says.
    """
    import nbformat

    try:
        stored = nbformat.reader.reads(path.read_bytes().decode())  # type: ignore[no-untyped-call]
        notebook: NotebookNode = nbformat.convert(stored, 4)  # type: ignore[no-untyped-call]
        name_cells(notebook)
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        place = list(error.relative_path)
        where = f"cell {place[1] + 1}: " if place[:1] == ["cells"] and len(place) > 1 else ""
        raise BuildError(
            f"{path.name} is not a valid notebook: {where}{error.message.splitlines()[0][:200]}"
        ) from error
    except (nbformat.reader.NotJSONError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise BuildError(f"{path.name} is not a valid notebook: {str(error).strip().splitlines()[0]}") from error
    return notebook


def name_cells(notebook: NotebookNode) -> None:
    """Give each cell an identifier of its own where the format wants one (4.5) and it has none, or that of another."""
    taken: set[object] = set()
    for number, cell in enumerate(notebook.cells if notebook.nbformat_minor >= 5 else [], start=1):
        while cell.setdefault("id", f"cell-{number}") in taken:
            cell["id"] = f"cell-{number}-{len(taken)}-{cell['id']}"[:64]
        taken.add(cell["id"])


def heading_above(cells: Sequence[dict[str, Any]], index: int) -> str | None:
    """Return the text of the last heading before cell number ``index`` (from 0), or None."""
    for cell in reversed(cells[:index]):
        found = headings(cell["source"]) if cell["cell_type"] == "markdown" else []
        if found:
            return " ".join(found[-1].text.split())
    return None


def companions(folder: Path) -> list[Path]:
    """Return the files beside the notebooks of ``folder``, in order: pictures, modules; not ``data/``, none hidden.

    Links are followed, but for those that lead nowhere or back, which ``dead_links`` names.
    """
    return [path for path in _beside(folder) if path.is_file() and path.suffix != ".ipynb"]


def dead_links(folder: Path) -> list[Path]:
    """Return what is beside the notebooks of ``folder`` and cannot be copied: links without end, no files (pipes)."""
    return [path for path in _beside(folder) if not path.is_file()]


def _beside(folder: Path) -> list[Path]:
    found: list[Path] = []
    for here, folders, names in os.walk(folder, followlinks=True):
        # neither entered nor listed: lessons make many files in data/
        kept = [name for name in folders if not name.startswith(".") and name not in _LEFT_OUT]
        above = {up for one in (Path(here), *Path(here).parents) for up in (one.resolve(), *one.resolve().parents)}
        back = [name for name in kept if Path(here, name).is_symlink() and Path(here, name).resolve() in above]
        folders[:] = [name for name in kept if name not in back]
        found += [Path(here, name) for name in names + back if not name.startswith(".")]
    return sorted(found)


_asked: ContextVar[set[str] | None] = ContextVar("asked", default=None)


@contextmanager
def recording_files() -> Iterator[set[str]]:
    """Yield the relative names of the files that ``file_beside`` is asked for in the block, whether there or not."""
    asked: set[str] = set()
    before = _asked.set(asked)
    try:
        yield asked
    finally:
        _asked.reset(before)


def file_beside(folder: Path, address: str) -> Path | None:
    """Return the file that a relative address written in a notebook of ``folder`` leads to, or None."""
    name = unquote(address)
    if Path(name).is_absolute() or PureWindowsPath(name).is_absolute():
        return None
    path, asked = folder / name, _asked.get()
    try:
        found = path if path.is_file() else None
    except (OSError, ValueError):  # no system has names of thousands of letters, or with a zero
        return None
    if asked is not None:
        asked.add(name)
    return found


def copy_companions(source: Path, target: Path) -> None:
    """Copy the files beside the notebooks of ``source`` into ``target``, at the same places."""
    for path in companions(source):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)


def digest(*parts: str | bytes) -> str:
    """Return the SHA-256 of a sequence of parts, in hexadecimal; where one part ends is part of the result."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part.encode() if isinstance(part, str) else part).digest())
    return total.hexdigest()
