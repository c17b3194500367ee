# mypy: disable-error-code="no-untyped-call, untyped-decorator"
"""``%%memory_cap``: run a cell as if the machine had little memory."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from IPython.core.displayhook import DisplayHook
from IPython.core.magic import Magics, cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from course.errors import BadArgumentError
from course.size import format_size
from magics.capped_process import CAN_CAP, CappedCode, run_capped
from magics.options import parse, variable_name
from magics.tracebacks import short_traceback

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

LEAST_CAP_BYTES = 16 * 2**20
"""Data memory of a process that has only started Python, 12.4 MiB on Linux with Python 3.11, rounded up."""


class ShownValue:
    """The value of a capped cell's last expression, as a notebook shows it: the value itself stayed in the child."""

    def __init__(self, shown: dict[str, Any]) -> None:
        self._shown = shown

    def __repr__(self) -> str:
        return str(self._shown["text/plain"])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002
        return self._shown


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
    def memory_cap(self, line: str, cell: str) -> ShownValue | None:
        """Run a cell in a child process with little memory: what does not fit raises MemoryError, the kernel lives on.

        On Linux the system caps the data memory of the child (RLIMIT_DATA): Python, the libraries' data and all
        that they allocate count; files mapped in memory do not. Where the system cannot cap, the resident memory
        of the child and its children is watched, and they are killed above the cap. A line says which it was.

        The cell starts with an empty namespace: give it variables with ``-i``, bring back results with ``-o`` (by
        pickle). What it prints is shown, as is the value of its last expression. Magics do not run in the child.
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
        options = parse(self.memory_cap, line)
        code = self._code(options, cell)
        if not options.quiet:
            print(f"memory cap of {format_size(code.cap_bytes)}: {code.method}")  # noqa: T201
        result = run_capped(code)
        self.shell.user_ns.update(result.outputs)
        return ShownValue(result.shown) if result.shown else None

    @short_traceback
    def _code(self, options: Namespace, cell: str) -> CappedCode:
        source = self.shell.transform_cell(cell)
        if "get_ipython()" in source:
            raise BadArgumentError("magics and ! commands do not run under %%memory_cap: leave them out of the cell")
        number = self.shell.displayhook.prompt_count
        kernel_name = self.shell.compile.cache(source, number, raw_code=cell)
        self.shell.compile.ast_parse(source, filename=kernel_name)  # no process is started for what is not Python
        return CappedCode(
            source,
            f"Cell In[{number}]",
            kernel_name,
            _cap_bytes(options.cap),
            self._pickled(_names(options.input)),
            tuple(_names(options.output)),
            is_shown=not DisplayHook.semicolon_at_end_of_expression(cell),
            is_watched=options.watch or not CAN_CAP,
        )

    def _pickled(self, names: Iterable[str]) -> bytes:
        import cloudpickle  # type: ignore[import-untyped, unused-ignore]

        missing = [name for name in names if name not in self.shell.user_ns]
        if missing:
            raise BadArgumentError(f"--input {missing[0]}: there is no such variable in the notebook")
        try:
            return bytes(cloudpickle.dumps({name: self.shell.user_ns[name] for name in names}))
        except (TypeError, AttributeError, ValueError) as error:
            raise BadArgumentError(f"a variable given to the cell cannot be pickled ({error}); give another") from error


def _cap_bytes(text: str) -> int:
    from course.size import parse_size

    cap_bytes = parse_size(text)
    if cap_bytes < LEAST_CAP_BYTES:
        advice = f"did you mean {text.strip()}MiB?" if text.strip().isdecimal() else "give a larger one, such as 512MiB"
        raise BadArgumentError(
            f"a cap of {format_size(cap_bytes)} is less than the {format_size(LEAST_CAP_BYTES)} that Python takes "
            f"before the cell starts: {advice}"
        )
    return cap_bytes


def _names(text: str) -> list[str]:
    return [variable_name(name) for name in re.split(r"[,\s]+", text) if name]
