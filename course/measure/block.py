"""``measure``: the cost of a block of code, as a context manager or a decorator."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, overload

from course.errors import BadArgumentError
from course.measure.measurement import Measurement
from course.measure.records import Ledger
from course.measure.sampler import Watch, sampler

P = ParamSpec("P")
R = TypeVar("R")

ledger = Ledger()
"""Where measures are recorded unless another ledger is named."""
_DEFAULT = ledger


class Block:
    """Measures what runs inside ``with``, or every call of the function it decorates."""

    def __init__(self, label: str | None, into: Ledger | None) -> None:
        self._label = label
        self._ledger = into
        self._measurement: Measurement | None = None
        self._watch: Watch
        self._started: float
        self._cpu_before: float

    def __enter__(self) -> Measurement:
        if self._measurement is not None:
            raise BadArgumentError("this block is being measured already; call measure() once for each block")
        self._measurement = Measurement(self._label or self._numbered_label())
        self._watch = sampler.start()
        self._cpu_before = time.process_time()
        self._started = time.perf_counter()
        return self._measurement

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        elapsed, cpu_seconds = time.perf_counter() - self._started, time.process_time() - self._cpu_before
        measurement, self._measurement = self._measurement, None
        if measurement is None:
            return
        measurement.wall_seconds = elapsed
        measurement.failed = kind is not None
        measurement.error = _describe(kind, error)
        consumed = sampler.stop(self._watch)
        if consumed is not None:
            measurement.cpu_seconds = cpu_seconds + consumed.descendants_cpu_seconds
            measurement.read_bytes = consumed.read_bytes
            measurement.written_bytes = consumed.written_bytes
            measurement.peak_memory_bytes = self._watch.peak_bytes
        if self._ledger is not None:
            self._ledger.append(measurement)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return ``function`` measured at every call, under its own name unless a label was given.

        Raises:
            BadArgumentError: it is a generator, which runs in pieces and between them somebody else does.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise BadArgumentError(f"{function.__qualname__} is a generator; measure the loop that runs through it")
        label = self._label or getattr(function, "__qualname__", None)
        return (
            _measured_coroutine(function, self._again(label))
            if inspect.iscoroutinefunction(function)
            else (_measured_function(function, self._again(label)))
        )

    def _again(self, label: str | None) -> Callable[[], Self]:
        return functools.partial(type(self), label, self._ledger)

    def _numbered_label(self) -> str:
        return "block" if self._ledger is None else f"block {len(self._ledger) + 1}"


def _measured_function(function: Callable[P, R], block: Callable[[], Block]) -> Callable[P, R]:
    @functools.wraps(function)
    def measured(*args: P.args, **kwargs: P.kwargs) -> R:
        with block():
            return function(*args, **kwargs)

    return measured


def _measured_coroutine(function: Callable[P, Any], block: Callable[[], Block]) -> Callable[P, Any]:
    @functools.wraps(function)
    async def measured(*args: P.args, **kwargs: P.kwargs) -> Any:
        with block():
            return await function(*args, **kwargs)

    return measured


def _describe(kind: type[BaseException] | None, error: BaseException | None) -> str:
    if kind is None:
        return ""
    message = str(error).strip().partition("\n")[0]
    return f"{kind.__name__}: {message}" if message else kind.__name__


@overload
def measure(label: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def measure(label: str | None = None, *, ledger: Ledger | None = None, record: bool = True) -> Block: ...
def measure(
    label: str | Callable[P, R] | None = None, *, ledger: Ledger | None = None, record: bool = True
) -> Block | Callable[P, R]:
    """Measure a block of code, or every call of a function.

        with measure("pandas") as m:
            frame = pandas.read_csv(path)
        print(m)  # pandas: 1.23 s wall, 1.20 s CPU, +310 MiB peak, 15.5 MiB read, 0 B written

        @measure
        def chunks(): ...

    Children of this process count, whether they still run at the end or not (dask workers on this machine, too, if
    this process started them), as do all its threads: in a busy process, what the others do meanwhile is counted.
    Memory that an allocator kept from before is not above the start and does not count.
    An exception is recorded, and raised as ever. A figure that the platform cannot give is None.

    Args:
        label: the name of what is measured; by default the function's name or a number.
        ledger: where to record it; by default ``course.measure.ledger``.
        record: whether to record it at all.
    """
    if callable(label):
        return Block(None, _DEFAULT)(label)
    into = (_DEFAULT if ledger is None else ledger) if record else None
    return Block(label, into)
