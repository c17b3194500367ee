"""Connect to a dask scheduler: the one that is named, or one made for the occasion on this machine."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import BadArgumentError, CourseError

if TYPE_CHECKING:
    from distributed import Client

ADDRESS_VARIABLE = "DASK_SCHEDULER_ADDRESS"
"""Environment variable that names a scheduler, as dask's own documentation has it."""

CONNECT_SECONDS = 15
START_SECONDS = 60
"""How long a scheduler may take to start."""
NO_WORKERS_SECONDS = 60
"""A task fails when every worker of a LocalCluster has been paused for so long: by default dask waits without end."""

SHARE = 0.8
"""Share of the available memory given to the workers; the rest is for the scheduler, the client and the system."""
SMALLEST_WORKER = 512 * 2**20
"""Bytes under which a worker would spend its memory on its own libraries (142 MiB here for dask and pandas)."""

_UNGUARDED = (
    "each worker of a LocalCluster imports your script again, and it would start a cluster again: put the code that "
    "calls connect() under `if __name__ == '__main__':`"
)


class ClusterError(CourseError):
    """The scheduler cannot be reached, or a cluster cannot be started on this machine."""


def connect(
    scheduler: str | None = None,
    *,
    scheduler_file: str | Path | None = None,
    workers: int | None = None,
    memory_bytes: int | None = None,
) -> Client:
    """Return a dask Client, to be closed or used as a context manager.

    With a scheduler, named here, by its file or by the environment variable DASK_SCHEDULER_ADDRESS, joins it; dask
    warns if the workers have another Python, dask, numpy or pandas than this process. Without one, starts a
    LocalCluster sized to this machine, on the loopback interface, closed together with the client; a worker spills to
    disk at 60 % of its memory, pauses at 80 % and is restarted at 95 %, dask's own thresholds
    (https://distributed.dask.org/en/stable/worker-memory.html). Where all stay paused, as when the disk is full,
    tasks fail after a minute with ``distributed.scheduler.NoWorkerError``.

    Args:
        scheduler: address such as ``tcp://10.0.0.5:8786``.
        scheduler_file: what was given to ``dask scheduler --scheduler-file``; waited for while the scheduler starts.
        workers: worker processes of a LocalCluster; by default one per core, fewer where memory is short.
        memory_bytes: memory in bytes of each worker of a LocalCluster; by default its share of what is available.

    Raises:
        BadArgumentError: an address and a file are given, or a number is not above zero.
        ClusterError: nobody answers at the address, the file does not come, or the script that asks is not guarded by
            ``__main__``.
    """
    if scheduler and scheduler_file:
        raise BadArgumentError("give connect() the address of the scheduler or its file, not both")
    address = scheduler_address(scheduler_file) if scheduler_file else scheduler or os.environ.get(ADDRESS_VARIABLE)
    if not address:
        return _start(*machine_size(workers, memory_bytes))
    from distributed import Client

    try:
        return Client(address, timeout=CONNECT_SECONDS)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"no dask scheduler answers at {address!r}; start one with `dask scheduler`, or unset {ADDRESS_VARIABLE} "
            "and name none to work on this machine"
        ) from error


def scheduler_address(file: str | Path, *, seconds: float = START_SECONDS) -> str:
    """Return the address in a scheduler file, once the scheduler that is starting has written it.

    Args:
        file: what was given to ``dask scheduler --scheduler-file``.
        seconds: how long to wait for it.

    Raises:
        ClusterError: after this time there is no such file, or no address in it.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            told = json.loads(Path(file).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            told = None  # dask makes the file, then writes in it: for a moment it is empty
        if isinstance(told, dict) and "address" in told:
            return str(told["address"])
        if time.monotonic() > deadline:
            raise ClusterError(
                f"{str(file)!r} names no scheduler after {seconds:g} s; start one with "
                f"`dask scheduler --scheduler-file {file}`, and read what it printed"
            )
        time.sleep(0.05)


def machine_size(workers: int | None = None, memory_bytes: int | None = None) -> tuple[int, int]:
    """Return the workers that this machine can hold, one per core, fewer where memory is short; and the bytes of each.

    A worker is a process of one thread: pandas holds the interpreter lock in much of its work.

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
    return count, memory_bytes or int(shared / count)


def _start(workers: int, memory_bytes: int) -> Client:
    # set by multiprocessing while a new process imports the main module of its parent
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ClusterError(_UNGUARDED)
    import dask
    from distributed import Client, LocalCluster

    class LocalClient(Client):
        """A client that stops the cluster made for it when it is closed."""

        def close(self, *arguments: Any, **options: Any) -> Any:
            """Close the client, then its cluster."""
            closed = super().close(*arguments, **options)  # type: ignore[no-untyped-call]
            if self.cluster is not None and self.cluster.status.name == "running" and not self.asynchronous:
                self.cluster.close()
            return closed

    try:
        with dask.config.set({"distributed.scheduler.no-workers-timeout": f"{NO_WORKERS_SECONDS}s"}):
            cluster = LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=workers,
                threads_per_worker=1,
                memory_limit=memory_bytes,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
            )
    except RuntimeError as error:
        raise ClusterError(f"the workers could not start; if this is a script, {_UNGUARDED}") from error
    return LocalClient(cluster)  # type: ignore[no-untyped-call]
