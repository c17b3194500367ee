"""A block's cost is what it used: its time, its memory, its bytes, its children's, and nothing of anybody else's."""

from __future__ import annotations

import ctypes
import gc
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent
from typing import Any

import psutil
import pytest

from course.measure import Ledger, Measurement, measure, process_tree_memory
from course.measure import measuring as sampling
from course.measure.readers import PsutilReader, process_reader

MEBIBYTE = 2**20
SPIKE = 100 * MEBIBYTE
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the figure is exact on Linux only")
tells_bytes = pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not tell")


def can_fork(test: Callable[..., None]) -> Callable[..., None]:
    quiet = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    return pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")(quiet(test))


def trim() -> None:
    """Give back to the system what was freed: a spike served from it would not be seen, and rightly so."""
    gc.collect()
    if sys.platform == "linux":
        getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)(0)


def spike(size: int = SPIKE, seconds: float = 0.05) -> None:
    memory = b"x" * size
    time.sleep(seconds)
    del memory
    trim()


def run_child(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


@contextmanager
def child_of(code: str) -> Iterator[tuple[Any, Callable[[], None]]]:
    """Give a child that has printed its first line, and what lets it read a line and waits for what it prints next."""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as child:

        def go_on() -> None:
            child.stdin.write(b"\n")
            child.stdout.readline()

        child.stdout.readline()
        yield child, go_on


SPIKE_CODE = f"import time; memory = b'x' * {SPIKE}; time.sleep(0.05); del memory; time.sleep(0.2)"
HOLD_CODE = f"memory = b'x' * {SPIKE}; print(flush=True); input()"
PARENT_CODE = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPIKE_CODE!r}])"
BURN_CODE = "import time\nwhile time.process_time() < 0.3: pass"


