"""Run notebooks in fresh kernels, a few at a time, and measure what each one took."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from course.errors import BuildError
from course.publish.companions import copy_companions
from course.publish.lessons import Lesson, heading_above, read_notebook
from course.publish.portable import make_portable

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

KERNEL_NAME = "python3"
KERNEL_ARGUMENTS = ("--HistoryManager.hist_file=:memory:", "--log-level=ERROR")
SAMPLING_SECONDS = 0.05
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ERROR_LINE = re.compile(r"Cell In\s*\[\d+\], line (\d+)")


@dataclass(frozen=True)
class ExecutedNotebook:
    """A notebook with the outputs of a complete run.

    Attributes:
        notebook: the notebook.
        seconds: wall time of its cells, kernel start excluded.
        peak_bytes: most resident memory held at once by the kernel and its children, sampled every 50 ms.
    """

    notebook: NotebookNode
    seconds: float
    peak_bytes: int


@dataclass
class _Run:
    """What is known of a notebook while it runs."""

    lesson: Lesson
    folder: Path
    notebook: NotebookNode
    peak_bytes: int = 0
    cell_index: int = 0


def execute_notebooks(
    lessons: Sequence[Lesson],
    work: Path,
    *,
    data_files: Sequence[Path] = (),
    workers: int = 2,
    timeout: int | None = None,
    on_executed: Callable[[Lesson, ExecutedNotebook], None],
) -> None:
    """Execute notebooks, each in a copy of its folder under ``work``; the notebooks themselves are not touched.

    Args:
        lessons: the notebooks.
        work: folder of the copies; created, its content is the caller's to remove.
        data_files: files copied in the ``data/`` folder beside each notebook.
        workers: how many run at the same time.
        timeout: seconds a cell may last, or None for no limit.
        on_executed: called with each notebook as soon as it is done.

    Raises:
        BuildError: a cell failed or lasted too long, or a kernel died; the other kernels are stopped.
    """

    async def execute_one(lesson: Lesson, slots: asyncio.Semaphore) -> None:
        async with slots:
            run = _prepare(lesson, work, data_files)
            executed = await _execute(run, timeout)
        make_portable(executed.notebook, run.folder)
        shutil.rmtree(run.folder, ignore_errors=True)
        on_executed(lesson, executed)

    async def execute_all() -> None:
        slots = asyncio.Semaphore(workers)
        await _all_or_first_error([execute_one(lesson, slots) for lesson in lessons])

    _run_in_thread(execute_all)


def _prepare(lesson: Lesson, work: Path, data_files: Sequence[Path]) -> _Run:
    """Make the folder a lesson runs in: the lesson, the files beside it, and the data."""
    folder = work / f"{lesson.folder}-{lesson.name}"
    (folder / "data").mkdir(parents=True)
    copy_companions(lesson.path.parent, folder)
    shutil.copyfile(lesson.path, folder / lesson.path.name)
    for path in data_files:
        shutil.copy2(path, folder / "data" / path.name)
    return _Run(lesson, folder, read_notebook(lesson.path))


async def _all_or_first_error(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Wait for all; at the first failure, or if cancelled, stop the others and wait until they have stopped."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _run_in_thread(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine in a thread of its own: Ctrl-C comes here, not to nbclient's signal handlers."""
    # zmq cannot use the default loop of Windows
    loop = asyncio.SelectorEventLoop()
    tasks: list[asyncio.Task[Any] | None] = []

    async def cancellable() -> None:
        tasks.append(asyncio.current_task())
        await work()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner, suppress(asyncio.CancelledError):
            runner.run(cancellable())

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="kernels") as thread:
        done = thread.submit(run)
        try:
            done.result()
        except KeyboardInterrupt:
            for task in tasks:
                if task is not None:
                    loop.call_soon_threadsafe(task.cancel)
            raise


