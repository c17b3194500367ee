"""Compile Typst documents in a folder of their own, with fonts that come with the packages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

from course.errors import BuildError, MissingDependencyError

if TYPE_CHECKING:
    from course.publish.typst.parts import Parts

Result = TypeVar("Result")
# typst 0.15: what was not used by this number of compilations is dropped
_COMPILATIONS_KEPT = 10
_TEMPLATES = Path(__file__).parent.parent / "templates" / "typst"


def compile_pdf(functions: str, body: str, parts: Parts) -> bytes:
    """Return the PDF of a document; the same source and parts always give the same bytes.

    Pieces that Typst refuses are replaced by their source, with a warning in ``parts.warnings``.

    Args:
        functions: the Typst templates.
        body: the Typst document, which may use the functions and the parts.
        parts: its pictures and fragile pieces.

    Raises:
        MissingDependencyError: the typst package is not installed.
        BuildError: Typst refuses the document itself.
    """

    def run(compiler: Any, document: bytes) -> bytes:
        # No date: the same input gives the same bytes, whenever it is built.
        return bytes(compiler.compile(document, format="pdf", timestamp=0))

    try:
        return _mending(functions, body, parts, run)
    finally:
        _forget_documents()


def query_values(functions: str, body: str, parts: Parts, label: str) -> list[Any]:
    """Return the values of the metadata elements that carry a label, once the document is laid out.

    Raises:
        MissingDependencyError: the typst package is not installed.
        BuildError: Typst refuses the document itself.
    """

    def run(compiler: Any, document: bytes) -> list[Any]:
        del document
        return list(json.loads(compiler.query(f"<{label}>", field="value")))

    return _mending(functions, body, parts, run)


def template(*names: str) -> str:
    """Return the text of the Typst templates of these names, one after the other."""
    return "\n".join((_TEMPLATES / f"{name}.typ").read_text(encoding="utf-8") for name in names)


def _mending(functions: str, body: str, parts: Parts, run: Callable[[Any, bytes], Result]) -> Result:
    with _folder(parts) as folder:
        try:
            return _run(functions, body, parts, folder, run)
        except RuntimeError as error:  # TypstError is one; a query raises the plain class
            if not _replace_refused(functions, parts, folder):
                raise BuildError(f"Typst cannot set the document ({error}); please report it") from error
            return _run(functions, body, parts, folder, run)


def _run(functions: str, body: str, parts: Parts, folder: Path, run: Callable[[Any, bytes], Result]) -> Result:
    document = f"{functions}\n{parts.definitions()}{body}\n".encode()
    return run(_compiler(document, folder), document)


def _compiler(document: bytes, folder: Path) -> Any:
    here = str(folder)
    # Packages are looked for in this folder alone, not among those that the user has installed.
    return _typst().Compiler(document, root=here, font_paths=_fonts(), package_path=here, package_cache_path=here)


def _forget_documents() -> None:
    """Empty Typst's cache of layouts, which keeps all that its last ten compilations used: 250 MB in a whole build.

    Measured over 13 notebooks in three forms: peak 537 MB without, 270 MB with, for 3 % more processor time.
    """
    compiler = _typst().Compiler(b"", font_paths=_fonts())
    for _ in range(_COMPILATIONS_KEPT + 1):
        compiler.compile(b"", format="pdf", timestamp=0)


def _replace_refused(functions: str, parts: Parts, folder: Path) -> bool:
    """Try the fragile pieces one by one, replace those that fail, and tell whether there was one."""
    typst = _typst()
    refused = []
    for name, fragile in parts.fragiles.items():
        document = f"{functions}\n#{{ {fragile.definition} }}".encode()
        try:
            _compiler(document, folder).compile(document, format="pdf", timestamp=0)
        except typst.TypstError:
            refused.append(name)
    for name in refused:
        parts.replace_by_source(name)
    return bool(refused)


@contextmanager
def _folder(parts: Parts) -> Iterator[Path]:
    with TemporaryDirectory(prefix="course-typst-") as name:
        for file, content in parts.files.items():
            (Path(name) / file).write_bytes(content)
        yield Path(name)


def _typst() -> Any:
    try:
        import typst
    except ImportError as error:
        raise MissingDependencyError("PDF needs the typst package: run pip install typst tylax") from error
    return typst


@lru_cache(maxsize=1)
def _fonts() -> Any:
    """Return the fonts inside typst and matplotlib; the machine's own would make the result depend on it."""
    matplotlib = find_spec("matplotlib")
    folders = matplotlib.submodule_search_locations if matplotlib else None
    paths = [str(Path(folder) / "mpl-data" / "fonts" / "ttf") for folder in folders or ()]
    return _typst().Fonts(include_system_fonts=False, font_paths=paths)
