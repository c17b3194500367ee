"""What a cluster and an object store survive, and what they say when they do not: real processes, real HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from dask_processes import Processes

import course
from course.cluster import ObjectStore, connect

if TYPE_CHECKING:
    from distributed import Client

AGE, AMOUNT = "AGE_BEN_SNDS", "PRS_REM_MNT"
ROWS = 20_000
SETTINGS = {
    # a task that kills its worker is not tried again on three others: the test is short
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    # spill from 40 MiB on
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET": "0.1",
    # where workers find the functions of this file
    "PYTHONPATH": str(Path(__file__).parent),
}


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with Processes(tmp_path_factory.mktemp("cluster"), **SETTINGS) as made:
        yield made


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with ObjectStore() as made:
        yield made


@pytest.fixture(scope="module")
def client(processes: Processes, store: ObjectStore) -> Iterator[Client]:
    """Two workers of 400 MiB that know the object store."""
    address = processes.start_scheduler()
    for _ in range(2):
        processes.start_worker("--memory-limit", "400MiB", "--local-directory", processes.home / "spill")
    with connect(address) as made:
        made.wait_for_workers(2, timeout=60)
        yield made


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    home = tmp_path_factory.mktemp("months")
    return [course.month_file(home / f"month{n}.parquet", rows=ROWS, seed=n, threads=1) for n in range(3)]


@pytest.fixture(scope="module")
def objects(store: ObjectStore, months: list[Any]) -> list[str]:
    """The months again, in the object store."""
    import s3fs

    files = s3fs.S3FileSystem()
    files.mkdir("damir")
    for month in months:
        files.put(str(month.path), f"damir/{month.path.name}")
    return [f"s3://damir/{month.path.name}" for month in months]


def slow_cents(path: str, seconds: float = 0.3) -> dict[int, int]:
    """The exact sums of a file, in cents, after a rest long enough for a disaster."""
    import pandas as pd

    time.sleep(seconds)
    table = pd.read_parquet(path, columns=[AGE, AMOUNT])
    return dict((table[AMOUNT] * 100).round().astype("int64").groupby(table[AGE]).sum().items())  # type: ignore[arg-type]


def results(client: Client, futures: list[Any]) -> list[Any]:
    """The results, or an error after a minute: no test waits without end."""
    from distributed import wait

    wait(futures, timeout=60)
    return client.gather(futures)


def total(parts: list[dict[int, int]]) -> dict[int, int]:
    return {age: sum(part.get(age, 0) for part in parts) for age in set().union(*parts)}


def test_a_worker_killed_in_the_middle_changes_no_cent(client: Client, months: list[Any]) -> None:
    paths = [str(month.path) for month in months] * 4
    client.run_on_scheduler(allow_failures, 3)
    before = client.run(os.getpid)
    futures = client.map(slow_cents, paths, pure=False)
    while not any(future.done() for future in futures):
        time.sleep(0.01)
    psutil.Process(next(iter(before.values()))).kill()
    assert not all(future.done() for future in futures)
    assert total(results(client, futures)) == {
        age: cents * 4 for age, cents in total([month.cents_by_age for month in months]).items()
    }
    client.wait_for_workers(2, timeout=60)
    assert set(client.run(os.getpid).values()) != set(before.values())
    client.run_on_scheduler(allow_failures, 0)


def allow_failures(count: int, dask_scheduler: Any = None) -> None:
    dask_scheduler.allowed_failures = count


def allocate(mebibytes: int) -> int:
    """Fill memory for good, as a task that is too large does."""
    return len(bytearray(os.urandom(1) * (mebibytes << 20)))


def test_a_worker_over_its_memory_limit_is_an_error_that_names_the_task_and_the_others_live(client: Client) -> None:
    from distributed import KilledWorker

    with pytest.raises(KilledWorker, match=r"allocate.*0 different workers|Attempted to run task 'allocate"):
        client.submit(allocate, 2000, pure=False).result(timeout=60)
    client.wait_for_workers(2, timeout=60)
    assert client.submit(sum, [1, 2]).result(timeout=60) == 3


def test_a_store_that_answers_503_for_a_while_is_asked_again_and_the_answer_is_right(
    client: Client, store: ObjectStore, months: list[Any], objects: list[str]
) -> None:
    client.run(use_store, store.environment)
    store.requests.clear()
    store.refuse(8)
    parts = results(client, client.map(slow_cents, objects, seconds=0, pure=False))
    assert [request.status for request in store.requests].count(503) == 8
    assert total(parts) == total([month.cents_by_age for month in months])


def use_store(variables: dict[str, str]) -> None:
    os.environ.update(variables)


def test_a_truncated_object_is_an_error_that_says_so(client: Client, store: ObjectStore, objects: list[str]) -> None:
    import pyarrow as pa
    import s3fs

    client.run(use_store, store.environment)
    files = s3fs.S3FileSystem()
    half = files.cat(objects[0])[: files.size(objects[0]) // 2]
    files.pipe("damir/truncated.parquet", half)
    with pytest.raises(pa.ArrowInvalid, match="Parquet magic bytes not found"):
        client.submit(slow_cents, "s3://damir/truncated.parquet", seconds=0).result(timeout=60)


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")
def test_a_disk_that_is_full_when_a_worker_spills_loses_nothing(client: Client) -> None:
    """No file of a worker may pass 1 MiB (RLIMIT_FSIZE): writing to its spill folder fails as on a full disk."""
    assert set(client.run(limit_files).values()) == {1 << 20}
    kept = client.map(block, range(16), pure=False)
    assert results(client, client.map(len, kept, pure=False)) == [10 << 20] * 16
    assert sum(client.run(spilled_bytes).values()) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")
def test_a_full_disk_and_results_that_do_not_fit_are_a_clear_error_and_no_wait_without_end(tmp_path: Path) -> None:
    from distributed.scheduler import NoWorkerError

    settings = {**SETTINGS, "DASK_DISTRIBUTED__SCHEDULER__NO_WORKERS_TIMEOUT": "3s"}
    with Processes(tmp_path, **settings) as cluster:
        address = cluster.start_scheduler()
        cluster.start_worker("--memory-limit", "400MiB", "--local-directory", tmp_path / "spill")
        with connect(address) as client:
            client.wait_for_workers(1, timeout=60)
            client.run(limit_files)
            kept = client.map(block, range(60), pure=False)
            with pytest.raises(NoWorkerError, match="without any running workers"):
                client.submit(sum, client.map(len, kept, pure=False)).result(timeout=60)


def limit_files() -> int:
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    return resource.getrlimit(resource.RLIMIT_FSIZE)[0]


def spilled_bytes(dask_worker: Any = None) -> int:
    return int(dask_worker.data.spilled_total.disk)


def block(number: int) -> bytes:
    """Ten mebibytes that do not compress."""
    return os.urandom(10 << 20)


LOSES_ITS_SCHEDULER = """
import sys, time
from concurrent.futures import CancelledError
from course.cluster import connect

