"""One progress bar for the whole course, silent where nobody watches."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

DELAY = 0.5
"""Seconds before a bar appears."""


def is_watched() -> bool:
    """Tell whether a person watches: a terminal or a notebook, unless ``BIGDATA_COURSE_PROGRESS`` is ``off``."""
    if os.environ.get("BIGDATA_COURSE_PROGRESS") == "off":
        return False
    return sys.stderr.isatty() or _in_notebook()


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


@contextmanager
def progress_bar(total: float | None = None, *, description: str, unit: str = "B") -> Iterator[tqdm[Any]]:
    """Give a progress bar, moved on by ``update(amount)``; at the end of the block what was done is the total.

    A terminal clears the full bar, a notebook keeps it. A block that fails leaves the bar where the work stopped.

    Args:
        total: amount of work in ``unit``, or None if it is not known; an estimate will do.
        description: a few words shown before the bar.
        unit: ``"B"`` for bytes (printed in binary units), or the name of what is counted.
    """
    from tqdm import tqdm

    if not hasattr(tqdm, "_lock"):
        # its own lock is a semaphore of the system, with a process that from Python 3.14 on survives a kill and warns
        tqdm.set_lock(threading.RLock())
    in_notebook = _in_notebook()
    with tqdm(
        total=total,
        desc=description,
        unit=unit,
        unit_scale=unit == "B",
        unit_divisor=1024 if unit == "B" else 1000,
        disable=not is_watched(),
        delay=DELAY,
        leave=in_notebook,
        position=0 if in_notebook else None,  # a bar within another one has an output of its own
        file=_CellOutput() if in_notebook else sys.stderr,
    ) as bar:
        yield bar
        bar.total = bar.n
        if not bar.disable and bar.last_print_t >= bar.start_t + DELAY:
            bar.refresh()


class _CellOutput:
    """A stream whose last line is the one output of a cell, in a file that is executed without a front end too."""

    encoding = "utf-8"
    _handle: Any = None

    def write(self, text: str) -> None:
        from IPython.display import display

        line = {"text/plain": text.strip()}
        if self._handle is not None and text.strip():
            self._handle.update(line, raw=True)
        elif text.strip():
            self._handle = display(line, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def flush(self) -> None:
        """Do nothing: what is written is shown."""
