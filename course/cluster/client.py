"""Connect to a dask scheduler: the one that is named, or one made for the occasion on this machine."""

from __future__ import annotations

import multiprocessing
import os
from typing import TYPE_CHECKING, Any

from course.cluster.scheduler_file import ClusterError, scheduler_address
from course.cluster.sizing import Size, machine_size
from course.cluster.versions import warn_of_other_versions
from course.errors import BadArgumentError

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client

ADDRESS_VARIABLE = "DASK_SCHEDULER_ADDRESS"
"""Environment variable that names a scheduler, as dask's own documentation has it."""

CONNECT_SECONDS = 15

NO_WORKERS_SECONDS = 60
"""A task fails when every worker of a LocalCluster has been paused for so long: by default dask waits without end."""

_UNGUARDED = (
    "each worker of a LocalCluster imports your script again, and it would start a cluster again: put the code that "
    "calls connect() under `if __name__ == '__main__':`"
)


def connect(
    scheduler: str | None = None,
    *,
    scheduler_file: str | Path | None = None,
    workers: int | None = None,
    memory_bytes: int | None = None,
) -> Client:
    """Return a dask Client, to be closed or used as a context manager.

    With a scheduler, named here, by its file or by the environment variable DASK_SCHEDULER_ADDRESS, joins it. Without
    one, starts a LocalCluster sized to this machine, on the loopback interface, closed together with the client; a
    worker spills to disk at 60 % of its memory, pauses at 80 % and is restarted at 95 %, dask's own thresholds
    (https://distributed.dask.org/en/stable/worker-memory.html). Where all stay paused, as when the disk is full,
    tasks fail after a minute with ``distributed.scheduler.NoWorkerError``.

    Args:
        scheduler: address such as ``tcp://10.0.0.5:8786``.
        scheduler_file: what was given to ``dask scheduler --scheduler-file``; waited for while the scheduler starts.
        workers: worker processes of a LocalCluster; by default one per core, fewer where memory is short.
        memory_bytes: memory in bytes of each worker of a LocalCluster; by default its share of what is available.

    Raises:
        BadArgumentError: an address and a file are given.
        ClusterError: nobody answers at the address, the file does not come, or the script that asks is not guarded by
            ``__main__``.

    Warns:
        VersionWarning: the workers have other versions of a library than this process.
    """
    if scheduler and scheduler_file:
        raise BadArgumentError("give connect() the address of the scheduler or its file, not both")
    address = scheduler_address(scheduler_file) if scheduler_file else scheduler or os.environ.get(ADDRESS_VARIABLE)
    client = _join(address) if address else _start(machine_size(workers, memory_bytes))
    warn_of_other_versions(client)
    return client


def _join(address: str) -> Client:
    from distributed import Client

    try:
        return _quiet(Client, address, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"no dask scheduler answers at {address!r}; start one with `dask scheduler`, or unset {ADDRESS_VARIABLE} "
            "and name none to work on this machine"
        ) from error


def _start(size: Size) -> Client:
    import dask
    from distributed import LocalCluster

    # set by multiprocessing while a new process imports the main module of its parent
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ClusterError(_UNGUARDED)
    try:
        with dask.config.set({"distributed.scheduler.no-workers-timeout": f"{NO_WORKERS_SECONDS}s"}):
            cluster = LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=size.workers,
                threads_per_worker=1,
                memory_limit=size.memory_bytes,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
            )
    except RuntimeError as error:
        raise ClusterError(f"the workers could not start; if this is a script, {_UNGUARDED}") from error
    return _closing_its_cluster(cluster)


def _closing_its_cluster(cluster: Any) -> Client:
    from distributed import Client

    class LocalClient(Client):
        """A client that stops the cluster made for it when it is closed."""

        def close(self, *arguments: Any, **options: Any) -> Any:
            """Close the client, then its cluster."""
            closed = super().close(*arguments, **options)  # type: ignore[no-untyped-call]
            if self.cluster is not None and self.cluster.status.name == "running" and not self.asynchronous:
                self.cluster.close()
            return closed

    return _quiet(LocalClient, cluster)


def _quiet(kind: Any, *arguments: Any, **options: Any) -> Client:
    """Return a client made without dask's own table of versions: ours says the same in one sentence."""
    import warnings

    from distributed.versions import VersionMismatchWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VersionMismatchWarning)
        client: Client = kind(*arguments, **options)
    return client
