"""Measure a function in processes of their own: what this one holds, or has freed and kept, makes no difference."""

from __future__ import annotations

import dis
import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from course.carried import dump_error, load_error
from course.errors import BadArgumentError, CourseError
from course.files import temporary_folder
from course.measure.measurement import Measurement, median_of
from course.measure.measuring import ledger, measure

_KILLED = -9  # the signal KILL, which the system sends to what takes too much memory
_PROGRAM = "import sys; sys.path[:] = sys.argv[3:]; from course.measure.fresh import perform; perform(*sys.argv[1:3])"


class FreshRun(NamedTuple):
    """One run in a process of its own: its cost, the seconds that imports took before, its value, its error."""

    measurement: Measurement
    import_seconds: float = 0.0
    value: Any = None
    error: BaseException | None = None


def measure_fresh(label: str, function: Callable[..., Any], *arguments: Any, repeat: int = 3) -> Measurement:
    """Run a function in new processes, one after the other, and return the median of what they cost.

        measure_fresh("pandas", answer_with_pandas, path)  # %measures --summary shows it with the others

    The libraries that it uses are imported before the measure begins. The function, and those of the notebook that it
    calls, go to the process with the variables that they name; open files and connections cannot. Its value stays
    there.

    Args:
        label: the name in the ledger, which gets each run.
        function: what is measured.
        *arguments: what it is called with.
        repeat: how many processes.

    Raises:
        BadArgumentError: the function cannot go to another process, or ``repeat`` is less than 1.
        CourseError: its process was killed.
        Exception: what the function raised.
    """
    if repeat < 1:
        raise BadArgumentError(f"repeat={repeat}: it must run at least once")
    runs = []
    for _ in range(repeat):
        run = run_fresh(label, function, *arguments)
        ledger.append(run.measurement)
        runs.append(run.measurement)
        if run.error is not None:
            raise run.error
    return median_of(runs)


def run_fresh(
    label: str,
    function: Callable[..., Any],
    *arguments: Any,
    modules: Iterable[str] = (),
    words: Iterable[str] = (),
    keep: bool = False,
    timeout: float | None = None,
) -> FreshRun:
    """Run a function once in a new process; what went wrong there is in the result.

    ``modules`` are imported beforehand, too; ``words`` are put before the command, and may cap it; the value comes back
    if it is to be kept; ``timeout`` is in seconds.

    Raises:
        BadArgumentError: the function cannot go to another process.
    """
    with temporary_folder() as folder:
        task, result = folder / "task", folder / "result"
        task.write_bytes(_pickled(label, function, arguments, [*modules, *_imported(function)], keep))
        command = [*words, sys.executable, "-c", _PROGRAM, str(task), str(result), *sys.path]
        environment = os.environ | {"BIGDATA_COURSE_PROGRESS": "off"}
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, env=environment, check=False
            )
        except subprocess.TimeoutExpired:
            return _died(label, f"was stopped after {timeout:.0f} s")
        if done.returncode:
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
            if done.returncode == _KILLED:
                return _died(label, "was killed")
            return _died(label, f"ended with code {done.returncode}{': '.join(['', *lines[-1:]])}")
        measurement, import_seconds, value, error = pickle.loads(result.read_bytes())  # noqa: S301
    return FreshRun(measurement, import_seconds, value, load_error(*error) if error else None)


def perform(task: str, result: str) -> None:
    """Do the task of ``run_fresh`` in the process made for it, and write what came of it."""
    start = perf_counter()
    # this imports what the function refers to
    label, function, arguments, modules, loaded, keep = pickle.loads(Path(task).read_bytes())  # noqa: S301
    for name in modules:
        _import(name)
    # pandas imports pyarrow.parquet when a file is first read, and others do likewise
    packages = {name.partition(".")[0] for name in sys.modules}
    for name in loaded:
        if name.partition(".")[0] in packages:
            _import(name)
    import_seconds = perf_counter() - start
    value = error = None
    try:
        with measure(label, record=False) as cost:
            value = function(*arguments)
    except Exception as raised:  # noqa: BLE001
        error = dump_error(raised)
    Path(result).write_bytes(_dumps((cost, import_seconds, value if keep else None, error)))


def _import(name: str) -> None:
    # if the function needs it, it says so itself
    with suppress(ImportError):
        importlib.import_module(name)


def _pickled(
    label: str, function: Callable[..., Any], arguments: tuple[Any, ...], modules: list[str], keep: bool
) -> bytes:
    try:
        return _dumps((label, function, arguments, modules, sorted(sys.modules), keep))
    except (TypeError, ValueError, AttributeError, pickle.PicklingError) as error:
        name = getattr(function, "__name__", "the function")
        raise BadArgumentError(
            f"{name} cannot go to another process ({error}): open files and connections inside it"
        ) from error


def _dumps(value: Any) -> bytes:
    import cloudpickle  # type: ignore[import-untyped, unused-ignore]

    return bytes(cloudpickle.dumps(value))


def _died(label: str, how: str) -> FreshRun:
    error = CourseError(f"the process of {label} {how}")
    return FreshRun(Measurement(label, failed=True, error=f"CourseError: {error}"), error=error)


def _imported(function: Callable[..., Any]) -> Iterator[str]:
    """Yield the modules that a function, or one of the notebook that it calls, imports when it runs."""
    to_see: list[Any] = [function]
    seen: set[int] = set()
    while to_see:
        found = to_see.pop()
        code = getattr(found, "__code__", found)
        if not isinstance(code, CodeType) or id(code) in seen:
            continue
        seen.add(id(code))
        yield from (step.argval for step in dis.get_instructions(code) if step.opname == "IMPORT_NAME")
        to_see += code.co_consts
        if isinstance(found, FunctionType):
            called = (found.__globals__.get(name) for name in code.co_names)
            to_see += [one for one in called if getattr(one, "__module__", "") == "__main__"]
