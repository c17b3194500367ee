"""The machine and the versions a measure was made with, without anything that names the machine or its user."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from course.ways.libraries import PACKAGES

STANDARD = frozenset({"csv", "sqlite3"})


def describe_machine(libraries: Iterable[str]) -> dict[str, Any]:
    """Return the system, cores, memory (bytes), and versions of Python and of the libraries."""
    import psutil

    names = sorted({"numpy", "pandas", "pyarrow"} | {library.partition(".")[0] for library in libraries} - STANDARD)
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cores": psutil.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "python": platform.python_version(),
        "versions": {name: found for name in names if (found := _version(PACKAGES.get(name, name)))},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
