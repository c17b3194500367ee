"""The stop button while an engine runs: its client holds the notebook's thread, where Python can raise nothing."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

# seconds between two calls: one that comes before the engine has started is lost
_AGAIN = 0.05
# set from an interrupt to the end of the block that it stops
stopping = threading.Event()


@contextmanager
def stoppable(interrupt: Callable[[], object]) -> Iterator[None]:
    """Raise KeyboardInterrupt once Ctrl-C or the stop button has ended the block, whatever the client made of it.

    A second thread learns of the signal at once: it calls ``interrupt`` until the block ends, and raises
    KeyboardInterrupt between two bytecodes of the Python functions that the engine runs in threads of its own.
    """
    handler = signal.getsignal(signal.SIGINT)
    # signals reach the main thread alone, and a program may ignore them
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    is_inside = False

    def handle(number: int, frame: Any) -> None:
        stopping.set()
        # what is set up around the block is taken down in peace
        if is_inside:
            handler(number, frame)

    stopping.clear()
    signal.signal(signal.SIGINT, handle)
    try:
        with _watched(interrupt):
            is_inside = True
            try:
                yield
            finally:
                is_inside = False
    finally:
        signal.signal(signal.SIGINT, handler)
        if stopping.is_set():
            stopping.clear()
            raise KeyboardInterrupt from None


@contextmanager
def _watched(interrupt: Callable[[], object]) -> Iterator[None]:
    """Have a second thread call ``interrupt`` as soon as the signal comes, until the block ends."""
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    former = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    ended = threading.Event()
    others = sys._current_frames().keys()  # noqa: SLF001 - threads at work already, such as those of a debugger

    def watch() -> None:
        while signals := receiver.recv(64):
            if former >= 0:
                os.write(former, signals)
            while (stopping.is_set() or signal.SIGINT in signals) and not ended.wait(_AGAIN):
                stopping.set()
                interrupt()
                _interrupt_functions(others)

    watcher = threading.Thread(target=watch, name=__name__, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        signal.set_wakeup_fd(former)
        sender.close()
        watcher.join()
        receiver.close()


def _interrupt_functions(others: Collection[int]) -> None:
    """Raise KeyboardInterrupt in every thread that runs Python code, was not started by Python and is no other's."""
    own = set(others) | {one.ident for one in threading.enumerate() if not isinstance(one, threading._DummyThread)}  # noqa: SLF001
    for thread in sys._current_frames().keys() - own:  # noqa: SLF001
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(KeyboardInterrupt))
