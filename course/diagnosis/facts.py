"""What the doctor looks at: facts about this machine, gathered once so that the judgement can be tested."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from course.diagnosis.packages import Package, declared_python, declared_requirements, packages
from course.files import make_folder

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# where Linux writes the memory a container may use: control groups 2, then 1
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True)
class Facts:
    """A machine, as far as the lessons care.

    Attributes:
        python: its version, ``3.11.7``.
        wanted_python: the versions that will do, ``>=3.11,<3.14``.
        packages: what the course asks for, and what is installed of it.
        memory_bytes: memory that this process may use, that of the container if there is one.
        available_bytes: part of it that no program uses now.
        cores: processors that this process may use.
        folder: where the data go.
        free_bytes: free disk there.
        write_error: why nothing can be written there, empty if it can.
        kernels: names of the Jupyter kernels that run this very Python.
        browser: name of the browser for the tests of the pages, or None.
    """

    python: str
    wanted_python: str
    packages: tuple[Package, ...]
    memory_bytes: int
    available_bytes: int
    cores: int
    folder: Path
    free_bytes: int
    write_error: str
    kernels: tuple[str, ...]
    browser: str | None


def gather(folder: Path) -> Facts:
    """Return the facts about this machine; the data folder is made if it is missing.

    Raises:
        MissingDependencyError: the course is not installed, so that nobody knows what it needs.
    """
    memory, available = _memory()
    error = write_error(folder)
    return Facts(
        python=platform.python_version(),
        wanted_python=declared_python(),
        packages=packages(declared_requirements()),
        memory_bytes=memory,
        available_bytes=available,
        cores=_cores(),
        folder=folder,
        free_bytes=shutil.disk_usage(_existing(folder)).free,
        write_error=error,
        kernels=tuple(_kernels()),
        browser=next(filter(shutil.which, BROWSERS), None),
    )


def _memory() -> tuple[int, int]:
    import psutil

    memory = psutil.virtual_memory()
    limit = min([memory.total, *map(read_limit, map(Path, LIMITS))])
    return limit, min(limit, memory.available)


def read_limit(path: Path) -> int:
    """Return the number of bytes a file of a control group allows; a very large one where there is no limit."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return sys.maxsize
    return int(text) if text.isdecimal() else sys.maxsize


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def write_error(folder: Path) -> str:
    """Return why a file cannot be written in a folder, which is made if it is missing; nothing if one can."""
    try:
        make_folder(folder)
        with TemporaryFile(dir=folder) as file:
            file.write(b"doctor")
    except OSError as error:
        # the course's own errors say why in what they were raised from
        causes = (error.__cause__, error)
        return next((cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror), str(error))
    return ""


def _existing(folder: Path) -> Path:
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())


def _kernels() -> Iterator[str]:
    """Yield the kernels whose command starts this Python; another Python lacks the packages found here."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager
    except ImportError:
        return
    for name, found in KernelSpecManager().get_all_specs().items():
        command = found["spec"].get("argv") or [""]
        if runs_this_python(command[0]):
            yield name


def runs_this_python(program: str) -> bool:
    """Tell whether the command of a kernel starts this Python; Jupyter itself replaces a bare ``python`` by it."""
    generic = {"python", f"python{sys.version_info[0]}", "python{}.{}".format(*sys.version_info[:2])}
    return program in generic or Path(program) == Path(sys.executable)
