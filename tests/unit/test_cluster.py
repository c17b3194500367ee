"""A client for the lessons: sized to the machine, joined to a real scheduler, clear when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.cluster import connect, machine_size, scheduler_address
from course.cluster.client import NO_WORKERS_SECONDS
from course.cluster.scheduler_file import ClusterError
from course.cluster.sizing import SMALLEST_WORKER
from course.cluster.versions import VersionWarning, differences, warn_of_other_versions
from course.errors import BadArgumentError


@pytest.fixture(scope="module")
def scheduler_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Start a scheduler and a worker as processes of their own; return the scheduler's file."""
    home = tmp_path_factory.mktemp("scheduler")
    file = home / "scheduler.json"
    commands = {
        "dask_scheduler": ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"],
        "dask_worker": ["--nthreads", "1", "--memory-limit", "512MiB", "--host", "127.0.0.1"],
    }
    processes = []
    with (home / "log").open("w", encoding="utf-8") as log:
        for name, options in commands.items():
            words = [sys.executable, "-m", f"distributed.cli.{name}", "--scheduler-file", str(file), *options]
            processes.append(subprocess.Popen(words, cwd=home, stdout=log, stderr=log))
        try:
            yield file
        finally:
            for process in reversed(processes):
                process.terminate()
                process.wait(timeout=30)


def test_a_named_scheduler_is_joined_and_left_running(scheduler_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(scheduler_file=scheduler_file) as client:
        client.wait_for_workers(1, timeout=30)
        assert client.submit(os.getpid).result() != os.getpid()
    address = scheduler_address(scheduler_file)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
    with connect() as client:
        assert client.scheduler.address == address
        assert client.submit(os.getpid).result() != os.getpid()


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


def test_an_address_and_a_file_are_one_too_many() -> None:
    with pytest.raises(BadArgumentError, match="not both"):
        connect("tcp://127.0.0.1:8786", scheduler_file="scheduler.json")


def test_a_scheduler_behind_tls_is_joined_with_the_certificate_that_dask_is_configured_with(tmp_path: Path) -> None:
    import dask
    from distributed import Security

    # the certificate signs itself: it is its own authority
    secret = Security.temporary()
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_text(secret.tls_client_cert, encoding="utf-8")
    key.write_text(secret.tls_client_key, encoding="utf-8")
    file = tmp_path / "scheduler.json"
    options = ["--tls-ca-file", certificate, "--tls-cert", certificate, "--tls-key", key, "--protocol", "tls"]
    options += ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", file]
    names = {"ca-file": certificate, "client.cert": certificate, "client.key": key}
    tls = {f"distributed.comm.tls.{name}": str(path) for name, path in names.items()}
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", *map(str, options)]
        scheduler = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
        try:
            address = scheduler_address(file)
            assert address.startswith("tls://")
            with dask.config.set(tls), connect(address) as client:
                assert client.run_on_scheduler(os.getpid) == scheduler.pid
        finally:
            scheduler.terminate()
            scheduler.wait(timeout=30)


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
        size = machine_size()
    assert 1 <= size.workers <= cores
    assert size.workers * size.memory_bytes <= 0.8 * min(available, allowed)
    assert size.workers == 1 or size.memory_bytes >= SMALLEST_WORKER


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"memory_bytes": -1}])
def test_a_size_that_makes_no_sense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(BadArgumentError, match="not a number above zero"):
        machine_size(**wrong)


def test_an_address_where_nobody_answers_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course.cluster.client.CONNECT_SECONDS", 0.5)
    with pytest.raises(ClusterError, match=r"no dask scheduler answers at 'tcp://127.0.0.1:9'; start one"):
        connect("tcp://127.0.0.1:9")
    with pytest.raises(ClusterError, match="no dask scheduler answers at 'nonsense://x'"):
        connect("nonsense://x")


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


def test_versions_that_differ_are_told_in_one_sentence() -> None:
    class Client:
        def get_versions(self, packages: list[str]) -> dict[str, object]:
            here = {"packages": {"numpy": "2.0", "pandas": "3.0", "lz4": None}}
            there = {"packages": {"numpy": "2.0", "pandas": "2.9", "lz4": "1"}}
            return {"client": here, "scheduler": here, "workers": {"tcp://w": there, "tcp://silent": None}}

    with pytest.warns(VersionWarning, match="pandas 3.0 here, 2.9 on tcp://w. Install"):
        warn_of_other_versions(Client())  # type: ignore[arg-type]


@given(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2"])))
def test_equal_versions_are_no_difference(versions: dict[str, str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert differences("w", versions, versions) == []
    assert len(differences("w", versions, {})) == len(versions)
