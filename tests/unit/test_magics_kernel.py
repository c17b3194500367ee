"""The magics in a real kernel: what a notebook, nbclient and nbval get from them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

ADDRESS = re.compile("0x[0-9a-f]{6,}")
ANSI = re.compile(r"\x1b\[[\d;]*m")

CELLS = [
    # what is raised
    "next(iter([]))",
    "raise StopAsyncIteration('x')",
    "raise GeneratorExit('g')",
    "print('before')\nraise SystemExit(3)",
    "import signal\nsignal.raise_signal(signal.SIGINT)",
    "class Stop(BaseException): pass\nraise Stop('now')",
    "raise ExceptionGroup('several', [ValueError('a'), KeyError('b')])",
    "print('first')\nx = = 3",
    "if True:\nprint(1)",
    "print('before')\nreturn 5",
    (
        "import threading\nclass Odd(OSError):\n    def __init__(self, a, *, b):\n        super().__init__('odd one')\n"
        "        self.lock = threading.Lock()\nraise Odd(1, b=2)"
    ),
    "class Odd(Exception):\n    def __init__(self, a): super().__init__(f'odd {a}')\nraise Odd(1)",
    "class Odd(Exception):\n    def __init__(self, a): self.a = a\n    __str__ = lambda odd: f'{odd.a}'\nraise Odd(1)",
    "try:\n    {}['key']\nexcept KeyError as error:\n    raise ValueError('v') from error",
    "error = ValueError('line one\\nline two')\nerror.add_note('a note')\nraise error",
    "open('/nowhere/file')",
    "def f():\n    return 1 / 0\n\nf()",
    "import asyncio\nasync with asyncio.timeout(0.01):\n    await asyncio.sleep(5)",
    "%nosuchmagic",
    # what is displayed
    "import warnings\n\nwarnings.warn('careful')",
    "x = 20\nx + 1 ; # nothing",
    "{'Paris': 90, 'Albi': 10}, {3, 1, 2}, 1j, '\"é\"'",
    "list(range(100_000))",
    "list(range(3_000_000))",
    "'x' * 2_000_000",
    "[object(), lambda: 1, int, print]",
    "from collections import namedtuple\nPoint = namedtuple('Point', 'x y')\nPoint(1, 2)",
    (
        "import pandas\npandas.set_option('display.max_rows', 4)\nframe = pandas.DataFrame({'a': range(100)})\n"
        "display(frame)\npandas.reset_option('display.max_rows')\nframe.style.set_uuid('u').highlight_max()"
    ),
    "class Odd:\n    def _repr_html_(self): raise ValueError('no html')\n    def __repr__(self): return 'Odd'\nOdd()",
    "class Odd:\n    def __repr__(self): raise ValueError('no text')\ndisplay(Odd())\nprint('after')\nOdd()",
    "class Own:\n    def _ipython_display_(self): print('shows itself')\nOwn()",
    "class Two:\n    def _repr_mimebundle_(_, **__): return {'text/plain': 't', 'text/latex': '$t$'}, {'a': {}}\nTwo()",
    "print('a')\nhandle = display('one', display_id='d')\nprint('b', end='')\nhandle.update('two')\nprint('c')\n7",
    "from IPython.display import clear_output, Markdown\nprint('a')\nclear_output(wait=True)\nMarkdown('**b**')",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('a')\nplt.show()\nax = plt.figure().gca()\nax",
    "import sys\nprint('a\\rb\\x1e', end='')\nprint('e', file=sys.stderr)",
    # what is awaited
    "import asyncio\ntask = asyncio.create_task(asyncio.sleep(0.05, 3))\nawait asyncio.sleep(0)\nawait task",
    (
        "import asyncio\nasync def f(): return asyncio.get_running_loop() is loop\nloop = asyncio.get_running_loop()\n"
        "task = asyncio.ensure_future(f())\ntask.done()"
    ),
    "async def count():\n    for i in range(3): yield i\nasync for i in count(): print(i)\n[i async for i in count()]",
    # what is Python's, and IPython's
    "from __future__ import annotations\ndef f(x: no): pass\nimport inspect\ninspect.getsource(f), f.__annotations__",
    (
        "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += 1; return n\n    return inner\n"
        "def g():\n    global made\n    made = outer()\ng()\nmade(), 'outer' in globals(), __name__"
    ),
    "+".join(["1"] * 800),
    "n" * 244 + " = ﬁ = 1\nfi + " + "n" * 244,
    "# the kernel's get_ipython() is no magic\n'%time and !ls and get_ipython()'",
    "if True:\n    words = %sx echo a b\n!echo it\\'s\nwords",
    "%%measure -q\n6 * 7",
    "%%capture out\nprint('hidden')",
    "len?",
]


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

    def shown(self, code: str) -> dict[str, Any]:
        """Run a cell; return what a reader sees: how it ended, each output in its order, the lines that failed."""
        reply, messages = self.run(code)
        outputs: list[Any] = []
        texts, lines = {"stdout": "", "stderr": ""}, set()
        for one in messages:
            if "name" in one:
                texts[one["name"]] += one["text"]
                if one["name"] == "stdout" and (not outputs or outputs[-1] != "text"):
                    outputs.append("text")
            elif "ename" in one:
                outputs.append((one["ename"], one["evalue"]))
                lines |= set(
                    re.findall(r"Cell In\[\d+\](?:, |\", )line (\d+)", ANSI.sub("", "".join(one["traceback"])))
                )
            elif "code" not in one:
                outputs.append(one.get("data", one))
        ended = reply["status"], reply.get("ename"), reply.get("evalue"), len(reply.get("payload", []))
        seen = {"ended": ended, "outputs": ADDRESS.sub("0x", repr(outputs)), **texts, "lines": lines}
        # IPython says how to leave at the first exit only; Python writes groups of exceptions, with every frame
        is_like_a_cell = not {"SystemExit", "ExceptionGroup"} & set(ended)
        return seen if is_like_a_cell else seen | {"stderr": ""}

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


@pytest.fixture(scope="module")
def bare(kernel: Kernel) -> dict[str, dict[str, Any]]:
    """What the cells show without a magic."""
    return {cell: kernel.shown(cell) for cell in CELLS}


@pytest.mark.parametrize("magic", ["%%measure -q", "%%memory_cap 400MiB -q"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_magic_runs_the_body_as_a_cell(
    kernel: Kernel, bare: dict[str, dict[str, Any]], magic: str, cell: str
) -> None:
    seen, expected = kernel.shown(f"{magic}\n{cell}"), bare[cell]
    # the traceback begins with the line of the magic
    assert expected["lines"] <= seen["lines"]
    assert seen | {"lines": None} == expected | {"lines": None}


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
