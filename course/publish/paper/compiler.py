"""Write Typst source and compile it, in a folder of its own and with the fonts that come with the packages.

Every text is written as a string literal, so that nothing in a notebook can be taken for markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import BuildError
from course.files import temporary_folder
from course.shipped import require

if TYPE_CHECKING:
    from course.publish.mathematics import Formula

EMPTY = "[]"
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})
_TEMPLATES = Path(__file__).parent.parent / "templates" / "typst"
# typst 0.15: what was not used by this number of compilations is dropped
_COMPILATIONS_KEPT = 10
# what was made last, by its source: the slides in PDF and the speaker's handout lay out the same deck
_made: dict[str, Any] = {}
_MADE_KEPT = 8


def printable(text: str) -> str:
    """Return ``text`` without control characters; a lone surrogate becomes the replacement character."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _UNPRINTABLE.sub("", text))


def literal(text: str) -> str:
    """Return ``text`` as a Typst string literal."""
    return f'"{printable(text).translate(_ESCAPES)}"'


def block(expressions: Iterable[str]) -> str:
    """Return one expression that joins the given ones, in order; ``[]`` when there is none."""
    kept = [expression for expression in expressions if expression not in ("", EMPTY)]
    if not kept:
        return EMPTY
    return kept[0] if len(kept) == 1 and kept[0].startswith(("{", "[")) else "{" + "\n".join(kept) + "}"


def paragraph(content: str) -> str:
    """Return an expression on lines of its own; ``[]`` stays empty."""
    return EMPTY if content == EMPTY else block(["parbreak()", content, "parbreak()"])


def call(function: str, *positional: str, **named: str | None) -> str:
    """Return a call of a Typst function; arguments are expressions, ``None`` is left out, ``_`` becomes ``-``."""
    arguments = [f"{name.replace('_', '-')}: {value}" for name, value in named.items() if value is not None]
    return f"{function}({', '.join([*arguments, *positional])})"


def styled(content: str, color: str | None, *, bold: bool, italic: bool) -> str:
    """Return an expression in a colour, itself an expression, and a face; as it is where none is asked for."""
    if not (color or bold or italic):
        return content
    return call("text", content, fill=color, weight='"bold"' if bold else None, style='"italic"' if italic else None)


def array(items: Iterable[str]) -> str:
    """Return a Typst array of expressions."""
    return "(" + "".join(f"{item}, " for item in items) + ")"


def points(length: float) -> str:
    """Return a length in points, to a tenth."""
    return f"{length:.1f}pt"


def boolean(truth: bool) -> str:
    """Return a Typst boolean."""
    return str(truth).lower()


@dataclass(frozen=True)
class Fragile:
    """A definition made from the notebook's own source, which Typst may refuse, and what is shown when it does."""

    definition: str
    fallback: str
    problem: str


@dataclass
class Parts:
    """What a document has beside its text: files and fragile pieces, named by content so that repeats are shared.

    ``formulas`` are those of all its cells, which the trees of the cells refer to by number,
    ``where`` says to the author which cell is being read or set; ``printed`` is what each
    cell became, ``letters`` are those that its pictures and formulas print beside.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    fragiles: dict[str, Fragile] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    formulas: list[Formula] = field(default_factory=list)
    where: str = ""
    letters: dict[str, set[str]] = field(default_factory=dict)
    printed: list[tuple[str, str]] = field(default_factory=list)

    def add_file(self, content: bytes, suffix: str) -> str:
        """Keep a file and return its name in the document's folder."""
        name = f"{sha256(content).hexdigest()[:16]}.{suffix}"
        self.files[name] = content
        return name

    def add_fragile(self, definition: str, fallback: str, problem: str) -> str:
        """Keep a piece that may not compile and return the Typst variable that holds it."""
        name = f"part-{sha256(definition.encode()).hexdigest()[:16]}"
        self.fragiles[name] = Fragile(definition, fallback, self._told(problem))
        return name

    def definitions(self) -> str:
        """Return the Typst definitions of every fragile piece."""
        return "".join(f"#let {name} = {fragile.definition}\n" for name, fragile in self.fragiles.items())

    def warn(self, problem: str) -> None:
        """Keep a one-line warning on the cell being set, once."""
        self.keep(self._told(problem))

    def keep(self, warning: str) -> None:
        """Keep a warning that says already which cell it is about, once."""
        if warning not in self.warnings:
            self.warnings.append(warning)

    def _told(self, problem: str) -> str:
        return " ".join(f"{problem}, {self.where}".split()) if self.where else " ".join(problem.split())


