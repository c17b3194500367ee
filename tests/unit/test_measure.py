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
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from course.measure import Ledger, Measurement, measure
from course.measure import measuring as sampling

MEBIBYTE = 2**20
SPIKE = 100 * MEBIBYTE
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the figure is exact on Linux only")
can_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")


def trim() -> None:
    """Give back to the system what was freed: a spike served from it would not be seen, and rightly so."""
    gc.collect()
    if sys.platform == "linux":
        give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if give_back is not None:
            give_back(0)


@pytest.fixture(autouse=True)
def nothing_free() -> None:
    trim()


def spike(size: int = SPIKE, seconds: float = 0.05) -> None:
    memory = b"x" * size
    time.sleep(seconds)
    del memory
    trim()


def run_child(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


SPIKE_CODE = f"import time; memory = b'x' * {SPIKE}; time.sleep(0.05); del memory; time.sleep(0.2)"
BURN_CODE = "import time\nwhile time.process_time() < 0.3: pass"


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.fixture(autouse=True)
def _no_block_left_open() -> Iterator[None]:
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


def test_cpu_time_counts_every_thread() -> None:
    threads = [threading.Thread(target=burn, args=(0.1,)) for _ in range(3)]
    with measure(record=False) as m:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert m.cpu_seconds >= 0.29


def test_cpu_time_counts_a_child_that_ended() -> None:
    with measure(record=False) as m:
        run_child(BURN_CODE)
    assert m.cpu_seconds >= 0.29


def test_cpu_time_counts_a_child_that_still_runs_and_only_since_the_start() -> None:
    code = "import time\nwhile time.process_time() < 0.4: pass\nprint(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with measure(record=False) as live:
            wait_for_cpu(child.pid, 0.1)
        with measure(record=False) as killed:
            child.kill()
            child.wait()
    # Counting from the start of the child would add at least 0.4 s.
    assert 0.05 < live.cpu_seconds < live.wall_seconds + 0.1
    assert killed.cpu_seconds < killed.wall_seconds + 0.1


def wait_for_cpu(pid: int, seconds: float) -> None:
    """Wait until a process has used so much more of a processor, however busy the machine is."""
    process = psutil.Process(pid)
    enough = sum(process.cpu_times()[:2]) + seconds
    while sum(process.cpu_times()[:2]) < enough:
        time.sleep(0.02)


def test_a_spike_of_50_ms_is_seen() -> None:
    with measure(record=False) as m:
        spike()
    assert 0.95 * SPIKE <= peak(m) <= 1.2 * SPIKE


def test_a_spike_of_50_ms_in_a_child_is_seen() -> None:
    with measure(record=False) as m:
        run_child(SPIKE_CODE)
    assert 0.95 * SPIKE <= peak(m) <= 1.5 * SPIKE


def test_a_spike_of_50_ms_in_a_grandchild_is_seen() -> None:
    with measure(record=False) as m:
        run_child(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPIKE_CODE!r}])")
    assert 0.95 * SPIKE <= peak(m) <= 1.7 * SPIKE


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
        wait_for_grandchild(child.pid)
        time.sleep(0.1)
        with fifo.open("w"):
            child.wait()
    assert SPIKE <= peak(m) <= 1.5 * SPIKE


def wait_for_grandchild(pid: int) -> None:
    for _ in range(1000):
        if psutil.Process(pid).children():
            return
        time.sleep(0.01)
    raise AssertionError("the child has no child")


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
    code = f"memory = b'x' * {SPIKE}; print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with measure(record=False) as m:
            time.sleep(0.05)
        child.communicate(b"\n")
    assert peak(m) < 20 * MEBIBYTE


def test_nested_blocks_each_have_their_own_peak() -> None:
    with measure(record=False) as outer:
        spike(SPIKE, 0.05)
        with measure(record=False) as inner:
            spike(40 * MEBIBYTE)
        with measure(record=False) as nothing:
            time.sleep(0.02)
    assert 0.95 * SPIKE <= peak(outer) <= 1.2 * SPIKE
    assert 35 * MEBIBYTE <= peak(inner) <= 60 * MEBIBYTE
    assert peak(nothing) < 10 * MEBIBYTE


def test_an_outer_block_sees_the_spike_of_an_inner_one() -> None:
    with measure(record=False) as outer, measure(record=False):
        spike()
    assert peak(outer) >= 0.95 * SPIKE


@can_fork
@on_linux
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_pages_shared_with_a_forked_child_count_once() -> None:
    held = b"x" * (3 * SPIKE)
    with measure(record=False) as m:
        child = os.fork()
        if child == 0:
            spike(64 * MEBIBYTE, 0.1)
            os._exit(0)
        os.waitpid(child, 0)
    del held
    # counted twice, what was held would make 364 MiB; counting references copies some pages of the test process
    assert 60 * MEBIBYTE <= peak(m) <= 2.5 * SPIKE


