"""Say what an executed lesson and its formats depend on, as digests that change when it does."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from course.files import file_digest
from course.publish.companions import companions
from course.publish.digests import digest, files_digest, tree_digest

if TYPE_CHECKING:
    from course.publish.lessons import Lesson

DISTRIBUTION = "bigdata-course"


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed direct dependencies of the project, by name in order."""
    found = {"python": platform.python_version()}
    for name in sorted(_dependencies(), key=str.lower):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _dependencies() -> Iterator[str]:
    """Yield the names in the project's requirements, those of its extras left out."""
    try:
        required = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return
    for line in required:
        if "extra ==" not in line:
            yield re.split(r"[^\w.-]", line, maxsplit=1)[0]


@cache
def course_code_digest() -> str:
    """Return the digest of the code a lesson can run: packages ``course`` (without ``publish``) and ``magics``."""
    publish = Path(__file__).parent
    course = tree_digest(publish.parent, without=publish)
    # found, not imported: nothing in `course` depends on `magics`
    magics = importlib.util.find_spec("magics")
    has_magics = magics is not None and magics.origin is not None
    return digest(course, tree_digest(Path(str(magics.origin)).parent) if magics and has_magics else "")


@cache
def publish_code_digest() -> str:
    """Return the digest of the code and templates that turn an executed notebook into its formats."""
    return tree_digest(Path(__file__).parent)


def execution_key(lesson: Lesson, data_files: Sequence[Path] = ()) -> str:
    """Return the digest of everything the outputs of a lesson depend on.

    Args:
        lesson: its source and the files beside it count, its stored outputs do not.
        data_files: files placed in its ``data/`` folder: name, size and content count.
    """
    folder = lesson.path.parent
    beside = files_digest(companions(folder), folder)
    data = [f"{path.name} {path.stat().st_size} {file_digest(path)}" for path in data_files]
    return digest(lesson.source_digest, beside, course_code_digest(), json.dumps(versions()), *data)


def conversion_key(lesson: Lesson, notebook_digest: str, form: str, resources: object) -> str:
    """Return the digest of everything one published form of a lesson depends on.

    Args:
        lesson: the files beside it count, for pages show its pictures, and the names of the notebooks, for its links.
        notebook_digest: digest of the executed notebook.
        form: the format and the exporter class that makes it.
        resources: what the exporter is told of the site, in JSON values.
    """
    folder = lesson.path.parent
    beside = files_digest(companions(folder), folder)
    notebooks = sorted(path.name for path in folder.glob("*.ipynb"))
    told = json.dumps([versions(), resources, notebooks])
    return digest(lesson.name, notebook_digest, beside, form, publish_code_digest(), told)
