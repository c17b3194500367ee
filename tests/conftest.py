"""The site of all lessons and decks, built once for the tests that read it and those that open it in a browser."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class BuiltSite:
    """The folder of the site, what the build warned of, and the memory it took (bytes)."""

    folder: Path
    warnings: list[str]
    peak_bytes: int


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> BuiltSite:
    """Return the site of the outputs stored in the notebooks, in every format."""
    base = tmp_path_factory.getbasetemp()
    # the workers of xdist have folders side by side: the first one builds for all
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "lessons"
    told = folder / "told.json"
    with FileLock(f"{folder}.lock"):
        if not told.exists():
            record = build(folder)
            told.write_text(json.dumps(record), encoding="utf-8")
    return BuiltSite(folder / "site", **json.loads(told.read_text(encoding="utf-8")))


def build(folder: Path) -> dict[str, object]:
    from course.measure import measure
    from course.publish.build import BuildOptions, build_site
    from course.publish.lessons import discover_lessons

    options = BuildOptions(folder / "site", folder / "cache", execute=False)
    with measure("build", record=False) as cost:
        report = build_site(discover_lessons(ROOT / "notebooks", ROOT / "slides"), options)
    return {"warnings": list(report.warnings), "peak_bytes": cost.peak_memory_bytes}
