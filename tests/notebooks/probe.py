"""Write down, after each cell that a kernel runs, a digest of every value that the cell names, shows or prints.

``mutants.py`` starts the kernels of nbval with this module, and compares what two runs of a lesson wrote.
"""

from __future__ import annotations

import inspect
import json
import pickle
import re
import sys
import zlib
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any

ADDRESS = re.compile(r"0x[0-9a-f]+")


def digest(value: object) -> int:
    """Return a number that is the same for equal values; of a function or a class, it is that of its code."""
    if inspect.isfunction(value):
        return zlib.crc32(repr((code(value.__code__), value.__defaults__)).encode())
    if inspect.isclass(value) and value.__module__ == "__main__":
        methods = {name: digest(member) for name, member in vars(value).items() if inspect.isfunction(member)}
        return zlib.crc32(repr(methods).encode())
    buffers: list[pickle.PickleBuffer] = []
    try:
        data = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    except Exception:  # noqa: BLE001 what cannot be pickled is what it says of itself
        return zlib.crc32(ADDRESS.sub("", repr(value)).encode())
    total = zlib.crc32(data)
    for buffer in buffers:
        total = zlib.crc32(buffer.raw(), total)
    return total


def code(of: CodeType) -> tuple[Any, ...]:
    return of.co_code, of.co_names, [code(one) if isinstance(one, CodeType) else one for one in of.co_consts]


def watch(shell: Any, record: str) -> None:
    """Append to the file ``record`` one line of JSON per cell that ``shell`` runs."""
    said: list[str] = []

    def heard(function: Callable[..., Any], told: Callable[..., str]) -> Callable[..., Any]:
        def both(*args: Any, **named: Any) -> Any:
            said.append(told(*args, **named))
            return function(*args, **named)

        return both

    sys.stdout.write = heard(sys.stdout.write, str)  # type: ignore[method-assign]
    shell.display_pub.publish = heard(shell.display_pub.publish, lambda data, *_, **__: str(data.get("text/plain")))

    def write(result: Any) -> None:
        named = set(re.findall(r"[^\W\d]\w*", result.info.raw_cell)) & set(shell.user_ns)
        values = {
            name: shell.user_ns[name] for name in sorted(named) if not isinstance(shell.user_ns[name], ModuleType)
        }
        line = {"values": {name: digest(value) for name, value in values.items()}}
        line["values"] |= {"(shown)": digest(result.result), "(printed)": digest("".join(said))}
        error = result.error_before_exec or result.error_in_exec
        said.clear()
        with open(record, "a", encoding="utf-8") as file:  # noqa: PTH123 lessons may change what Path does
            file.write(json.dumps(line | {"error": type(error).__name__ if error else None}) + "\n")

    shell.events.register("post_run_cell", write)
