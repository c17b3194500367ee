"""Tell when the notebooks, their pictures or the theme of the slides are saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from watchfiles import DefaultFilter, watch

_QUIET_MILLISECONDS = 300


class SourceFilter(DefaultFilter):
    """Leaves out what lessons and Jupyter write beside the notebooks, and every hidden file."""

    ignore_dirs = (*DefaultFilter.ignore_dirs, "data", ".ipynb_checkpoints")
    ignore_entity_patterns = (*DefaultFilter.ignore_entity_patterns, r"^\.", r"\.part$")


def sources_changed(paths: Sequence[Path]) -> Iterator[set[Path]]:
    """Yield an empty set at once, then the set of changed files each time some are saved, until Ctrl-C.

    Args:
        paths: files and folders to watch, folders with all they hold.
    """
    saved = watch(*paths, watch_filter=SourceFilter(), debounce=_QUIET_MILLISECONDS, yield_on_timeout=True,
                  rust_timeout=100, raise_interrupt=True)  # fmt: skip
    # the first answer comes once the watch is set: no save is missed during the first build
    next(saved)
    yield set()
    for changes in saved:
        if changes:
            yield {Path(path) for _, path in changes}