if __name__ == "__main__":
    client = connect(sys.argv[1])
    future = client.submit(time.sleep, 30)
    print("submitted", flush=True)
    try:
        future.result(timeout=60)
    except CancelledError as error:
        print(error, flush=True)
"""
"""A program of its own: a client that looks for a lost scheduler forgets to close a socket now and then."""


def test_a_scheduler_that_restarts_is_a_clear_error_and_no_wait_without_end(tmp_path: Path, months: list[Any]) -> None:
    with Processes(tmp_path, **SETTINGS) as cluster:
        address = cluster.start_scheduler()
        cluster.start_worker()
        command = [sys.executable, "-c", LOSES_ITS_SCHEDULER, address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as user:
            assert user.stdout is not None
            assert user.stdout.readline() == "submitted\n"
            # its worker too: it would join the new scheduler, then stop in the middle of a task
            for process in tuple(cluster.running):
                cluster.end(process)
            assert cluster.start_scheduler(port=address.rpartition(":")[2]) == address
            assert "scheduler-connection-lost" in user.communicate(timeout=60)[0]
        cluster.start_worker()
        with connect(address) as client:
            client.wait_for_workers(1, timeout=60)
            assert client.submit(slow_cents, str(months[0].path)).result(timeout=60) == months[0].cents_by_age
