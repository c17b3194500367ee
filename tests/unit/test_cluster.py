"""A client for the lessons: sized to the machine, joined to a real scheduler, clear when something is wrong.

And what a cluster and an object store survive, and what they say when they do not: real processes, real HTTP.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

import course
from course.cluster import ObjectStore, connect
from course.cluster.client import NO_WORKERS_SECONDS, SMALLEST_WORKER, ClusterError, machine_size, scheduler_address
from course.errors import BadArgumentError

if TYPE_CHECKING:
    from distributed import Client

AGE, AMOUNT = "AGE_BEN_SNDS", "PRS_REM_MNT"
SETTINGS = {
    # a task that kills its worker is not tried again on three others: the test is short
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    # spill from 40 MiB on
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET": "0.1",
    # where workers find the functions of this file
    "PYTHONPATH": str(Path(__file__).parent),
}


class Processes(AbstractContextManager["Processes"]):
    """A scheduler and its workers, killed at the end of the block; settings are variables of their environment."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home, self.file, self.settings = home, home / "scheduler.json", settings
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, kind: str, *options: object) -> subprocess.Popen[bytes]:
        words = ["-m", f"distributed.cli.dask_{kind}", "--scheduler-file", self.file, "--host", "127.0.0.1", *options]
        with (self.home / "log").open("ab") as log:
            command, env = [sys.executable, *map(str, words)], os.environ | self.settings
            process = subprocess.Popen(command, cwd=self.home, stdout=log, stderr=log, env=env)
        self.running.append(process)
        return process

    def start_scheduler(self, *options: object, port: str = "0") -> None:
        self.file.unlink(missing_ok=True)
        self.start("scheduler", "--port", port, "--dashboard-address", "127.0.0.1:0", *options)

    @property
    def address(self) -> str:
        """Address of the scheduler, once it has written it; workers started beside it wait for it themselves."""
        return scheduler_address(self.file)

    def start_worker(self, *options: object) -> None:
        self.start("worker", "--nthreads", "1", "--no-dashboard", *options)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        children = psutil.Process(process.pid).children(recursive=True) if psutil.pid_exists(process.pid) else []
        for one in [*children, process]:
            one.kill()
        process.wait(timeout=30)

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.running):
            self.end(process)


def test_the_file_of_a_scheduler_is_waited_for_also_while_it_is_half_written(tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"

    def write() -> None:
        for text in ("", '{"address": "tcp://127', '{"address": "tcp://127.0.0.1:8786"}'):
            time.sleep(0.2)
            file.write_text(text, encoding="utf-8")

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write)
        assert scheduler_address(file) == "tcp://127.0.0.1:8786"
        writing.result()


