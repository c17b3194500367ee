"""What is gathered along a page while its cells are written: formulas, headings, title, warnings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from course.publish.markdown import Identifiers
from course.publish.mathematics import Mathematics


@dataclass(frozen=True)
class PageHeading:
    """A heading of the page: its level (1 to 6), its identifier, its content as HTML."""

    level: int
    identifier: str
    content: str


@dataclass
class Page:
    """The page being written, one object per conversion; ``folder`` is where its pictures are."""

    warnings: list[str]
    folder: Path = Path()
    mathematics: Mathematics = field(default_factory=Mathematics)
    headings: list[PageHeading] = field(default_factory=list)
    title: PageHeading | None = None
    tables: int = 0
    identifiers: Identifiers = field(default_factory=Identifiers)

    def warn(self, message: str) -> None:
        """Keep a one-line warning for the person who builds the page, once."""
        line = " ".join(message.split())
        if line not in self.warnings:
            self.warnings.append(line)

    def table_of_contents(self) -> list[PageHeading]:
        """Return the headings of levels 2 and 3, and those of level 1 beside the title."""
        return [heading for heading in self.headings if heading.level <= 3]
