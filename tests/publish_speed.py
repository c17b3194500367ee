"""Measure how fast the lessons are published: the build of the course, against one nbconvert call per file and format.

python tests/publish_speed.py
python tests/publish_speed.py --all-formats notebooks/01_data.ipynb
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from course.measure import Measurement, measure
from course.progress import progress_bar
from course.publish.convert import FORMATS, Format
from course.shipped import shipped_lessons

# The formats that nbconvert makes by itself; for the others it calls the course's own exporters.
STOCK = ("notebook", "html", "script", "slides")


def measured(label: str, commands: Sequence[list[str]]) -> Measurement:
    """Run commands of Python one after the other, and return what they cost together."""
    environment = os.environ | {"BIGDATA_COURSE_PROGRESS": "off"}
    with progress_bar(len(commands), description=label, unit="call") as bar, measure(label, record=False) as cost:
        for command in commands:
            done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, check=False)
            if done.returncode:
                sys.exit(f"{label} failed: {done.stderr.decode(errors='replace').strip().splitlines()[-1:]}")
            bar.update(1)
    return cost


def compare(notebooks: Sequence[Path], formats: Sequence[Format]) -> list[Measurement]:
    """Return the costs of publishing executed notebooks by nbconvert, by a build, and by a second build."""
    with tempfile.TemporaryDirectory() as scratch:
        calls = [
            ["-m", "nbconvert", "--to", one.name if one.name in STOCK else one.exporter.replace(":", "."),
             "--output-dir", str(Path(scratch, "calls")), "--output", Path(f"{notebook.stem}{one.suffix}").stem,
             str(notebook)]
            for notebook in notebooks
            for one in formats
        ]  # fmt: skip
        build = ["-m", "course", "build", "--no-execute", "--formats", ",".join(one.name for one in formats)]
        build += ["--output", str(Path(scratch, "site")), "--cache", str(Path(scratch, "cache"))]
        build += map(str, notebooks)
        ways = {"nbconvert": calls, "course build": [build], "course build, again": [build]}
        return [measured(label, commands) for label, commands in ways.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path, help="executed notebooks; every lesson by default")
    parser.add_argument("--all-formats", action="store_true", help="the PDF formats too")
    options = parser.parse_args()
    notebooks = options.notebooks or shipped_lessons()
    formats = [one for one in FORMATS if options.all_formats or one.name in STOCK]
    costs = compare(notebooks, formats)
    title = f"{len(notebooks)} notebooks in {len(formats)} formats ({', '.join(one.name for one in formats)})"
    ratio = costs[0].wall_seconds / costs[1].wall_seconds
    lines = [title, *(f"  {cost}" for cost in costs), f"the build is {ratio:.1f} times faster"]
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()