def wait_until(is_true: Callable[[], bool]) -> None:
    """Wait for a condition, however busy the machine is."""
    deadline = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def in_threads(number: int, block: Callable[[], None]) -> None:
    threads = [threading.Thread(target=block) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture(scope="module", autouse=True)
def _what_is_here_is_no_garbage() -> None:
    """Leave what tests before have imported out of the many collections of this file: each would look at all of it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _nothing_free_and_no_block_left_open() -> Iterator[None]:
    trim()
    yield
    assert sampling.sampler._watches == []


def peak(block: Measurement) -> int:
    assert block.peak_memory_bytes is not None
    return block.peak_memory_bytes


def test_wall_time_counts_sleep_and_cpu_time_does_not() -> None:
    with measure(record=False) as m:
        time.sleep(0.2)
    assert m.wall_seconds >= 0.2
    assert m.cpu_seconds < 0.15


def test_cpu_time_counts_every_thread_and_a_child_that_ended() -> None:
    with measure(record=False) as m:
        in_threads(3, lambda: burn(0.1))
    assert m.cpu_seconds >= 0.29
    with measure(record=False) as m:
        run_child(BURN_CODE)
    assert m.cpu_seconds >= 0.29


def test_cpu_time_counts_a_child_that_still_runs_and_only_since_the_start() -> None:
    code = "import time\nwhile time.process_time() < 0.4: pass\nprint(flush=True)\nwhile True: pass"
    with child_of(code) as (child, _):
        process = psutil.Process(child.pid)
        enough = sum(process.cpu_times()[:2]) + 0.1
        with measure(record=False) as live:
            wait_until(lambda: sum(process.cpu_times()[:2]) >= enough)
        with measure(record=False) as killed:
            child.kill()
            child.wait()
    # Counting from the start of the child would add at least 0.4 s.
    assert 0.05 < live.cpu_seconds < live.wall_seconds + 0.1
    assert killed.cpu_seconds < killed.wall_seconds + 0.1


def test_a_spike_of_50_ms_is_seen() -> None:
    with measure(record=False) as m:
        spike()
    assert 0.95 * SPIKE <= peak(m) <= 1.2 * SPIKE


@pytest.mark.parametrize(("code", "most"), [(SPIKE_CODE, 1.5), (PARENT_CODE, 1.7)], ids=["child", "grandchild"])
def test_a_spike_of_50_ms_in_a_descendant_is_seen(code: str, most: float) -> None:
    with measure(record=False) as m:
        run_child(code)
    assert 0.95 * SPIKE <= peak(m) <= most * SPIKE


@on_linux
def test_a_child_that_is_still_its_parents_memory_is_not_counted_twice(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    # posix_spawn shares the memory until the new program starts, and opens the files before: this one has no writer yet
    code = (
        f"import os, sys; data = b'x' * {SPIKE}; actions = [(os.POSIX_SPAWN_OPEN, 0, {str(fifo)!r}, os.O_RDONLY, 0)];"
        "os.waitpid(os.posix_spawn(sys.executable, [sys.executable, '-c', ''], os.environ, file_actions=actions), 0)"
    )
    with measure(record=False) as m:
        child = subprocess.Popen([sys.executable, "-c", code])
        wait_until(lambda: bool(psutil.Process(child.pid).children()))
        time.sleep(0.1)
        with fifo.open("w"):
            child.wait()
    assert SPIKE <= peak(m) <= 1.5 * SPIKE


@on_linux
def test_a_spike_that_never_lets_the_sampling_thread_run_is_seen_every_time() -> None:
    for size in (SPIKE, SPIKE // 2):
        trim()
        with measure(record=False) as m:
            len(b"x" * size)
        assert 0.95 * size <= peak(m) <= 1.2 * size


def test_memory_taken_before_the_block_does_not_count() -> None:
    spike(2 * SPIKE, 0)
    held = b"x" * SPIKE
    with measure(record=False) as m:
        spike(64 * MEBIBYTE)
    del held
    assert 60 * MEBIBYTE <= peak(m) <= 100 * MEBIBYTE


def test_memory_that_a_child_held_before_the_block_does_not_count() -> None:
    with child_of(HOLD_CODE) as (_, go_on):
        with measure(record=False) as m:
            time.sleep(0.05)
        go_on()
    assert peak(m) < 20 * MEBIBYTE


def test_nested_blocks_each_have_their_own_peak() -> None:
    with measure(record=False) as whole:
        with measure(record=False) as outer:
            spike(40 * MEBIBYTE)
            with measure(record=False) as inner:
                spike()
        with measure(record=False) as later:
            spike(40 * MEBIBYTE)
        with measure(record=False) as nothing:
            time.sleep(0.02)
    for one in (whole, outer, inner):
        assert 0.95 * SPIKE <= peak(one) <= 1.2 * SPIKE
    assert 35 * MEBIBYTE <= peak(later) <= 60 * MEBIBYTE
    assert peak(nothing) < 10 * MEBIBYTE


@can_fork
@on_linux
def test_pages_shared_with_a_forked_child_count_once() -> None:
    held = b"x" * (3 * SPIKE)
    ready, end = os.pipe(), os.pipe()
    with measure(record=False) as m:
        child = os.fork()
        if child == 0:
            own = b"x" * (64 * MEBIBYTE)
            os.write(ready[1], own[:1])
            os.read(end[0], 1)
            os._exit(0)
        os.read(ready[0], 1)
        # the child holds it when the block ends, which takes a last sample
    os.write(end[1], b"x")
    os.waitpid(child, 0)
    for descriptor in (*ready, *end):
        os.close(descriptor)
    del held
    # counted twice, what was held would make 364 MiB; counting references copies some pages of the test process
    assert 60 * MEBIBYTE <= peak(m) <= 2.5 * SPIKE


@can_fork
def test_a_forked_child_measures_its_own_blocks_and_cannot_end_its_parents(tmp_path: Path) -> None:
    report = tmp_path / "report"
    with measure(record=False) as outer:
        child = os.fork()
        if child == 0:
            with measure(record=False) as inner:
                spike(64 * MEBIBYTE)  # above 32 MiB, malloc cannot serve it from memory that earlier tests left free
            report.write_text(f"{inner.peak_memory_bytes} {sampling.sampler._watches}")
            os._exit(0)
        os.waitpid(child, 0)
    inner_peak, watches = report.read_text().split()
    assert 60 * MEBIBYTE <= int(inner_peak) <= 100 * MEBIBYTE
    assert watches == "[]"
    assert outer.peak_memory_bytes is not None


@can_fork
def test_a_block_entered_by_the_parent_and_left_by_a_forked_child_has_no_invented_figure(tmp_path: Path) -> None:
    report, child = tmp_path / "report", 0
    with measure(record=False) as m:
        child = os.fork()
    if child == 0:
        report.write_text(str(m).partition("wall, ")[2])
        os._exit(0)
    os.waitpid(child, 0)
    assert report.read_text() == "n/a CPU, n/a peak, n/a read, n/a written"


@tells_bytes
def test_bytes_are_those_the_program_reads_and_writes(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x" * MEBIBYTE)
    with measure(record=False) as m:
        target.write_bytes(source.read_bytes()[: MEBIBYTE // 2])
    assert m.read_bytes in range(MEBIBYTE, MEBIBYTE + 4096)
    assert m.written_bytes in range(MEBIBYTE // 2, MEBIBYTE // 2 + 4096)


@tells_bytes
def test_bytes_of_a_child_count_while_it_runs_and_once_it_ended_and_only_since_the_start(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * MEBIBYTE)
    code = (
        f"read = lambda: open({str(source)!r}, 'rb', 0).read(); read(); read(); print(flush=True)\n"
        "input(); read(); print(flush=True); input(); read()"
    )
    with child_of(code) as (child, go_on):
        with measure(record=False) as live:
            go_on()
        with measure(record=False) as ended:
            go_on()
            child.wait()
    assert live.read_bytes in range(MEBIBYTE, MEBIBYTE + 2**19)
    assert ended.read_bytes in range(MEBIBYTE, MEBIBYTE + 2**19)


@on_linux
def test_measuring_itself_reads_and_writes_nothing() -> None:
    # In a process of its own: a test runner may talk to others meanwhile.
    run_child(
        "import time\nfrom course.measure import measure\n"
        "with measure() as m, measure():\n    time.sleep(0.1)\n"
        "assert (m.read_bytes, m.written_bytes) == (0, 0), m"
    )


def test_an_exception_is_recorded_and_raised_and_record_false_leaves_no_record() -> None:
    records = Ledger()
    with pytest.raises(ZeroDivisionError), measure("division", ledger=records) as m:
        _ = 1 / 0
    assert m.failed
    assert list(records) == [m]
    assert str(m).endswith(", failed: ZeroDivisionError: division by zero")
    with measure("silent", ledger=records, record=False):
        pass
    assert len(records) == 1


@pytest.mark.parametrize("kind", [StopIteration, StopAsyncIteration, GeneratorExit, KeyboardInterrupt, SystemExit])
def test_every_kind_of_exception_leaves_the_block_as_it_is(kind: type[BaseException]) -> None:
    error = kind("why\nfurther")
    with pytest.raises(kind) as caught, measure(record=False) as outer, measure(record=False) as inner:
        raise error
    assert caught.value is error
    assert inner.error == outer.error == f"{kind.__name__}: why"


def test_an_exception_without_text_is_still_that_exception() -> None:
    class SilentError(Exception):
        def __str__(self) -> str:
            raise ValueError("no text")

    with pytest.raises(SilentError), measure(record=False) as m:
        raise SilentError
    assert m.error == "SilentError: <exception str() failed>"


def test_figures_are_never_negative_whatever_is_given_back_and_in_whatever_order_blocks_end() -> None:
    held = [b"x" * SPIKE]
    with child_of(HOLD_CODE) as (child, go_on):
        outer = measure(record=False)
        first = outer.__enter__()
        with measure(record=False) as second:
            held.clear()
            trim()
            go_on()
            child.wait()
            outer.__exit__(None, None, None)
    for m in (first, second):
        assert peak(m) >= 0
        assert m.cpu_seconds >= 0
        assert min(m.read_bytes or 0, m.written_bytes or 0) >= 0
    assert peak(second) < SPIKE // 2


def test_blocks_in_many_threads_are_all_right_at_once() -> None:
    records = Ledger()

    def block() -> None:
        for _ in range(20):
            with measure("thread", ledger=records):
                time.sleep(0.002)

    in_threads(8, block)
    assert len(records) == 160
    assert not any(m.failed or math.isnan(m.cpu_seconds) for m in records)


def test_one_thread_samples_for_all_and_ends_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_IDLE_SECONDS", 0.05)
    own = sampling.Sampler()
    before = set(threading.enumerate())  # some of them may end meanwhile
    watches = [own.start() for _ in range(10)]
    (thread,) = set(threading.enumerate()) - before
    assert thread is own._thread
    for watch in watches:
        own.stop(watch)
    thread.join(timeout=10)
    assert not thread.is_alive()
    own.stop(own.start())
    assert own._thread is not thread


MANY_BLOCKS = """
import sys, tracemalloc
from course.measure import measure

def blocks():
    for _ in range(300):
        with measure(record=False):
            pass

blocks()
tracemalloc.start()
kept = []
for _ in range(2):
    before = tracemalloc.get_traced_memory()[0]
    blocks()
    kept.append(tracemalloc.get_traced_memory()[0] - before)
# Python's own table of names doubles now and then
sys.exit(f"{kept} bytes are kept" if min(kept) >= 10_000 else 0)
"""


@pytest.mark.parametrize("has_child", [False, True])
def test_measuring_many_blocks_keeps_no_memory(*, has_child: bool) -> None:
    # in a process of its own: each block looks at every thread of its process
    child = "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    run_child(f"{child}\ntry:\n{indent(MANY_BLOCKS, '    ')}\nfinally:\n    child.kill()" if has_child else MANY_BLOCKS)


def test_importing_measure_loads_nothing_heavy() -> None:
    heavy = "{'pandas', 'numpy', 'matplotlib', 'IPython', 'psutil'}"
    run_child(f"import sys, course.measure; found = {heavy} & set(sys.modules); sys.exit(str(found) if found else 0)")


@on_linux
def test_memory_is_counted_in_bytes_of_this_process_and_its_descendants() -> None:
    with child_of(HOLD_CODE) as (child, go_on):
        own, of_child = (psutil.Process(pid).memory_info().rss for pid in (os.getpid(), child.pid))
        # whatever ran before in this process may have left it a child, such as a tracker of multiprocessing
        of_children = sum(one.memory_info().rss for one in psutil.Process().children(recursive=True))
        resident = process_reader().resident()
        assert process_tree_memory(child.pid) == of_child > SPIKE
        assert process_tree_memory(os.getpid()) == pytest.approx(own + of_children, rel=0.005)
        go_on()
    assert resident == (pytest.approx(own, rel=0.005), pytest.approx(of_children, rel=0.005))
    assert process_tree_memory(child.pid) == 0


def test_psutil_alone_sees_a_spike_in_this_process_and_in_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "process_reader", PsutilReader)
    own = sampling.Sampler()
    watch = own.start()
    spike()
    own.stop(watch)
    assert 0.95 * SPIKE <= watch.peak_bytes <= 1.2 * SPIKE
    watch = own.start()
    run_child(SPIKE_CODE)
    own.stop(watch)
    # psutil cannot tell a child from its parent between its birth and the start of its own program
    inherited = psutil.Process().memory_info().rss
    assert 0.95 * SPIKE <= watch.peak_bytes <= 1.7 * SPIKE + inherited


@pytest.mark.parametrize("forgets_ended", [False, True])
def test_psutil_alone_counts_the_cpu_and_bytes_of_an_ended_child(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, forgets_ended: bool
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * MEBIBYTE)
    monkeypatch.setattr(sampling, "process_reader", lambda: PsutilReader(forgets_ended=forgets_ended))
    own = sampling.Sampler()
    watch = own.start()
    run_child(f"{BURN_CODE}\nopen({str(source)!r}, 'rb', 0).read()\ntime.sleep(0.2)")
    consumed = own.stop(watch)
    assert consumed is not None
    assert consumed.descendants_cpu_seconds >= 0.28
    if sys.platform in {"linux", "win32"}:
        assert consumed.read_bytes is not None
        assert consumed.read_bytes >= MEBIBYTE
