"""Run notebooks in fresh kernels, a few at a time, and measure what each one took."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sysconfig
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from course.errors import BuildError
from course.measure import process_tree_memory
from course.optional import left_out
from course.publish.lessons import Lesson, copy_companions, heading_above, read_notebook

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ERROR_LINE = re.compile(r"Cell In\s*\[\d+\], line (\d+)")
# IPython compiles a cell under a name made of its process number and a hash
_CELL_FILE = re.compile(r"[^\s\"'<>()]*ipykernel_\d+[/\\]+\d+\.py")
_BASE_64 = re.compile(r"image/(?!svg)|application/pdf|audio/|video/")


@dataclass(frozen=True)
class ExecutedNotebook:
    """A notebook with the outputs of a complete run.

    Attributes:
        notebook: the notebook; its outputs name no folder and no process of this machine.
        seconds: wall time of its cells, kernel start excluded.
        peak_bytes: most resident memory held at once by the kernel and its children, sampled every 50 ms.
    """

    notebook: NotebookNode
    seconds: float
    peak_bytes: int


def execute_notebooks(
    lessons: Sequence[Lesson],
    work: Path,
    data_files: Sequence[Path] = (),
    *,
    workers: int = 2,
    timeout: int | None = None,
    on_executed: Callable[[Lesson, ExecutedNotebook], None],
) -> None:
    """Execute notebooks, each in a fresh kernel and a copy of its folder; the notebooks themselves are not touched.

    Args:
        lessons: the notebooks.
        work: folder of the copies; created, its content is the caller's to remove.
        data_files: files copied in the ``data/`` folder beside each notebook.
        workers: how many run at the same time.
        timeout: seconds a cell may last, or None for no limit.
        on_executed: called with each notebook as soon as it is done.

    Raises:
        BuildError: a file is not a notebook, or one of another language, a cell failed or lasted too long, or a kernel
            died; the others stop.
    """
    for lesson in lessons:
        if lesson.language:
            raise BuildError(
                f"{lesson.path.name} is a notebook of {lesson.language}, and lessons run in Python; choose a Python "
                "kernel in Jupyter and save it, or publish the outputs it has with --no-execute"
            )

    async def execute_one(lesson: Lesson, slots: asyncio.Semaphore) -> None:
        async with slots:
            folder = work / lesson.folder / lesson.name
            (folder / "data").mkdir(parents=True)
            for path in data_files:
                shutil.copy2(path, folder / "data" / path.name)
            copy_companions(lesson.path.parent, folder)
            executed = await _execute(Path(shutil.copy(lesson.path, folder)), timeout)
            on_executed(lesson, executed)  # which may look at what the lesson wrote
            shutil.rmtree(folder, ignore_errors=True)

    async def execute_all() -> None:
        slots = asyncio.Semaphore(workers)
        async with asyncio.TaskGroup() as group:
            for lesson in lessons:
                group.create_task(execute_one(lesson, slots))

    try:
        # zmq cannot use the default loop of Windows
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(execute_all())
    except ExceptionGroup as group:
        # the first failure, which stopped the others
        raise group.exceptions[0] from group


async def _execute(path: Path, timeout: int | None) -> ExecutedNotebook:
    from nbclient import NotebookClient

    notebook = read_notebook(path)
    async with _kernel(path) as (manager, memory):
        client = NotebookClient(notebook, km=manager, timeout=timeout, record_timing=False)
        try:
            seconds = await _execute_cells(client, path.name)
        finally:
            if client.kc is not None:
                client.kc.stop_channels()
    _make_portable(notebook, path.parent)
    return ExecutedNotebook(notebook, seconds, max(memory))


async def _execute_cells(client: NotebookClient, name: str) -> float:
    """Run the cells of the notebook of this file name, and return the seconds they took."""
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    cells, index = client.nb.cells, 0

    def place() -> str:
        heading = heading_above(cells, index)
        return f"{name}, cell {index + 1} of {len(cells)}{f' under “{heading}”' if heading else ''}"

    try:
        kernel = await client.async_start_new_kernel_client()
    except RuntimeError as error:
        raise BuildError(f"{name}: the kernel does not start ({error}); check ipykernel") from error
    # not the client's own loop over the cells: it would take over Ctrl-C
    client.reset_execution_trackers()
    told = await client.async_wait_for_reply(kernel.kernel_info())
    client.nb.metadata["language_info"] = told["content"]["language_info"] if told else {}
    start = perf_counter()
    try:
        for index, cell in enumerate(cells):
            await _execute_cell(client, cell, index)
    except CellExecutionError as error:
        raise BuildError(f"{place()}{_failure(cells[index], error)}") from error
    except CellTimeoutError as error:
        raise BuildError(f"{place()}: the cell lasted over {client.timeout} s; shorten it or allow more") from error
    except DeadKernelError as error:
        task = asyncio.current_task()
        if task and task.cancelling():
            # what nbclient says of every cancellation, Ctrl-C included
            raise asyncio.CancelledError from error
        raise BuildError(f"{place()}: the kernel died, for want of memory perhaps; run the cell in Jupyter") from error
    seconds = perf_counter() - start
    client.set_widgets_metadata()
    return seconds


async def _execute_cell(client: NotebookClient, cell: NotebookNode, index: int) -> None:
    """Run a cell, or say in its output that it needs a library that is not here."""
    from nbformat.v4 import new_output

    if cell.cell_type == "code" and (said := left_out(cell.metadata.get("tags", []))):
        cell.outputs = [new_output("stream", text=f"{said}\n")]  # type: ignore[no-untyped-call]
        cell.execution_count = None
    else:
        await client.async_execute_cell(cell, index, execution_count=client.code_cells_executed + 1)


def _failure(cell: NotebookNode, error: Any) -> str:
    lines = cell.source.splitlines()
    found = _ERROR_LINE.search(_ANSI.sub("", error.traceback))
    number = int(found[1]) if found else 0
    code = f", line {number}: {lines[number - 1].strip()}" if 0 < number <= len(lines) else ""
    message = (error.evalue.strip().splitlines() or [""])[0]
    return f"{code} → {error.ename}: {message}"


@asynccontextmanager
async def _kernel(path: Path) -> AsyncIterator[tuple[Any, list[int]]]:
    """Start a kernel of this Python in a notebook's folder, sample its memory in bytes, and stop it in every case."""
    from jupyter_client.manager import AsyncKernelManager

    # the width of the terminal that builds must not show in outputs, nor the user's IPython start-up files
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    environment |= {"BIGDATA_COURSE_PROGRESS": "off", "IPYTHONDIR": str(path.parent / ".ipython")}
    environment["JPY_SESSION_NAME"] = str(path)
    arguments = ["--HistoryManager.hist_file=:memory:", "--log-level=ERROR"]
    manager = AsyncKernelManager(kernel_name="python3")
    memory: list[int] = []
    failed = True
    try:
        await manager.start_kernel(extra_arguments=arguments, cwd=str(path.parent), env=environment)
        # the provisioner of local kernels knows the process; its base class does not say so
        kernel: int = manager.provisioner.pid  # type: ignore[union-attr]

        async def watch_memory() -> None:
            while True:
                memory.append(process_tree_memory(kernel))
                await asyncio.sleep(0.05)

        watch = asyncio.create_task(watch_memory())
        try:
            yield manager, memory
            memory.append(process_tree_memory(kernel))
        finally:
            watch.cancel()
        failed = False
    finally:
        # a kernel in the middle of a cell does not answer a polite request to leave
        if manager.has_kernel:
            await manager.shutdown_kernel(now=failed)


