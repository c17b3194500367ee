"""How many workers this machine can hold, and how much memory each may use."""

from __future__ import annotations

from dataclasses import dataclass

from course.errors import BadArgumentError

SHARE = 0.8
"""Share of the available memory given to the workers; the rest is for the scheduler, the client and the system."""

SMALLEST_WORKER = 512 * 2**20
"""Bytes under which a worker would spend its memory on its own libraries (142 MiB here for dask and pandas)."""


@dataclass(frozen=True)
class Size:
    """Size of a cluster on one machine.

    Attributes:
        workers: number of worker processes, of one thread each: pandas holds the interpreter lock in much of its work.
        memory_bytes: memory that each worker may use before it spills and, at last, is restarted.
    """

    workers: int
    memory_bytes: int


def machine_size(workers: int | None = None, memory_bytes: int | None = None) -> Size:
    """Return the size of a cluster for this machine: a worker per core, fewer where memory is short.

    Args:
        workers: number of workers, if it is imposed.
        memory_bytes: memory of each worker in bytes, if it is imposed.

    Raises:
        BadArgumentError: a number is not positive.
    """
    import psutil
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    for name, value in (("workers", workers), ("memory_bytes", memory_bytes)):
        if value is not None and value <= 0:
            raise BadArgumentError(f"{name}={value} is not a number above zero")
    # the memory that is free now, and that a container allows
    shared = SHARE * min(psutil.virtual_memory().available, MEMORY_LIMIT)
    count = workers or max(1, min(CPU_COUNT, int(shared // SMALLEST_WORKER)))
    return Size(count, memory_bytes or int(shared / count))
