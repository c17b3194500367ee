# mypy: disable-error-code="no-untyped-call, untyped-decorator"
"""``%%memory_cap``: run a cell in a child process with little memory, and bring back its output, results and errors."""

from __future__ import annotations

import io
import re
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from course.errors import BadArgumentError
from course.size import format_size, parse_size
from magics.capped_process import CAN_CAP, PERIOD_SECONDS, run_capped
from magics.cell import Cell, dump_variables, is_in_loop
from magics.options import parse, short_traceback, variable_name

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

LEAST_CAP_BYTES = 16 * 2**20
"""Data memory of a process that has only started Python, 12.4 MiB on Linux with Python 3.11, rounded up."""


def _names(text: str) -> list[str]:
    return [variable_name(name) for name in re.split(r"[,\s]+", text) if name]


@magics_class
class MemoryCapMagics(Magics):
    """The magic that caps the memory of a cell."""

    shell: InteractiveShell

    @no_var_expand
    @magic_arguments()
    @argument("cap", help="The most memory it may use: 512MiB, 1.5GiB, 500MB.")
    @argument("-i", "--input", default="", metavar="NAMES", help="Variables that the cell needs: a,b.")
    @argument("-o", "--output", default="", metavar="NAMES", help="Variables of the cell to bring back: c,d.")
    @argument("--watch", action="store_true", help="Watch resident memory and kill, even where the system can cap.")
    @argument("-q", "--quiet", action="store_true", help="Do not say how the cap was held.")
    @cell_magic
    def memory_cap(self, line: str, cell: str) -> Any:
        """Run a cell in a child process with little memory: what does not fit raises MemoryError, the kernel lives on.

        On Linux the system caps the data memory of the child (RLIMIT_DATA): Python, the libraries' data and all
        that they allocate count; files mapped in memory do not. Where the system cannot cap, the resident memory
        of the child and its children is watched, and they are killed above the cap. A line says which it was.

        The cell starts with an empty namespace: give it variables with ``-i``, bring back results with ``-o`` (by
        pickle). What it prints and displays is shown, as is the value of its last expression; a number, a text or a
        container of at most 1 MiB is that value, another stays in the child. Magics run in the child, too.
        Threads of OpenBLAS and OpenMP are reduced to one, because each takes memory of its own.

        Examples::

            %%memory_cap 512MiB -i path -o total
            import pandas
            total = sum(chunk["PRS_REM_MNT"].sum() for chunk in pandas.read_csv(path, sep=";", chunksize=10_000))

            %%memory_cap 512MiB
            import pandas
            pandas.read_csv("data/A201612.csv", sep=";")  # MemoryError
        """
        __tracebackhide__ = True
        arguments = self._arguments(parse(self.memory_cap, line), cell)
        return run_capped(into=self.shell.user_ns, show=self._show, **arguments)

    @short_traceback
    def _arguments(self, options: Namespace, code: str) -> dict[str, Any]:
        """Return the arguments of ``run_capped``, and say how the cap will be held."""
        shell: Any = self.shell
        cell, names = Cell(shell, code), _names(options.input)
        arguments = {
            "source": cell.source,
            "cap_bytes": _cap_bytes(options.cap),
            "name": f"Cell In[{cell.number}]",
            "file": cell.file,
            "number": cell.number,
            "inputs": names,
            "pickled": self._pickled(names),
            "outputs": _names(options.output),
            "interactivity": cell.interactivity,
            "flags": shell.compile.flags | cell.flags,
            "is_in_loop": is_in_loop() or cell.is_async,
            "shell": {"colors": shell.colors},
            "extensions": sorted(shell.extension_manager.loaded),
            "has_pages": hasattr(shell, "kernel"),
            "is_watched": options.watch or not CAN_CAP,
        }
        if not options.quiet:
            how = "data memory capped by the system (RLIMIT_DATA)"
            if arguments["is_watched"]:
                how = f"resident memory watched every {PERIOD_SECONDS * 1000:.0f} ms, killed above the cap"
            print(f"memory cap of {format_size(arguments['cap_bytes'])}: {how}")  # noqa: T201
        return arguments

    def _pickled(self, names: Sequence[str]) -> bytes:
        missing = [name for name in names if name not in self.shell.user_ns]
        if missing:
            raise BadArgumentError(f"--input {missing[0]}: there is no such variable in the notebook")
        file = io.BytesIO()
        dump_variables("-i", {name: self.shell.user_ns[name] for name in names}, file)
        return file.getvalue()

    def _show(self, is_after: bool, function: Any, arguments: Sequence[Any], options: dict[str, Any]) -> None:
        """Call what the child wants called; figures come after the value, as after any cell."""
        call = partial(function, *arguments, **options)

        def call_once() -> None:
            self.shell.events.unregister("post_execute", call_once)
            call()

        if is_after:
            self.shell.events.register("post_execute", call_once)
        else:
            call()


def _cap_bytes(text: str) -> int:
    cap_bytes = parse_size(text)
    if cap_bytes < LEAST_CAP_BYTES:
        advice = f"did you mean {text.strip()}MiB?" if text.strip().isdecimal() else "give a larger one, such as 512MiB"
        raise BadArgumentError(
            f"a cap of {format_size(cap_bytes)} is less than the {format_size(LEAST_CAP_BYTES)} that Python takes "
            f"before the cell starts: {advice}"
        )
    return cap_bytes
