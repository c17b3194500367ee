"""A dask scheduler and its workers, each a process of its own, for the tests of clusters."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import psutil

from course.cluster.client import scheduler_address


class Processes(AbstractContextManager["Processes"]):
    """A scheduler and its workers, killed at the end of the block; settings are variables of their environment."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home, self.file, self.settings = home, home / "scheduler.json", settings
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, kind: str, *options: object) -> subprocess.Popen[bytes]:
        words = ["-m", f"distributed.cli.dask_{kind}", "--scheduler-file", self.file, "--host", "127.0.0.1", *options]
        with (self.home / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *map(str, words)],
                cwd=self.home,
                stdout=log,
                stderr=log,
                env=os.environ | self.settings,
            )
        self.running.append(process)
        return process

    def start_scheduler(self, *options: object, port: str = "0") -> str:
        self.file.unlink(missing_ok=True)
        self.start("scheduler", "--port", port, "--dashboard-address", "127.0.0.1:0", *options)
        return scheduler_address(self.file)

    def start_worker(self, *options: object) -> None:
        self.start("worker", "--nthreads", "1", "--no-dashboard", *options)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        children = psutil.Process(process.pid).children(recursive=True) if psutil.pid_exists(process.pid) else []
        for one in [*children, process]:
            one.kill()
        process.wait(timeout=30)

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.running):
            self.end(process)