def _make_portable(notebook: NotebookNode, work: Path) -> None:
    """Replace, in the outputs of a notebook, the folders of this machine by what they are to a reader."""
    paths = sysconfig.get_paths()
    known = {work: ".", Path(paths["purelib"]): "site-packages", Path(paths["platlib"]): "site-packages"}
    known |= {Path(paths["stdlib"]): "python", Path(__file__).parents[2]: "bigdata-course", Path.home(): "~"}
    temporary = Path(tempfile.gettempdir())
    # everybody's /tmp says nothing of this machine
    known |= {temporary: "temporary"} if temporary != Path("/tmp") else {}  # noqa: S108
    names = {spelling: name for path, name in known.items() for spelling in _spellings(path)}
    deepest_first = sorted(names, key=len, reverse=True)
    # not within an address, nor at the end of another folder: a path begins after no letter, or after a colour or \\n
    folders = re.compile(
        r"(?:https?://|data:)[^\s\"'<>()]+|(?P<before>\x1b\[[\d;]*m|\\[nrt]|(?<![\w.\]-]))(?P<folder>"
        + "|".join(map(re.escape, deepest_first))
        + r")(?![\w.-])"
    )

    def named(found: re.Match[str]) -> str:
        return found["before"] + names[found["folder"]] if found["folder"] else found[0]

    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            return folders.sub(named, _CELL_FILE.sub("cell", value))
        if isinstance(value, list):
            return [cleaned(item) for item in value]
        if isinstance(value, dict):
            # what is in base 64 is left as it is
            return type(value)((key, item if _BASE_64.match(key) else cleaned(item)) for key, item in value.items())
        return value

    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.update(
                {key: cleaned(output[key]) for key in ("text", "evalue", "traceback", "data") if key in output}
            )


def _spellings(path: Path) -> Iterator[str]:
    """Yield the ways a folder is written: native, with slashes, escaped in a string, under ``~`` as IPython does."""
    for one in (path, path.resolve()):
        if one == Path(one.anchor):
            continue
        yield from (str(one), one.as_posix(), json.dumps(str(one))[1:-1])
        if one.is_relative_to(Path.home()) and one != Path.home():
            yield from (f"~/{one.relative_to(Path.home()).as_posix()}", str(Path("~") / one.relative_to(Path.home())))
