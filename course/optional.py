"""Libraries that some Python or machine has no wheel of: what needs one says so in one line, and the rest goes on."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.util import find_spec

NEEDS = "needs-"
"""How the tag of a cell begins that names a library it cannot run without: ``needs-h5py``."""


def is_installed(library: str) -> bool:
    """Tell whether a library can be imported, without importing it."""
    return find_spec(library.partition(".")[0]) is not None


def left_out(tags: Iterable[str]) -> str:
    """Return one line that says why a cell with these tags does not run here; empty if it runs."""
    needed = (tag.removeprefix(NEEDS) for tag in tags if tag.startswith(NEEDS))
    absent = next((library for library in needed if library.isidentifier() and not is_installed(library)), "")
    python = ".".join(platform.python_version_tuple()[:2])
    return absent and f"left out: this cell needs {absent}, which is not installed for this Python {python}"
