"""Follow the peak memory of the blocks being measured, with one thread for all of them."""

from __future__ import annotations

import os
import threading
import time

from course.measure.processes import Consumed, ProcessReader, Resident, process_reader

PERIOD_SECONDS = 0.01
"""Time between two samples: a spike of 50 ms is seen four times."""
_LEAST_SHARE = 10
"""Sampling takes at most one part in this many of a processor: with many descendants, samples are spaced."""
_IDLE_SECONDS = 5.0
"""The thread ends when nothing has been measured for so long."""


class Watch:
    """The peak memory of one block, from its start to now, and what was consumed before it."""

    def __init__(self, resident: Resident, own_peak: int, before: Consumed) -> None:
        self.process_id = os.getpid()
        self.before = before
        self._start = resident.own + resident.descendants
        self._own_peak_before = own_peak
        self._own_peak = resident.own
        self._least_descendants = resident.descendants
        self._peak = self._start

    def see(self, resident: Resident) -> None:
        """Take one sample into account."""
        self._peak = max(self._peak, resident.own + resident.descendants)
        self._least_descendants = min(self._least_descendants, resident.descendants)

    def see_own_peak(self, own_peak: int) -> None:
        """Take the system's record into account: it says something of this block if it rose since the start."""
        if own_peak > self._own_peak_before:
            self._own_peak = max(self._own_peak, own_peak)

    @property
    def peak_bytes(self) -> int:
        """Highest resident memory above the start, in bytes."""
        # When this process was at its highest, its descendants held at least their lowest.
        return max(self._peak, self._own_peak + self._least_descendants) - self._start


class Sampler:
    """Starts and ends watches, and samples memory while there are any."""

    def __init__(self) -> None:
        self._reader: ProcessReader | None = None
        self._reset()

    def _reset(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._watches: list[Watch] = []
        self._thread: threading.Thread | None = None
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def after_fork(self) -> None:
        """Start anew in a forked child: no thread, no watch, and files of ``/proc`` that are its own."""
        self._reset()

    def start(self) -> Watch:
        """Begin to watch a block."""
        with self._changed:
            reader = self._reader = self._reader or process_reader()
            self._close_own_peak(reader)
            reader.restart_own_peak()
            watch = Watch(reader.resident(), reader.own_peak(), reader.consumed())
            self._watches.append(watch)
            self._wake()
        return watch

    def stop(self, watch: Watch) -> Consumed | None:
        """End ``watch`` and return what its block consumed, or None in a child forked inside the block."""
        if watch.process_id != os.getpid() or self._reader is None:
            return None
        with self._changed:
            after = self._reader.consumed()
            self._sample(self._reader)
            self._close_own_peak(self._reader)
            self._watches.remove(watch)
        return _difference(after, watch.before)

    def _close_own_peak(self, reader: ProcessReader) -> None:
        if self._watches:
            own_peak = reader.own_peak()
            for watch in self._watches:
                watch.see_own_peak(own_peak)

    def _sample(self, reader: ProcessReader) -> None:
        if reader.exact_own_peak and not reader.has_descendants():
            return
        resident = reader.resident()
        for watch in self._watches:
            watch.see(resident)

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="course.measure", daemon=True)
            self._thread.start()
        elif len(self._watches) == 1:
            self._changed.notify()

    def _run(self) -> None:
        while True:
            started = time.thread_time()
            with self._changed:
                if not self._watches and not self._changed.wait_for(lambda: self._watches, _IDLE_SECONDS):
                    self._thread = None
                    return
                if self._reader is not None:
                    self._sample(self._reader)
            time.sleep(max(PERIOD_SECONDS, _LEAST_SHARE * (time.thread_time() - started)))


def _difference(after: Consumed, before: Consumed) -> Consumed:
    return Consumed(
        max(0.0, after.descendants_cpu_seconds - before.descendants_cpu_seconds),
        _increase(after.read_bytes, before.read_bytes),
        _increase(after.written_bytes, before.written_bytes),
    )


def _increase(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else max(0, after - before)


sampler = Sampler()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=sampler.after_fork)