@can_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
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
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_block_entered_by_the_parent_and_left_by_a_forked_child_has_no_invented_figure(tmp_path: Path) -> None:
    report, child = tmp_path / "report", 0
    with measure(record=False) as m:
        child = os.fork()
    if child == 0:
        report.write_text(str(m).partition("wall, ")[2])
        os._exit(0)
    os.waitpid(child, 0)
    assert report.read_text() == "n/a CPU, n/a peak, n/a read, n/a written"


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not tell")
def test_bytes_are_those_the_program_reads_and_writes(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x" * MEBIBYTE)
    with measure(record=False) as m:
        target.write_bytes(source.read_bytes()[: MEBIBYTE // 2])
    assert m.read_bytes in range(MEBIBYTE, MEBIBYTE + 4096)
    assert m.written_bytes in range(MEBIBYTE // 2, MEBIBYTE // 2 + 4096)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not tell")
def test_bytes_of_a_child_count(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * MEBIBYTE)
    with measure(record=False) as m:
        run_child(f"import time; open({str(source)!r}, 'rb', 0).read(); time.sleep(0.1)")
    assert m.read_bytes in range(MEBIBYTE, MEBIBYTE + 2**20)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not tell")
def test_bytes_of_a_child_that_still_runs_count_and_only_since_the_start(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * MEBIBYTE)
    code = (
        f"read = lambda: open({str(source)!r}, 'rb', 0).read(); input(); read(); read(); print(flush=True)\n"
        "input(); read(); print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"\n")
        child.stdout.readline()
        with measure(record=False) as m:
            child.stdin.write(b"\n")
            child.stdout.readline()
        child.stdin.write(b"\n")
    assert m.read_bytes in range(MEBIBYTE, MEBIBYTE + 2**19)


@on_linux
def test_measuring_itself_reads_and_writes_nothing() -> None:
    # In a process of its own: a test runner may talk to others meanwhile.
    run_child(
        "import time\nfrom course.measure import measure\n"
        "with measure() as m, measure():\n    time.sleep(0.1)\n"
        "assert (m.read_bytes, m.written_bytes) == (0, 0), m"
    )


def test_an_exception_is_recorded_and_raised() -> None:
    records = Ledger()
    with pytest.raises(ZeroDivisionError), measure("division", ledger=records) as m:
        _ = 1 / 0
    assert m.failed
    assert list(records) == [m]
    assert str(m).endswith(", failed: ZeroDivisionError: division by zero")


def test_record_false_leaves_no_record() -> None:
    records = Ledger()
    with measure("silent", ledger=records, record=False):
        pass
    assert len(records) == 0


def test_blocks_in_many_threads_are_all_right_at_once() -> None:
    records = Ledger()

    def block() -> None:
        for _ in range(20):
            with measure("thread", ledger=records):
                time.sleep(0.002)

    threads = [threading.Thread(target=block) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(records) == 160
    assert not any(m.failed or math.isnan(m.cpu_seconds) for m in records)


def test_one_thread_samples_for_all_and_ends_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_IDLE_SECONDS", 0.05)
    own = sampling.Sampler()
    before = threading.active_count()
    watches = [own.start() for _ in range(10)]
    assert threading.active_count() == before + 1
    thread = own._thread
    assert thread is not None
    for watch in watches:
        own.stop(watch)
    thread.join(timeout=10)
    assert not thread.is_alive()
    own.stop(own.start())
    assert own._thread is not thread


def test_measuring_many_blocks_keeps_no_memory() -> None:
    def blocks() -> None:
        for _ in range(300):
            with measure(record=False):
                pass

    blocks()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        blocks()
        assert tracemalloc.get_traced_memory()[0] - before < 10_000
    finally:
        tracemalloc.stop()


def test_importing_measure_loads_nothing_heavy() -> None:
    heavy = "{'pandas', 'numpy', 'matplotlib', 'IPython', 'psutil'}"
    run_child(f"import sys, course.measure; found = {heavy} & set(sys.modules); sys.exit(str(found) if found else 0)")


@pytest.fixture
def portable_sampler(monkeypatch: pytest.MonkeyPatch) -> Callable[..., sampling.Sampler]:
    from course.measure.readers import PsutilReader

    def build(**options: bool) -> sampling.Sampler:
        monkeypatch.setattr(sampling, "process_reader", lambda: PsutilReader(**options))
        return sampling.Sampler()

    return build


def test_psutil_alone_sees_a_spike_in_this_process_and_in_a_child(
    portable_sampler: Callable[..., sampling.Sampler],
) -> None:
    own = portable_sampler()
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
    portable_sampler: Callable[..., sampling.Sampler], tmp_path: Path, *, forgets_ended: bool
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * MEBIBYTE)
    own = portable_sampler(forgets_ended=forgets_ended)
    watch = own.start()
    run_child(f"{BURN_CODE}\nopen({str(source)!r}, 'rb', 0).read()\ntime.sleep(0.2)")
    consumed = own.stop(watch)
    assert consumed is not None
    assert consumed.descendants_cpu_seconds >= 0.28
    if sys.platform in {"linux", "win32"}:
        assert consumed.read_bytes is not None
        assert consumed.read_bytes >= MEBIBYTE
