"""The magics in a real kernel: what a notebook, nbclient and nbval get from them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel


class Kernel:
    """A running kernel with the magics loaded."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(self, code: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Run a cell; return the reply and the outputs."""
        outputs: list[dict[str, Any]] = []
        reply = self._client.execute_interactive(code, output_hook=outputs.append, timeout=60)
        return reply["content"], [one["content"] for one in outputs if one["msg_type"] != "status"]

    def value(self, code: str) -> str:
        """Run a cell that must succeed; return the text of its value."""
        reply, outputs = self.run(code)
        assert reply["status"] == "ok", reply
        return str(outputs[-1]["data"]["text/plain"])

    def completions(self, code: str) -> dict[str, Any]:
        reply: dict[str, Any] = self._client.complete(code, len(code), reply=True, timeout=60)["content"]
        return reply


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    environment = {**os.environ, "BIGDATA_COURSE_DATA": str(tmp_path_factory.mktemp("kept"))}
    manager, client = start_new_kernel(cwd=str(tmp_path_factory.mktemp("notebook")), env=environment)
    kernel = Kernel(client)
    assert kernel.run("%load_ext magics\n%SQL_connect :memory:")[0]["status"] == "ok"
    yield kernel
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("%head", "BadArgumentError"),
        ("%tail absent.csv", "FileNotFoundError"),
        ("%download A201612", "BadArgumentError"),
        ("%download http://127.0.0.1:9/a.csv --offline", "DownloadError"),
        ("%%measure -r 0\n1", "BadArgumentError"),
        ("%%measure\n1 / 0", "ZeroDivisionError"),
        ("%measure", "BadArgumentError"),
        ("%measures --plot", "BadArgumentError"),
        ("%SQL_connect", "BadArgumentError"),
        ("%SQL_connect :memory: --bogus", "BadArgumentError"),
        ("%SQL SELECT * FROM nowhere", "SQLError"),
        ("%SQL -n", "BadArgumentError"),
        ("%%memory_cap lots\n1", "BadArgumentError"),
        ("%%memory_cap 100MiB -q\nx = b'x' * (200 << 20)", "MemoryError"),
        ("%%memory_cap 100MiB -q --watch\nx = b'x' * (200 << 20)\nimport time; time.sleep(5)", "MemoryError"),
    ],
)
def test_an_error_is_an_error_output_that_nbclient_and_nbval_see(kernel: Kernel, code: str, error: str) -> None:
    kernel.run("%measures --clear")
    reply, outputs = kernel.run(code)
    assert (reply["status"], reply["ename"]) == ("error", error)
    assert [one["ename"] for one in outputs if "ename" in one] == [error]
    assert kernel.value("40 + 2") == "42"


@pytest.mark.parametrize(
    ("typed", "proposed"),
    [
        ("%download A201612.csv.gz --", {"--directory", "--hash", "--force", "--offline", "--output"}),
        ("path = %download A201612.csv.gz --h", {"--hash"}),
        ("%head data.csv -", {"-n", "-e", "--lines", "--encoding"}),
        ("%tail data.csv --e", {"--encoding"}),
        ("%linecount -", {"-t", "--text"}),
        ("%%measure chunks -", {"-r", "-o", "-q", "--repeat", "--output", "--quiet"}),
        ("%measure --r", {"--repeat"}),
        ("%measures --", {"--plot", "--save", "--clear", "--summary"}),
        ("%%memory_cap 512MiB --", {"--input", "--output", "--watch", "--quiet"}),
    ],
)
def test_options_are_completed(kernel: Kernel, typed: str, proposed: set[str]) -> None:
    found = set(kernel.completions(typed)["matches"])
    assert proposed <= found
    assert all(option.startswith("-") for option in found)


def test_the_names_of_a_database_are_completed(kernel: Kernel) -> None:
    kernel.run("%SQL CREATE TABLE damir(age INTEGER)")
    code = "%%SQL\nSELECT age FROM da"
    answer = kernel.completions(code)
    assert (answer["matches"], answer["cursor_start"]) == (["damir"], code.index("da"))
    assert answer["metadata"]["_jupyter_types_experimental"][0]["type"] == "table"


def test_a_measured_cell_may_await_and_keeps_its_variables(kernel: Kernel) -> None:
    assert kernel.value("%%measure -q\nimport asyncio\nkept = await asyncio.sleep(0, 42)\nkept") == "42"
    assert kernel.value("kept") == "42"


def test_the_work_of_dask_workers_that_ran_before_the_cell_counts(kernel: Kernel) -> None:
    start = (
        "from dask.distributed import Client, LocalCluster\n"
        "cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)\n"
        "client = Client(cluster)\n"
        "def work(path):\n"
        "    import pathlib, time\n"
        "    memory = b'x' * (100 << 20)\n"
        "    pathlib.Path(path).write_bytes(memory[: 5 << 20])\n"
        "    end = time.process_time() + 0.3\n"
        "    while time.process_time() < end: pass\n"
        "client.submit(abs, 1).result()\n"
    )
    assert kernel.run(start)[0]["status"] == "ok"
    assert kernel.run("%%measure -q -o cost\nclient.submit(work, 'written.bin').result()")[0]["status"] == "ok"
    assert kernel.run("client.close()\ncluster.close()")[0]["status"] == "ok"
    assert kernel.value("cost.cpu_seconds >= 0.29, cost.peak_memory_bytes > 95 << 20") == "(True, True)"
    assert kernel.value("cost.written_bytes is None or cost.written_bytes > 4 << 20") == "True"
