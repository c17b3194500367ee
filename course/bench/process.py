"""Start a child that runs one task, and read the figures it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 3600.0


class TaskFailedError(Exception):
    """A child did not do its task; the message is the last line it wrote."""


def run_task(task: str, name: str, *paths: Path, timeout: float = TIMEOUT_SECONDS) -> dict[str, Any]:
    """Run ``python -m course.bench.child`` and return its figures.

    Raises:
        TaskFailedError: it failed, was killed or lasted too long (seconds).
    """
    command = [sys.executable, "-m", "course.bench.child", task, name, *map(str, paths)]
    environment = os.environ | {"BIGDATA_COURSE_PROGRESS": "off"}
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=timeout, env=environment)
    except subprocess.TimeoutExpired as error:
        raise TaskFailedError(f"stopped after {timeout:.0f} s") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise TaskFailedError(lines[-1] if lines else f"ended with code {error.returncode}") from error
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