async def _execute(run: _Run, timeout: int | None) -> ExecutedNotebook:
    from nbclient import NotebookClient

    async with _kernel(run) as manager:
        client = NotebookClient(
            run.notebook,
            km=manager,
            timeout=timeout,
            record_timing=False,
            on_cell_start=lambda cell, cell_index: setattr(run, "cell_index", cell_index),  # noqa: ARG005
        )
        try:
            seconds = await _execute_cells(run, client)
        finally:
            if client.kc is not None:
                client.kc.stop_channels()
    return ExecutedNotebook(run.notebook, seconds, run.peak_bytes)


async def _execute_cells(run: _Run, client: NotebookClient) -> float:
    """Run the cells and return the seconds they took."""
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    await _connect(run, client)
    start = perf_counter()
    try:
        await client.async_execute()
    except CellExecutionError as error:
        raise BuildError(_failure(run, error)) from error
    except CellTimeoutError as error:
        raise BuildError(f"{_place(run)}: the cell lasted over {client.timeout} s; shorten it or allow more") from error
    except DeadKernelError as error:
        raise BuildError(
            f"{_place(run)}: the kernel died, for want of memory perhaps; run the cell in Jupyter"
        ) from error
    return perf_counter() - start


async def _connect(run: _Run, client: NotebookClient) -> None:
    try:
        await client.async_start_new_kernel_client()
    except RuntimeError as error:
        raise BuildError(f"{run.lesson.path.name}: the kernel does not start ({error}); check ipykernel") from error


@asynccontextmanager
async def _kernel(run: _Run) -> AsyncIterator[Any]:
    """Start a kernel of this Python in the lesson's folder, watch its memory, and stop it in every case."""
    from jupyter_client.manager import AsyncKernelManager

    manager = AsyncKernelManager(kernel_name=KERNEL_NAME)
    failed = True
    try:
        await manager.start_kernel(extra_arguments=list(KERNEL_ARGUMENTS), cwd=str(run.folder), env=_environment(run))
        # the provisioner of local kernels knows the process; its base class does not say so
        kernel: int = manager.provisioner.pid  # type: ignore[union-attr]
        watch = asyncio.create_task(_watch_memory(run, kernel))
        try:
            yield manager
            _sample_memory(run, kernel)
        finally:
            watch.cancel()
        failed = False
    finally:
        # a kernel in the middle of a cell does not answer a polite request to leave
        if manager.has_kernel:
            await manager.shutdown_kernel(now=failed)


def _environment(run: _Run) -> dict[str, str]:
    # the width of the terminal that builds must not show in outputs, nor the user's IPython start-up files
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return kept | {
        "BIGDATA_COURSE_PROGRESS": "off",
        "IPYTHONDIR": str(run.folder.parent / "ipython"),
        "JPY_SESSION_NAME": str(run.folder / run.lesson.path.name),
    }


async def _watch_memory(run: _Run, kernel: int) -> None:
    while True:
        _sample_memory(run, kernel)
        await asyncio.sleep(SAMPLING_SECONDS)


def _sample_memory(run: _Run, kernel: int) -> None:
    """Note the resident memory of a kernel and its children now; pages that they share count several times."""
    import psutil

    total = 0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(kernel)
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                total += one.memory_info().rss
    run.peak_bytes = max(run.peak_bytes, total)


def _place(run: _Run) -> str:
    heading = heading_above(run.notebook.cells, run.cell_index)
    under = f" under “{heading}”" if heading else ""
    return f"{run.lesson.path.name}, cell {run.cell_index + 1} of {len(run.notebook.cells)}{under}"


def _failure(run: _Run, error: Any) -> str:
    """Say on one line where a cell failed, the line of code and the error."""
    lines = run.notebook.cells[run.cell_index].source.splitlines()
    found = _ERROR_LINE.search(_ANSI.sub("", error.traceback))
    number = int(found[1]) if found else 0
    code = f", line {number}: {lines[number - 1].strip()}" if 0 < number <= len(lines) else ""
    message = (error.evalue.strip().splitlines() or [""])[0]
    return f"{_place(run)}{code} → {error.ename}: {message}"
