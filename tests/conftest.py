"""The site of all lessons and decks, built once for the tests that read it and those that open it in a browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock


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
            program = Path(__file__).with_name("publish_stored.py")
            subprocess.run([sys.executable, str(program), str(folder)], check=True)
    return BuiltSite(folder / "site", **json.loads(told.read_text(encoding="utf-8")))
