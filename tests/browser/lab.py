"""A real JupyterLab on a folder of its own (it serves Notebook 7 too), and a notebook open in it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from course.cli.start_command import QUIET

if TYPE_CHECKING:
    from nbformat import NotebookNode

READY_SECONDS = 300  # on a busy machine
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
# by default JupyterLab forgets, after a second, the kernel that it asked for proposals
COMPLETER = "config/lab/user-settings/@jupyterlab/completer-extension/manager.jupyterlab-settings"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@dataclass(frozen=True)
class Server:
    """Where the server answers, and the folder that it serves."""

    url: str
    folder: Path

    def page_of(self, front_end: str, name: str) -> str:
        return f"{self.url}{front_end}/{name}?token=t"

    def name_of(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


@contextmanager
def running_server(home: Path) -> Iterator[Server]:
    """Start ``jupyter lab`` on the folder ``home/lessons``, with the settings that ``course start`` gives it."""
    folder = home / "lessons"
    folder.mkdir(parents=True, exist_ok=True)
    settings = home / COMPLETER
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"providerTimeout": 300_000}), encoding="utf-8")
    environment = os.environ | {
        f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")
    }
    options = (*QUIET, "--no-browser", "--allow-root", "--ServerApp.token=t", "--ServerApp.port=0")
    command = [sys.executable, "-m", "jupyterlab", *options, f"--ServerApp.root_dir={folder}"]
    with (home / "server.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield Server(_wait_for_url(home / "runtime", process), folder)
        finally:
            process.terminate()
            process.wait()


def _wait_for_url(runtime: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait as long as the server lives: how long it takes to start says nothing of the course."""
    while process.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            # for a moment the file is there and empty
            with contextlib.suppress(json.JSONDecodeError):
                return str(json.loads(file.read_text(encoding="utf-8"))["url"])
        time.sleep(0.1)
    raise AssertionError((runtime.parent / "server.log").read_text(encoding="utf-8"))


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
        if is_idle(page, server, name):
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"no kernel after {READY_SECONDS} s; {dialogs(page)}")


def is_idle(page: Any, server: Server, name: str) -> bool:
    """Tell whether the notebook is connected to its kernel, and the kernel runs no cell."""
    # the indicator says idle before the notebook has asked for a kernel, too
    sessions = page.request.get(f"{server.url}api/sessions?token=t").json()
    kernels = [session["kernel"] for session in sessions if session["path"] == name]
    indicator = page.locator(f"{PANEL} .jp-Notebook-ExecutionIndicator[data-status='idle']")
    ready = any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in kernels)
    return ready and indicator.count() == 1


def scroll_to_top(panel: Any) -> None:
    """Scroll the notebook to its first cell."""
    panel.locator(".jp-WindowedPanel-outer").first.evaluate("element => element.scrollTop = 0")


def read_through(panel: Any) -> None:
    """Scroll from top to bottom, half a page at a time."""
    outer = panel.locator(".jp-WindowedPanel-outer").first
    scroll_to_top(panel)
    step = "one => (one.scrollBy(0, one.clientHeight / 2), one.scrollTop + one.clientHeight < one.scrollHeight - 2)"
    while outer.evaluate(step):
        panel.page.wait_for_timeout(100)


def check_link_jumps(panel: Any, link: Any, heading: Any) -> None:
    """Click a link of the menu from the top of the notebook, and see its heading come.

    JupyterLab guesses the height of a cell that it has not drawn yet, and may lose the place: a reader who has read
    through the notebook clicks again.
    """
    from playwright.sync_api import expect

    for patience in (3_000, 10_000, 30_000, 100_000):
        scroll_to_top(panel)
        link.click()
        with contextlib.suppress(AssertionError):
            expect(heading).to_be_in_viewport(timeout=patience)
            return
        read_through(panel)
    raise AssertionError(f"the link {link.inner_text()!r} does not jump")


def run_first_cell(page: Any, server: Server, name: str) -> Any:
    """Run the first cell once its kernel is there, and return where its output is shown."""
    from playwright.sync_api import TimeoutError as TooLate

    wait_for_kernel(page, server, name)
    cell = page.locator(f"{PANEL} .jp-CodeCell").first
    output = cell.locator(".jp-OutputArea-output").first
    try:
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        output.wait_for()
    except TooLate as error:
        raise AssertionError(f"the first cell of {name} did not run; {dialogs(page)}") from error
    return output
