"""A client for the lessons: sized to the machine, joined to a real scheduler, clear when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from dask_processes import Processes
from hypothesis import given
from hypothesis import strategies as st

from course.cluster import ObjectStore, connect
from course.cluster.client import NO_WORKERS_SECONDS, SMALLEST_WORKER, ClusterError, machine_size, scheduler_address
from course.errors import BadArgumentError


def test_a_named_scheduler_is_joined_and_left_running_and_other_versions_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import versions

    with Processes(tmp_path) as cluster:
        address = cluster.start_scheduler()
        cluster.start_worker("--memory-limit", "512MiB")
        with connect(scheduler_file=cluster.file) as client:
            client.wait_for_workers(1, timeout=30)
            assert client.submit(os.getpid).result() != os.getpid()
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
        known = versions.get_versions()
        known["packages"]["pandas"] = "0.1"
        monkeypatch.setattr(versions, "get_versions", lambda *_: known)
        with pytest.warns(versions.VersionMismatchWarning, match=r"pandas +\| 0\.1 "):
            client = connect()
        with client:
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
    options = ["--tls-ca-file", certificate, "--tls-cert", certificate, "--tls-key", key, "--protocol", "tls"]
    names = {"ca-file": certificate, "client.cert": certificate, "client.key": key}
    tls = {f"distributed.comm.tls.{name}": str(path) for name, path in names.items()}
    with Processes(tmp_path) as cluster:
        address = cluster.start_scheduler(*options)
        assert address.startswith("tls://")
        with dask.config.set(tls), connect(address) as client:
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
