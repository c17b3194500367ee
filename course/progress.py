"""One progress bar for the whole course, silent where nobody watches."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm


def is_watched() -> bool:
    """Tell whether a person watches: a terminal or a notebook, unless ``BIGDATA_COURSE_PROGRESS`` is ``off``."""
    if os.environ.get("BIGDATA_COURSE_PROGRESS") == "off":
        return False
    return sys.stderr.isatty() or _in_notebook()


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def progress_bar(total: float | None = None, *, description: str, unit: str = "B") -> tqdm[Any]:
    """Return a progress bar to be used as a context manager and moved on by ``update(amount)``.

    Args:
        total: amount of work in ``unit``, or None if it is not known.
        description: a few words shown before the bar.
        unit: ``"B"`` for bytes (printed in binary units), or the name of what is counted.
    """
    from tqdm.auto import tqdm

    return tqdm(
        total=total,
        desc=description,
        unit=unit,
        unit_scale=unit == "B",
        unit_divisor=1024 if unit == "B" else 1000,
        disable=not is_watched(),
        delay=0.5,
        leave=False,
    )
