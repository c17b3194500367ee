"""Share the ranges of a file among processes that sum them, each started as a program of its own.

A program of its own works in a notebook and in a script that has no ``__main__`` guard, on every system, where
``multiprocessing`` would run the script again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from course.reading import Location

Range: TypeAlias = tuple[int, int]
"""The first byte of a range, and the one after its last."""

WORKER = "course.ways.numpy_worker"
WORTH_A_PROCESS = 8
"""Ranges for which a process is worth its start."""


def share(path: Location, ranges: Iterable[Range], sum_range: Callable[[Range], Counter[int]]) -> Counter[int]:
    """Return the sums over all ranges: this process takes them one by one, and so do others as they get ready.

    Args:
        path: the file, or its address.
        ranges: what to sum.
        sum_range: returns the sums over a range.
    """
    waiting = deque(ranges)
    others = min((os.cpu_count() or 1) - 1, len(waiting) // WORTH_A_PROCESS)
    total: Counter[int] = Counter()
    with ThreadPoolExecutor(max(1, others)) as pool:
        delegates = [pool.submit(_delegate, path, waiting) for _ in range(others)]
        interrupted = True
        try:
            _take(waiting, sum_range, total)
            interrupted = False
        finally:
            if interrupted:
                waiting.clear()
    for delegate in delegates:
        total.update(delegate.result())
    # what a process that failed gave back: its error, if any, is met here
    _take(waiting, sum_range, total)
    return total


def _take(waiting: deque[Range], sum_range: Callable[[Range], Counter[int] | None], total: Counter[int]) -> None:
    """Sum ranges until none waits, or until one is not summed: it waits again."""
    while waiting:
        try:
            one = waiting.popleft()
        except IndexError:
            return
        sums = sum_range(one)
        if sums is None:
            waiting.append(one)
            return
        total.update(sums)


def _delegate(path: Location, waiting: deque[Range]) -> Counter[int]:
    """Give ranges to another process until none waits, and return its sums."""
    total: Counter[int] = Counter()
    command = [sys.executable, "-m", WORKER, str(path)]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, bufsize=0) as worker:
        _take(waiting, lambda one: _ask(worker, one), total)
    return total


def _ask(worker: subprocess.Popen[bytes], one: Range) -> Counter[int] | None:
    """Return the sums of a range, or None if the process ended."""
    if worker.stdin is None or worker.stdout is None:
        return None
    try:
        worker.stdin.write("{} {}\n".format(*one).encode())
    except OSError:
        return None
    line = worker.stdout.readline()
    return Counter({int(age): cents for age, cents in json.loads(line).items()}) if line else None
