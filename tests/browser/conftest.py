"""A real Chromium, and the site built from the outputs stored in the lessons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from published_pages import Watched

from course.publish.browser import find_chromium

CHROMIUM = find_chromium()


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
def site(built_site: Any) -> Path:
    """Return the folder of a site of all lessons and decks, as stored."""
    folder: Path = built_site.folder
    return folder


@pytest.fixture
def watched(chromium: Any) -> Iterator[Watched]:
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    yield Watched(context.new_page())
    context.close()