@pytest.mark.parametrize("text", [None, "", "[]", "{}"])
def test_a_file_that_names_no_scheduler_is_an_error_after_a_while(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "scheduler.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(ClusterError, match=r"scheduler\.json' names no scheduler after 0.1 s; start one with"):
        scheduler_address(file, seconds=0.1)


def test_a_scheduler_behind_tls_is_joined_with_the_certificate_that_dask_is_configured_with(tmp_path: Path) -> None:
    import dask
    from distributed import Security

    # the certificate signs itself: it is its own authority
    secret = Security.temporary()
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_text(secret.tls_client_cert, encoding="utf-8")
    key.write_text(secret.tls_client_key, encoding="utf-8")
    options = ["--tls-ca-file", certificate, "--tls-cert", certificate, "--tls-key", key, "--protocol", "tls"]
    names = {"ca-file": certificate, "client.cert": certificate, "client.key": key}
    tls = {f"distributed.comm.tls.{name}": str(path) for name, path in names.items()}
    with Processes(tmp_path) as cluster:
        cluster.start_scheduler(*options)
        assert cluster.address.startswith("tls://")
        with dask.config.set(tls), connect(cluster.address) as client:
            assert client.run_on_scheduler(os.getpid) == cluster.running[0].pid


def test_without_a_scheduler_workers_are_made_here_and_end_with_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    with connect(workers=2, memory_bytes=SMALLEST_WORKER) as client:
        workers = client.scheduler_info()["workers"].values()
        assert [(worker["nthreads"], worker["memory_limit"]) for worker in workers] == [(1, SMALLEST_WORKER)] * 2
        assert all(worker["host"] == "127.0.0.1" for worker in workers)
        assert client.cluster.scheduler.no_workers_timeout == NO_WORKERS_SECONDS
        processes = [psutil.Process(pid) for pid in client.run(os.getpid).values()]
    gone, alive = psutil.wait_procs(processes, timeout=20)
    assert (len(gone), alive) == (2, [])


@given(st.integers(1, 64), st.integers(2**20, 2**40), st.integers(2**20, 2**40))
def test_the_workers_of_a_machine_hold_in_its_memory(cores: int, available: int, allowed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dask.system.CPU_COUNT", cores)
        patch.setattr("distributed.system.MEMORY_LIMIT", allowed)
        patch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": available}))
        workers, memory_bytes = machine_size()
    assert 1 <= workers <= cores
    assert workers * memory_bytes <= 0.8 * min(available, allowed)
    assert workers == 1 or memory_bytes >= SMALLEST_WORKER


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scheduler": "tcp://127.0.0.1:8786", "scheduler_file": "scheduler.json"}, "not both"),
        ({"workers": 0}, "not a number above zero"),
        ({"memory_bytes": -1}, "not a number above zero"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    with pytest.raises(BadArgumentError, match=message):
        connect(**wrong)


def test_an_address_where_nobody_answers_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course.cluster.client.CONNECT_SECONDS", 0.5)
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        with pytest.raises(ClusterError, match=f"no dask scheduler answers at '{address}'; start one"):
            connect(address)


def test_a_script_without_its_guard_fails_with_the_cure(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from course.cluster import connect\nconnect(workers=1)\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "DASK_SCHEDULER_ADDRESS"}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "ClusterError" in last
    assert "under `if __name__ == '__main__':`" in last


def test_the_lines_of_the_documentation_measure_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    page = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")
    code = page.rpartition("```python\n")[2].partition("```")[0]
    smaller = {'"tcp://10.0.0.5:8786"': "workers=2", "/shared/bench": tmp_path.as_posix(), "range(64)": "range(4)",
               "200_000": "1_000", "(1, 8, 64)": "(1, 2)"}  # fmt: skip
    for large, small in smaller.items():
        assert large in code
        code = code.replace(large, small)
    names: dict[str, Any] = {}
    try:
        exec(code, names)
    finally:
        names["client"].close()
    *lines, costs = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"{n} workers, {k} files" for n in (1, 2) for k in (2, 4)]
    assert all(float(cost) >= 0 for cost in costs.split())
    assert names["per_file"] + names["fixed"] + names["shared"] > 0


def test_a_store_that_closes_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with ObjectStore() as store:
        assert os.environ["AWS_ENDPOINT_URL"] == store.url
        assert os.environ["AWS_ACCESS_KEY_ID"] == store.environment["AWS_ACCESS_KEY_ID"] == "course"
    assert os.environ["AWS_ACCESS_KEY_ID"] == "mine"
    assert "AWS_ENDPOINT_URL" not in os.environ


# --- what a cluster survives ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with ObjectStore() as made:
        yield made


@pytest.fixture(scope="module")
def cluster(store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """A scheduler, and two workers of 400 MiB that know the object store."""
    home = tmp_path_factory.mktemp("cluster")
    with Processes(home, **SETTINGS, **store.environment) as processes:
        processes.start_scheduler()
        for _ in range(2):
            processes.start_worker("--memory-limit", "400MiB", "--local-directory", home / "spill")
        yield processes


@pytest.fixture(scope="module")
def client(cluster: Processes) -> Iterator[Client]:
    with connect(cluster.address) as made:
        made.wait_for_workers(2, timeout=60)
        yield made


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    home = tmp_path_factory.mktemp("months")
    return [course.month_file(home / f"month{n}.parquet", rows=20_000, seed=n, threads=1) for n in range(3)]


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
    """Return the exact sums of a file, in cents, after a rest long enough for a disaster."""
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


def test_a_named_scheduler_is_joined_and_left_running_and_other_versions_are_told(
    cluster: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import versions

    with connect(scheduler_file=cluster.file) as client:
        client.wait_for_workers(1, timeout=60)
        assert client.submit(os.getpid).result() != os.getpid()
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.address)
    known = versions.get_versions()
    known["packages"]["pandas"] = "0.1"
    monkeypatch.setattr(versions, "get_versions", lambda *_: known)
    with pytest.warns(versions.VersionMismatchWarning, match=r"pandas +\| 0\.1 "):
        client = connect()
    with client:
        assert client.scheduler.address == cluster.address
        assert client.submit(os.getpid, pure=False).result() != os.getpid()


def test_a_worker_killed_in_the_middle_changes_no_cent(client: Client, months: list[Any]) -> None:
    paths = [str(month.path) for month in months] * 4
    client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 3))
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
    client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0))


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
    store.requests.clear()
    store.refuse(8)
    parts = results(client, client.map(slow_cents, objects, seconds=0, pure=False))
    assert [request.status for request in store.requests].count(503) == 8
    assert total(parts) == total([month.cents_by_age for month in months])


def test_a_truncated_object_is_an_error_that_says_so(client: Client, store: ObjectStore, objects: list[str]) -> None:
    import pyarrow as pa
    import s3fs

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
    assert sum(client.run(lambda dask_worker: dask_worker.data.spilled_total.disk).values()) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")
def test_a_full_disk_and_results_that_do_not_fit_are_a_clear_error_and_no_wait_without_end(tmp_path: Path) -> None:
    from distributed.scheduler import NoWorkerError

    settings = {**SETTINGS, "DASK_DISTRIBUTED__SCHEDULER__NO_WORKERS_TIMEOUT": "1s"}
    with Processes(tmp_path, **settings) as cluster:
        cluster.start_scheduler()
        cluster.start_worker("--memory-limit", "400MiB", "--local-directory", tmp_path / "spill")
        with connect(cluster.address) as client:
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
        cluster.start_scheduler()
        cluster.start_worker()
        address = cluster.address
        command = [sys.executable, "-c", LOSES_ITS_SCHEDULER, address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as user:
            assert user.stdout is not None
            assert user.stdout.readline() == "submitted\n"
            # its worker too: it would join the new scheduler, then stop in the middle of a task
            for process in tuple(cluster.running):
                cluster.end(process)
            cluster.start_scheduler(port=address.rpartition(":")[2])
            cluster.start_worker()
            assert cluster.address == address
            assert "scheduler-connection-lost" in user.communicate(timeout=60)[0]
        with connect(address) as client:
            client.wait_for_workers(1, timeout=60)
            assert client.submit(slow_cents, str(months[0].path)).result(timeout=60) == months[0].cents_by_age
