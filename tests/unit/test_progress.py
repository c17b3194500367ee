"""The progress bar ends full and quiet: in a terminal, and in a notebook that is executed without a front end."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from subprocess import Popen, run

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

# more is done than was estimated, less, what was not known, and a bar within a bar
WORK = """
from course import progress
progress.DELAY = 0
for total in (50, 200, None):
    with progress.progress_bar(total, description="outer", unit="step") as outer:
        for _ in range(4):
            outer.update(25)
            with progress.progress_bar(8, description="inner", unit="step") as inner:
                inner.update(8)
"""


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "BIGDATA_COURSE_PROGRESS"}


def test_bars_of_an_executed_notebook_end_full(tmp_path: Path) -> None:
    nbformat.write(new_notebook(cells=[new_code_cell(WORK)]), tmp_path / "bars.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--inplace", "--execute", "bars.ipynb"]
    run(command, cwd=tmp_path, env=environment(), check=True, capture_output=True)
    outputs = nbformat.read(tmp_path / "bars.ipynb", as_version=4).cells[0].outputs
    last = [output["data"]["text/plain"] for output in outputs]  # a stream of stderr has no data
    assert sorted(line[:11] for line in last) == ["inner: 100%"] * 12 + ["outer: 100%"] * 3
    assert [line.count("100/100") for line in last if line.startswith("outer")] == [1, 1, 1]


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
def test_bars_of_a_terminal_end_full_and_leave_nothing() -> None:
    import pty
    import termios

    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 80))  # tqdm writes nothing where there is no room
    child = Popen([sys.executable, "-c", WORK], env=environment() | {"TERM": "xterm"}, stdout=end, stderr=end)
    os.close(end)
    shown = b""
    with suppress(OSError):  # Linux says so that nobody writes any more
        while piece := os.read(terminal, 2**16):
            shown += piece
    os.close(terminal)
    assert child.wait() == 0
    frames = [frame.strip() for frame in re.split("[\r\n]+", shown.decode())]
    last = [frame for frame, cleared in pairwise(frames) if frame.startswith("outer") and not cleared]
    assert [frame.count("100%") + frame.count("100/100") for frame in last] == [2, 2, 2]
    assert frames[-1] == ""


def test_a_bar_makes_no_semaphore() -> None:
    # from Python 3.14 on a process that outlives the one that made it would warn of it after a kill
    program = f"{WORK}import sys; assert 'multiprocessing.synchronize' not in sys.modules"
    run([sys.executable, "-c", program], check=True)
