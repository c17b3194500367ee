"""What a run is given: its file in the page cache or out of it, and a cap on its memory or on its cores.

The cap is a cgroup, which counts all that a process and its children hold, the pages of files that they read included,
with no swap: the one that systemd makes for a user, or else one below our own.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import sleep
from typing import NamedTuple

CGROUPS = Path("/sys/fs/cgroup")
CAN_PIN = hasattr(os, "sched_setaffinity")
"""Whether the system lets a process have fewer cores."""
_BLOCK_BYTES = 2**20
_LONGEST_SECONDS = 60.0
_ENTER = ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"']
_PIN = "import os, sys; os.sched_setaffinity(0, map(int, sys.argv[1].split())); os.execv(sys.argv[2], sys.argv[2:])"


class NotCappedError(Exception):
    """The system lets nobody cap a process here."""


@dataclass(frozen=True)
class Condition:
    """What is asked for: a cold file, a cap in bytes (the file is cold then, too), so many cores; 0 is no cap."""

    cold: bool = False
    cap_bytes: int = 0
    cores: int = 0

    @property
    def name(self) -> str:
        """``warm``, ``cold``, ``capped`` or ``cores``."""
        return "capped" if self.cap_bytes else "cores" if self.cores else "cold" if self.cold else "warm"


# --- the page cache -------------------------------------------------------------------------------------------------


def set_cache(path: Path, *, cold: bool) -> float | None:
    """Read a file, or each one of a folder, once, or drop it from the page cache; return ``cached_share``, now.

    Where the system cannot drop a file it stays where it was, and the share says so.
    """
    for one in _files(path):
        with one.open("rb", buffering=0) as file:
            if not cold:
                while file.read(_BLOCK_BYTES):
                    pass
            elif hasattr(os, "posix_fadvise"):
                os.fsync(file.fileno())  # a page that is not yet on the disk stays
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return cached_share(path)


def cached_share(path: Path) -> float | None:
    """Return the share of the pages of a file, or of all in a folder, that are in the page cache (mincore(2)).

    None where the system does not tell.
    """
    counts = [count for one in _files(path) if one.stat().st_size for count in [_cached_pages(one)]]
    known = [count for count in counts if count]
    pages = sum(total for _, total in known)
    return sum(cached for cached, _ in known) / pages if pages and len(known) == len(counts) else None


def _files(path: Path) -> list[Path]:
    return [one for one in (path, *path.rglob("*")) if one.is_file()]


def _cached_pages(path: Path) -> tuple[int, int] | None:
    """Return how many pages of a file are in the page cache, and how many it has."""
    mincore = None if sys.platform == "win32" else getattr(ctypes.CDLL(None), "mincore", None)
    if mincore is None:
        return None
    size = path.stat().st_size
    pages = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
    # a private map, whose address ctypes may take; none of its pages is touched
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) as content:
        start = ctypes.c_char.from_buffer(content)
        failed = mincore(ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(size), pages)
        del start
    return None if failed else (sum(page & 1 for page in pages), len(pages))


# --- the cap --------------------------------------------------------------------------------------------------------


class _Version(NamedTuple):
    """Where a version of cgroups is, and the names of its limits; of memory alone, and of swap or of their sum."""

    root: Path
    memory: str
    swap: str


_VERSIONS = {
    "": _Version(CGROUPS, "memory.max", "memory.swap.max"),
    "memory": _Version(CGROUPS / "memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
}
"""By the name of the controller in /proc/self/cgroup."""


@contextmanager
def commanded(condition: Condition) -> Iterator[list[str]]:
    """Give the words to write before a command, for its process and those it starts to be under the condition.

    Raises:
        NotCappedError: the system lets nobody cap a process here, or not so tightly.
    """
    cap_bytes = condition.cap_bytes
    systemd = ["systemd-run", "--user", "--scope", "--quiet", "--collect",
               "-p", f"MemoryMax={cap_bytes}", "-p", "MemorySwapMax=0"]  # fmt: skip
    if condition.cores:
        yield [sys.executable, "-c", _PIN, " ".join(map(str, sorted(os.sched_getaffinity(0))[: condition.cores]))]
    elif not cap_bytes or _is_held(tuple(systemd), cap_bytes):
        yield systemd if cap_bytes else []
    else:
        with _cgroup(cap_bytes) as folder:
            words = [*_ENTER, str(folder)]
            if not _is_held(tuple(words), cap_bytes):
                raise NotCappedError
            yield words


@cache
def _is_held(words: tuple[str, ...], cap_bytes: int) -> bool:
    """Tell whether a process that these words start reads a limit of its own that is no weaker than the cap."""
    code = "from course.bench.conditions import memory_limit; print(memory_limit())"
    try:
        done = subprocess.run(
            [*words, sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=_LONGEST_SECONDS
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and float(done.stdout) <= cap_bytes


def memory_limit() -> float:
    """Return how many bytes of memory and swap this process may hold, by its cgroups and those above; inf if any."""
    import psutil

    limits = [float("inf")]
    for version, own in _own_cgroups():
        for folder in (own, *own.parents):
            memory, swap = (_number(folder / name) for name in version[1:])
            is_sum = version.memory != "memory.max"
            swap = min(swap, psutil.swap_memory().total + (memory if is_sum else 0))
            limits.append(min(memory + psutil.swap_memory().total, swap) if is_sum else memory + swap)
    return min(limits)


def _number(path: Path) -> float:
    with suppress(OSError, ValueError):
        return float(path.read_text())
    return float("inf")  # the word "max", or no such file


def _own_cgroups() -> Iterator[tuple[_Version, Path]]:
    with suppress(FileNotFoundError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            for name in set(controllers.split(",")) & set(_VERSIONS):
                version = _VERSIONS[name]
                # a folder that is no cgroup has no such file, and a container may be shown its own as the root
                if (version.root / "cgroup.procs").exists():
                    own = version.root / path.lstrip("/")
                    yield version, own if own.exists() else version.root


@contextmanager
def _cgroup(cap_bytes: int) -> Iterator[Path]:
    """Make a cgroup with a cap below our own, and remove it at the end, with what still runs in it.

    From version 2 on one that holds processes has none below it: it is made beside our own, or above.
    """
    for version, own in _own_cgroups():
        for parent in (own, *own.parents) if version.memory == "memory.max" else (own,):
            folder = parent / f"course-bench-{os.getpid()}"
            try:
                folder.mkdir()
            except OSError:
                continue
            try:
                if _is_set(folder / version.memory, cap_bytes):
                    _is_set(folder / version.swap, 0 if version.memory == "memory.max" else cap_bytes)
                    yield folder
                    return
            finally:
                _remove(folder)
    raise NotCappedError


def _is_set(path: Path, limit: int) -> bool:
    with suppress(OSError):
        return path.exists() and bool(path.write_text(str(limit)))
    return False


def _remove(folder: Path) -> None:
    for _ in range(100):
        with suppress(OSError):
            for pid in (folder / "cgroup.procs").read_text().split():
                os.kill(int(pid), 9)
            folder.rmdir()
            return
        sleep(0.05)  # the system takes its time to bury a process
