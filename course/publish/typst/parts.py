"""What a document is made of beside its text: picture files, and pieces that Typst may refuse."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course.publish.typst.captions import Captions
    from course.publish.typst.layout import Layout


@dataclass(frozen=True)
class Fragile:
    """A definition that comes from the notebook and may not compile, with what is shown when it does not."""

    name: str
    definition: str
    fallback: str
    problem: str


@dataclass
class Parts:
    """The files and fragile pieces of one document, named by their content so that repeats are shared."""

    files: dict[str, bytes] = field(default_factory=dict)
    fragiles: dict[str, Fragile] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def add_file(self, content: bytes, suffix: str) -> str:
        """Keep a file and return its name in the document's folder."""
        name = f"{sha256(content).hexdigest()[:16]}.{suffix}"
        self.files[name] = content
        return name

    def add_fragile(self, definition: str, fallback: str, problem: str) -> str:
        """Keep a piece that may not compile and return the Typst variable that holds it."""
        name = f"part-{sha256(definition.encode()).hexdigest()[:16]}"
        self.fragiles[name] = Fragile(name, definition, fallback, problem)
        return name

    def replace_by_source(self, name: str) -> None:
        """Show the fallback of a fragile piece from now on, and warn."""
        fragile = self.fragiles[name]
        self.fragiles[name] = replace(fragile, definition=fragile.fallback)
        self.warn(fragile.problem)

    def warn(self, problem: str) -> None:
        """Keep a one-line warning, once."""
        line = " ".join(problem.split())
        if line not in self.warnings:
            self.warnings.append(line)

    def definitions(self) -> str:
        """Return the Typst definitions of every fragile piece."""
        return "".join(f"#let {fragile.name} = {fragile.definition}\n" for fragile in self.fragiles.values())


@dataclass(frozen=True)
class Context:
    """All that the rendering of a cell needs beside the cell.

    Attributes:
        layout: the sizes of the column the cell is set in.
        captions: the words of the edition's language.
        folder: where the relative addresses of images start.
        parts: receives files, fragile pieces and warnings.
        anchors: headings that can be linked to.
        heading_offset: subtracted from the level of every heading.
        language: Pygments name of the notebook's language.
    """

    layout: Layout
    captions: Captions
    folder: Path
    parts: Parts
    anchors: frozenset[str] = frozenset()
    heading_offset: int = 0
    language: str = "python"
