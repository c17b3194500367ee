"""A real Chromium, and the site built from the outputs stored in the lessons."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from lab import Server, running_server
from published_pages import Watched

# they share one JupyterLab, which takes as long to start as any of them lasts
IN_JUPYTERLAB = ("test_lab_browser", "test_menu_browser", "test_sql_completion_browser", "test_start_browser")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# what is waited for comes, or the test fails: on a machine whose cores are taken by something else, it comes late
PATIENCE = 300_000  # milliseconds


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give one worker all that happens in JupyterLab, and each page of the site to the worker that is free."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = Path(nodeid.partition("::")[0]).stem
            return "JupyterLab" if file in IN_JUPYTERLAB else nodeid if file == "test_site_browser" else file

    return Scheduling(config, log)


class Chromium:
    """A browser whose pages wait as long as a busy machine needs."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser

    def new_context(self, **options: Any) -> Any:
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        return context

    def new_page(self, **options: Any) -> Any:
        page = self._browser.new_page(**options)
        page.set_default_timeout(PATIENCE)
        return page


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """Return a browser, or skip where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("needs chromium, chromium-browser or google-chrome on the path")
    api.expect.set_options(timeout=PATIENCE)
    with api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=PATIENCE)
        yield Chromium(browser)
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a JupyterLab; each file of tests works in a folder of its own there."""
    with running_server(tmp_path_factory.mktemp("jupyter")) as server:
        yield server


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


@pytest.fixture(scope="session")
def site(built_site: BuiltSite) -> Path:
    """Return the folder of a site of all lessons and decks, as stored."""
    return built_site.folder


@pytest.fixture
def watched(chromium: Chromium) -> Iterator[Watched]:
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    yield Watched(context.new_page())
    context.close()
