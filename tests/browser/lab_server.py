"""A real JupyterLab on a folder of its own; it serves Notebook 7 too."""

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

PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # by default JupyterLab forgets, after a second, the kernel that it asked for proposals
    "completer-extension/manager": {"providerTimeout": 300_000},
}
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
    """Start ``jupyter lab`` on the folder ``home/lessons``, with settings of its own."""
    folder = home / "lessons"
    folder.mkdir(parents=True, exist_ok=True)
    for name, setting in SETTINGS.items():
        file = home / f"config/lab/user-settings/@jupyterlab/{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(setting), encoding="utf-8")
    environment = os.environ | {
        f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")
    }
    options = ["--no-browser", "--allow-root", "--ServerApp.token=t", "--ServerApp.port=0"]
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
