"""Keep what a build made until one of the things it was made from changes: the keys, and the folder of results."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import platform
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.files import file_digest, replacing
from course.publish.lessons import companions, digest
from course.requirements import installed_version
from course.shipped import DISTRIBUTION

if TYPE_CHECKING:
    from course.publish.lessons import Lesson

# Bumped when the meaning of a stored record changes.
_RECORD_FORMAT = 1
_OF_TESTS = re.compile(r"extra == .test.|^bigdata-course\b")


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of what the project asks for, but for its tests, by name in order."""
    found = {"python": platform.python_version()}
    try:
        required = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return found
    names = {re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in required if not _OF_TESTS.search(line)}
    for name in sorted(names, key=str.lower):
        found[name] = installed_version(name) or "not installed"
    return found


def files_digest(paths: Iterable[Path], folder: Path) -> str:
    """Return the SHA-256 of some files of a folder: their names relative to it, and their contents."""
    return digest(*(f"{path.relative_to(folder).as_posix()} {file_digest(path)}" for path in paths))


def tree_digest(folder: Path, *, without: Path | None = None) -> str:
    """Return the SHA-256 of all the files of a folder, compiled code and the folder ``without`` left out."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    return files_digest((path for path in paths if without not in path.parents), folder)


@cache
def course_code_digest() -> str:
    """Return the digest of the code a lesson can run: packages ``course`` (without ``publish``) and ``magics``."""
    publish = Path(__file__).parent
    course = tree_digest(publish.parent, without=publish)
    # found, not imported: nothing in `course` depends on `magics`
    magics = importlib.util.find_spec("magics")
    return digest(course, tree_digest(Path(magics.origin).parent) if magics and magics.origin else "")


@cache
def publish_code_digest() -> str:
    """Return the digest of the code and templates that turn an executed notebook into its formats."""
    return tree_digest(Path(__file__).parent)


def execution_key(lesson: Lesson, data_files: Sequence[Path] = ()) -> str:
    """Return the digest of all that the outputs of a lesson depend on: its source, the files beside it and its data."""
    folder = lesson.path.parent
    beside = files_digest(companions(folder), folder)
    data = [f"{path.name} {path.stat().st_size} {file_digest(path)}" for path in data_files]
    return digest(lesson.source_digest, beside, course_code_digest(), json.dumps(versions()), *data)


def conversion_key(lesson: Lesson, notebook_digest: str, form: str, resources: object) -> str:
    """Return the digest of everything one published form of a lesson depends on.

    The files beside it count, for pages show its pictures, and the names of the notebooks, for its links. ``form`` is
    the format and the exporter that makes it; ``resources``, in JSON values, what the exporter is told of the site.
    """
    folder = lesson.path.parent
    beside = files_digest(companions(folder), folder)
    notebooks = sorted(path.name for path in folder.glob("*.ipynb"))
    told = json.dumps([versions(), resources, notebooks])
    return digest(lesson.name, notebook_digest, beside, form, publish_code_digest(), told)


class Cache:
    """A folder of results, each with the key of what it was made from; an entry with another key is not found.

    One entry per name is kept: the folder does not grow with the number of builds. An entry that is damaged, or that
    another version of the course wrote otherwise, is not found either.
    """

    def __init__(self, folder: Path, *, read: bool = True) -> None:
        """Use ``folder``, created when first written; with ``read`` false nothing is found and all is renewed."""
        self.folder = folder
        self.read = read

    def find_record(self, name: str, key: str) -> dict[str, Any] | None:
        """Return the record stored under ``name`` with the same ``key``, or None."""
        if not self.read:
            return None
        try:
            record = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        is_current = isinstance(record, dict) and record.get("format") == _RECORD_FORMAT and record.get("key") == key
        return record["value"] if is_current else None

    def store_record(self, name: str, key: str, value: dict[str, Any]) -> None:
        """Store a record of JSON values under ``name``, in place of any other."""
        record = {"format": _RECORD_FORMAT, "key": key, "value": value}
        with replacing(self.folder / f"{name}.json") as temporary:
            temporary.write_text(json.dumps(record), encoding="utf-8", newline="\n")

    def find_file(self, name: str, key: str) -> tuple[Path, dict[str, Any]] | None:
        """Return the file stored under ``name`` with the same ``key``, and its record, or None."""
        record = self.find_record(name, key)
        path = self.folder / name
        if record is None or not path.is_file() or file_digest(path) != record["sha256"]:
            return None
        return path, record

    def store_file(self, name: str, key: str, content: bytes, **record: Any) -> tuple[Path, dict[str, Any]]:
        """Store a file and its record under ``name``; return them as ``find_file`` would."""
        path = self.folder / name
        with replacing(path) as temporary:
            temporary.write_bytes(content)
        value = {"sha256": hashlib.sha256(content).hexdigest(), **record}
        self.store_record(name, key, value)
        return path, value
