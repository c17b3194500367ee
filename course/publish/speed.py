"""Measure how fast lessons are published: the build of the course, against one nbconvert call per file and format."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from course.errors import BuildError
from course.measure import Measurement, measure
from course.progress import progress_bar
from course.publish.formats import FORMATS, Format

STOCK = {"notebook": "notebook", "html": "html", "script": "script", "slides": "slides"}
"""The formats that nbconvert makes by itself with nothing but pip packages, and what it calls them."""

OURS = {"pdf": "course_pdf", "slides2": "course_slides_pdf", "notes": "course_notes_pdf"}
"""The formats that need a program beside pip packages with nbconvert alone: it calls the course's own exporters."""


@dataclass(frozen=True)
class Comparison:
    """Costs of publishing the same executed notebooks.

    Attributes:
        lessons: number of notebooks.
        calls: cost of one ``jupyter nbconvert`` call per notebook and format.
        build: cost of one build of the same formats, start-up included, nothing taken from a cache.
        again: cost of a second build, with nothing changed.
    """

    lessons: int
    formats: tuple[str, ...]
    calls: Measurement
    build: Measurement
    again: Measurement

    @property
    def ratio(self) -> float:
        """How many times faster the build is."""
        return self.calls.wall_seconds / self.build.wall_seconds


def compare(notebooks: Sequence[Path], names: Sequence[str] = ()) -> Comparison:
    """Publish executed notebooks both ways, one after the other in the same run, and return the costs.

    Args:
        notebooks: executed notebooks, read and never written.
        names: formats to make; by default those that nbconvert makes by itself (``STOCK``).

    Raises:
        BuildError: one of the two ways fails.
    """
    formats = tuple(one for one in FORMATS if one.name in (names or STOCK))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        calls = _measured("nbconvert", list(_calls(notebooks, formats, folder / "calls")))
        command = _build(notebooks, formats, folder)
        build = _measured("course build", [command])
        again = _measured("course build, again", [command])
    return Comparison(len(notebooks), tuple(one.name for one in formats), calls, build, again)


def _calls(notebooks: Sequence[Path], formats: Sequence[Format], folder: Path) -> Iterator[list[str]]:
    for notebook in notebooks:
        for one in formats:
            to = STOCK.get(one.name) or OURS[one.name]
            output = folder / f"{notebook.stem}{one.suffix}"
            yield ["-m", "nbconvert", "--to", to, str(notebook), "--output-dir", str(folder), "--output", output.stem]


def _build(notebooks: Sequence[Path], formats: Sequence[Format], folder: Path) -> list[str]:
    names = ",".join(one.name for one in formats)
    where = ["--output", str(folder / "site"), "--cache", str(folder / "cache")]
    return ["-m", "course", "build", "--no-execute", "--formats", names, *where, *map(str, notebooks)]


def _measured(label: str, commands: Sequence[list[str]]) -> Measurement:
    environment = os.environ | {"BIGDATA_COURSE_PROGRESS": "off"}
    with progress_bar(len(commands), description=label, unit="call") as bar, measure(label, record=False) as cost:
        for command in commands:
            done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, check=False)
            if done.returncode:
                last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
                raise BuildError(f"{label} failed: {' '.join(last)}")
            bar.update(1)
    return cost