def compile_pdf(template: str, body: str, parts: Parts) -> bytes:
    """Return the PDF of a document; the same source and parts always give the same bytes.

    Pieces that Typst refuses are replaced by their source, with a warning in ``parts.warnings``. The document uses the
    functions of the Typst templates ``common`` and ``template``.

    Raises:
        MissingDependencyError: the typst package is not installed.
        BuildError: Typst refuses the document itself.
    """

    def made() -> bytes:
        try:
            # No date: the same input gives the same bytes, whenever it is built.
            return bytes(_mending(template, body, parts, lambda typst: typst.compile(format="pdf", timestamp=0)))
        finally:
            _forget_documents()

    return bytes(_once(made, parts, "pdf", template, body))


def query_values(template: str, body: str, parts: Parts, label: str) -> list[Any]:
    """Return the values of the metadata elements that carry a label, once the document is laid out.

    Other arguments and errors are those of ``compile_pdf``.
    """

    def found() -> str:
        return str(_mending(template, body, parts, lambda typst: typst.query(f"<{label}>", field="value")))

    return list(json.loads(_once(found, parts, label, template, body)))


def _once(make: Callable[[], Any], parts: Parts, *what: str) -> Any:
    """Return what is made of a source, from memory if it was made lately; what had to be mended is told each time."""
    definitions = parts.definitions()  # files are named by their content
    key = sha256("\0".join((*what, definitions)).encode()).hexdigest()
    if key in _made:
        return _made[key]
    made = make()
    if parts.definitions() == definitions:
        _made[key] = made
        if len(_made) > _MADE_KEPT:
            del _made[next(iter(_made))]
    return made


def _mending(template: str, body: str, parts: Parts, run: Callable[[Any], Any]) -> Any:
    """Run Typst on the document; where it is refused, again without the fragile pieces that do not compile alone."""
    typst = _typst()
    functions = "\n".join((_TEMPLATES / f"{name}.typ").read_text(encoding="utf-8") for name in ("common", template))
    with temporary_folder() as folder:
        for file, content in parts.files.items():
            (folder / file).write_bytes(content)

        def compiler(document: str) -> Any:
            # Packages are looked for in this folder alone, not among those that the user has installed.
            places = dict.fromkeys(("root", "package_path", "package_cache_path"), str(folder))
            return typst.Compiler(f"{functions}\n{document}\n".encode(), font_paths=_fonts(), **places)

        try:
            return run(compiler(parts.definitions() + body))
        except RuntimeError as error:  # TypstError is one; a query raises the plain class
            refused = False
            for name, fragile in parts.fragiles.items():
                try:
                    compiler(f"#{{ {fragile.definition} }}").compile()
                except typst.TypstError:
                    parts.fragiles[name] = replace(fragile, definition=fragile.fallback)
                    parts.keep(fragile.problem)
                    refused = True
            if not refused:
                reason = _reason(error, parts, compiler)
                raise BuildError(f"Typst cannot set the document ({reason}); please report it") from error
            return run(compiler(parts.definitions() + body))


def _reason(error: RuntimeError, parts: Parts, compiler: Callable[[str], Any]) -> str:
    """Return on one line why a document is refused, and the first cell that is refused alone."""
    for where, expression in parts.printed:
        try:
            compiler(f"{parts.definitions()}#{expression}").compile()
        except _typst().TypstError as one:
            return f"{' '.join(str(one).split())}, {where}"
    return " ".join(str(error).split())


def probe(expression: str) -> bytes:
    """Return the PDF of an expression alone, in the fonts of the text."""
    source = (_TEMPLATES / "common.typ").read_text(encoding="utf-8")
    return bytes(
        _typst().Compiler(f"{source}\n#text(font: body-fonts, {expression})".encode(), font_paths=_fonts()).compile()
    )


def font_path(name: str) -> Path | None:
    """Return the file of a font that matplotlib brings, or None without matplotlib."""
    return next((path / name for path in _font_folders()), None)


def _forget_documents() -> None:
    """Empty Typst's cache of layouts, which keeps all that its last ten compilations used: 250 MB in a whole build.

    Measured over 13 notebooks in three forms: peak 537 MB without, 270 MB with, for 3 % more processor time.
    """
    compiler = _typst().Compiler(b"", font_paths=_fonts())
    for _ in range(_COMPILATIONS_KEPT + 1):
        compiler.compile(b"", format="pdf", timestamp=0)


def _typst() -> Any:
    require("publish", "typst", needed_for="PDF")
    import typst

    return typst


@lru_cache(maxsize=1)
def _fonts() -> Any:
    """Return the fonts inside typst and matplotlib; the machine's own would make the result depend on it."""
    return _typst().Fonts(include_system_fonts=False, font_paths=list(map(str, _font_folders())))


def _font_folders() -> list[Path]:
    matplotlib = find_spec("matplotlib")
    folders = matplotlib.submodule_search_locations if matplotlib else None
    return [Path(folder) / "mpl-data" / "fonts" / "ttf" for folder in folders or ()]
