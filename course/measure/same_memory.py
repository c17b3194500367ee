"""Ask Linux whether two processes are the same memory, as a child born by ``vfork`` and its parent are for a moment."""

from __future__ import annotations

import ctypes
import functools
import platform
from collections.abc import Callable

# numbers of the system call kcmp(2), from the kernel's tables of each architecture, and its KCMP_VM
_NUMBERS = {"x86_64": 312, "aarch64": 272}
_MEMORY = 1


def same_memory(one: int, other: int) -> bool:
    """Tell whether two processes, by number, have one and the same address space; False where nobody can tell."""
    call = _system_call()
    number = _NUMBERS.get(platform.machine())
    return number is not None and call is not None and call(number, one, other, _MEMORY, 0, 0) == 0


@functools.cache
def _system_call() -> Callable[..., int] | None:
    try:
        call: Callable[..., int] = ctypes.CDLL(None).syscall
    except (OSError, AttributeError):
        return None
    return call
