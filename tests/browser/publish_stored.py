"""Publish all lessons and decks as stored, in every format, and write what the build warned of and took.

A program of its own: its memory is measured, and a process of tests may have a browser among its children.

python tests/browser/publish_stored.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from course.measure import measure
from course.publish.build import BuildOptions, build_site
from course.publish.lessons import discover_lessons

ROOT = Path(__file__).parents[2]


def main(folder: Path) -> None:
    options = BuildOptions(folder / "site", folder / "cache", execute=False)
    with measure("build", record=False) as cost:
        report = build_site(discover_lessons(ROOT / "notebooks", ROOT / "slides"), options)
    told = {"warnings": list(report.warnings), "peak_bytes": cost.peak_memory_bytes}
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
