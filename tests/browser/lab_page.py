"""A notebook open in JupyterLab or Notebook 7: wait for its kernel, run its first cell, read what it saved."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from lab_server import PANEL, Server

if TYPE_CHECKING:
    from nbformat import NotebookNode

playwright_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")

# on a busy machine
READY_SECONDS = 300


def stored(path: Path) -> NotebookNode | None:
    """Return the notebook in the file, None while the server is writing it."""
    try:
        return nbformat.read(path, as_version=4)
    except nbformat.reader.NotJSONError:
        return None


def dialogs(page: Any) -> list[str]:
    """Return what the dialogs that are open say."""
    texts: list[str] = page.locator(".jp-Dialog").all_inner_texts()
    return texts


def wait_for_kernel(page: Any, server: Server, name: str) -> None:
    """Wait until the front end is connected to the kernel of the notebook: it drops a run asked for before."""
    for _ in range(5 * READY_SECONDS):
        if _is_connected(page, server, name):
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"no kernel after {READY_SECONDS} s; {dialogs(page)}")


def _is_connected(page: Any, server: Server, name: str) -> bool:
    # the indicator says idle before the notebook has asked for a kernel, too
    sessions = page.request.get(f"{server.url}api/sessions?token=t").json()
    kernels = [session["kernel"] for session in sessions if session["path"] == name]
    indicator = page.locator(f"{PANEL} .jp-Notebook-ExecutionIndicator[data-status='idle']")
    ready = any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in kernels)
    return ready and indicator.count() == 1


def scroll_to_top(panel: Any) -> None:
    """Scroll the notebook to its first cell."""
    panel.locator(".jp-WindowedPanel-outer").first.evaluate("element => element.scrollTop = 0")


def check_link_jumps(panel: Any, link: Any, heading: Any) -> None:
    """Click a link of the menu from the top of the notebook, and see its heading come.

    While cells above it are still being drawn, JupyterLab may lose the place: a reader clicks again.
    """
    for patience in (3_000, 10_000, 30_000, 100_000):
        scroll_to_top(panel)
        link.click()
        with contextlib.suppress(AssertionError):
            playwright_api.expect(heading).to_be_in_viewport(timeout=patience)
            return
    raise AssertionError(f"the link {link.inner_text()!r} does not jump")


def run_first_cell(page: Any, server: Server, name: str) -> Any:
    """Run the first cell once its kernel is there, and return where its output is shown."""
    wait_for_kernel(page, server, name)
    cell = page.locator(f"{PANEL} .jp-CodeCell").first
    output = cell.locator(".jp-OutputArea-output").first
    try:
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        output.wait_for()
    except playwright_api.TimeoutError as error:
        raise AssertionError(f"the first cell of {name} did not run; {dialogs(page)}") from error
    return output
