"""The file that ``dask scheduler --scheduler-file`` writes: where the scheduler answers."""

from __future__ import annotations

import json
import time
from pathlib import Path

from course.errors import CourseError

START_SECONDS = 60
"""How long a scheduler may take to start."""


class ClusterError(CourseError):
    """The scheduler cannot be reached, or a cluster cannot be started on this machine."""


def scheduler_address(file: str | Path, *, seconds: float = START_SECONDS) -> str:
    """Return the address in a scheduler file, once the scheduler that is starting has written it.

    Args:
        file: what was given to ``dask scheduler --scheduler-file``.
        seconds: how long to wait for it.

    Raises:
        ClusterError: after this time there is no such file, or no address in it.
    """
    deadline = time.monotonic() + seconds
    while (address := _address(Path(file))) is None:
        if time.monotonic() > deadline:
            raise ClusterError(
                f"{str(file)!r} names no scheduler after {seconds:g} s; start one with "
                f"`dask scheduler --scheduler-file {file}`, and read what it printed"
            )
        time.sleep(0.05)
    return address


def _address(file: Path) -> str | None:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        # dask makes the file, then writes in it: for a moment it is empty
        return None
    return str(told["address"]) if isinstance(told, dict) and "address" in told else None
