"""How long a lesson takes a reader, by one rule: ``python tests/notebooks/reading_time.py notebooks/02_chunks.ipynb``.

150 words of Markdown a minute, 8 s a line of code, 12 s a cell of code. Speaker notes, solutions, and cells that only
check an answer take no time. An exercise takes the minutes that it states, 5 if it states none.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import nbformat

if TYPE_CHECKING:
    from nbformat import NotebookNode

WORDS_A_MINUTE = 150
SECONDS_A_LINE = 8
SECONDS_A_CELL = 12
UNSAID_MINUTES = 5
ADDRESS = re.compile(r"\]\([^)]*\)|<[^>]*>")
CHECK = re.compile(r"\s*(course[.]check_answer\(|%check\b)")


class Time(NamedTuple):
    """What there is to read in a lesson, and the minutes that its exercises take."""

    words: int
    lines: int
    cells: int
    exercises: int

    @property
    def reading(self) -> float:
        """Minutes before the exercises."""
        return self.words / WORDS_A_MINUTE + (self.lines * SECONDS_A_LINE + self.cells * SECONDS_A_CELL) / 60

    @property
    def minutes(self) -> float:
        """Minutes, exercises included: what the lesson states."""
        return self.reading + self.exercises


def reading_time(notebook: NotebookNode) -> Time:
    """Count a lesson."""
    words = lines = cells = exercises = 0
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "solution" in tags or cell.metadata.get("slideshow", {}).get("slide_type") == "notes":
            continue
        if "exercise" in tags:
            stated = re.search(r"(\d+) min", cell.source)
            exercises += (int(stated[1]) if stated else UNSAID_MINUTES) * (cell.cell_type == "markdown")
        elif cell.cell_type == "markdown":
            words += sum(any(map(str.isalnum, word)) for word in ADDRESS.sub(" ", cell.source).split())
        elif count := sum(bool(line.strip()) for line in cell.source.splitlines()):
            if only_checks(cell.source):
                continue
            lines, cells = lines + count, cells + 1
    return Time(words, lines, cells, exercises)


def only_checks(source: str) -> bool:
    """Tell whether every statement of a cell checks an answer; lines that go on begin with a space or a bracket."""
    starts = [line for line in source.splitlines() if re.match(r"[^\s#)\]}]", line)]
    return bool(starts) and all(map(CHECK.match, starts))


def main(paths: list[str]) -> None:
    """Print one line a lesson."""
    sys.stdout.write(
        f"{'lesson':18}{'words':>7}{'lines':>7}{'cells':>7}{'reading':>9}{'exercises':>11}{'minutes':>9}  said\n"
    )
    for path in map(Path, paths):
        notebook = nbformat.read(path, as_version=4)
        time, said = reading_time(notebook), said_minutes(notebook)
        counts = f"{time.words:7}{time.lines:7}{time.cells:7}{time.reading:9.0f}{time.exercises:11}{time.minutes:9.0f}"
        sys.stdout.write(f"{path.stem:18}{counts}  {said}\n")


def said_minutes(notebook: NotebookNode) -> int | None:
    """Return the minutes of the line "Time to learn" of a lesson."""
    found = re.search(r"\*\*Time to learn\*\*: (\d+) minutes", "\n".join(cell.source for cell in notebook.cells[:2]))
    return int(found[1]) if found else None


if __name__ == "__main__":
    main(sys.argv[1:])
