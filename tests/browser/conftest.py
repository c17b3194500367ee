"""A real Chromium, and the site built from the outputs stored in the lessons."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Return a browser, or skip where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("needs chromium, chromium-browser or google-chrome on the path")
    with api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a site of all lessons and decks, as stored."""
    from course.publish.build import BuildOptions, build_site
    from course.publish.formats import select_formats
    from course.publish.lessons import discover_lessons

    folder = tmp_path_factory.mktemp("site")
    formats = select_formats(["notebook", "html", "slides", "script"])
    options = BuildOptions(folder / "site", folder / "cache", formats, execute=False)
    build_site(discover_lessons(ROOT / "notebooks", ROOT / "slides"), options)
    return folder / "site"
