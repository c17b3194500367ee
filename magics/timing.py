# mypy: disable-error-code="no-untyped-call, untyped-decorator"
"""``%measure``, ``%%measure`` and ``%measures``: what code costs, on one line, and the ledger of measures."""

from __future__ import annotations

import asyncio
import re
from argparse import Namespace
from collections.abc import MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from course.errors import BadArgumentError
from course.measure import Measurement, ledger, measure, median_of
from magics.cell import AwaitMagic, Cell, run_now
from magics.options import output_option, parse

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

_VALUE = r"""(?:\s+|=)?(?:"[^"]*"|'[^']*'|\S+)"""
_OPTION = re.compile(rf"\s*(?:(?:-r|-o|-l|--repeat|--output|--label){_VALUE}|(?:-q|--quiet)(?=\s|$))")
_LONGEST_LABEL = 40


@magics_class
class TimingMagics(Magics):
    """Magics that measure code and show what was measured."""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        transformers = shell.input_transformers_post
        if not any(getattr(one, "name", None) == "measure" for one in transformers):
            transformers.append(AwaitMagic(shell, "measure", lambda line: _split_options(line)[1]))

    @no_var_expand
    @magic_arguments()
    @argument("label", nargs="*", help="Name of what is measured (cell magic only); by default the cell's number.")
    @argument("-l", "--label", dest="name", help="The same, as an option; the line magic takes its code by default.")
    @argument("-r", "--repeat", type=int, default=1, help="Run it so many times: the line shows median and spread.")
    @output_option("Variable that receives the Measurement (``.runs`` has each run).")
    @argument("-q", "--quiet", action="store_true", help="Print nothing; the ledger still has it.")
    @needs_local_scope
    @line_cell_magic
    def measure(self, line: str, cell: str | None = None, local_ns: MutableMapping[str, Any] | None = None) -> Any:
        """Measure a cell or a statement: wall time, CPU time, peak memory, bytes read and written, on one line.

        The code runs as it would without the magic: its variables stay, the value of its last expression is
        displayed, ``await`` works, an exception is raised as ever (and the measure recorded, as failed).
        CPU time and memory count the processes that this one started. Every run goes to the ledger: see ``%measures``.
        The bytes are those the program asked for, whether they came from the disk or from the page cache.
        A file mapped in memory, as pandas and Arrow map large ones, is not read in this sense: it does not count.

        Examples::

            %%measure pandas
            frame = pandas.read_csv("data/A201612_small.csv", sep=";")
            frame.groupby("AGE_BEN_SNDS")["PRS_REM_MNT"].sum()

            pandas: 310 ms wall, 305 ms CPU, +81.2 MiB peak, 15.5 MiB read, 0 B written

            %%measure pandas in chunks -r 5 -o chunks
            ...

            %measure -r 3 sum(range(10_000_000))
        """
        __tracebackhide__ = True
        if cell is None:
            options, source = _split_options(line)
            label = source[:_LONGEST_LABEL] + "…" * (len(source) > _LONGEST_LABEL)
            if not source:
                raise BadArgumentError("%measure needs the code to measure on its line; for a whole cell: %%measure")
        else:
            options, source, label = line, cell, f"In [{self.shell.displayhook.prompt_count}]"
        arguments = parse(self.measure, options)
        if arguments.repeat < 1:
            raise BadArgumentError(f"--repeat {arguments.repeat}: it must run at least once")
        arguments.label = arguments.name or " ".join(arguments.label) or label
        code = Cell(self.shell, source)
        run = self._measured(code, arguments, self.shell.user_ns if local_ns is None else local_ns)
        if not code.is_async:
            return run_now(run)
        with suppress(RuntimeError):
            asyncio.get_running_loop()
            return run
        return self.shell.loop_runner(run)

    async def _measured(self, code: Cell, arguments: Namespace, local_ns: MutableMapping[str, Any]) -> Any:
        __tracebackhide__ = True
        runs: list[Measurement] = []
        try:
            for _ in range(arguments.repeat):
                with measure(arguments.label) as run:
                    runs.append(run)
                    value = await code.run(local_ns)
        finally:
            measured = median_of(runs)
            if arguments.output:
                self.shell.user_ns[arguments.output] = measured
            if not arguments.quiet:
                print(measured)  # noqa: T201
        return value

    @magic_arguments()
    @argument("--summary", action="store_true", help="One row per label: median and spread of its runs.")
    @argument("--plot", action="store_true", help="Draw wall time against peak memory, a point per label.")
    @argument("--save", metavar="FILE", help="Write every measure to FILE, in .csv or .json.")
    @argument("--clear", action="store_true", help="Forget every measure, after what the other options ask.")
    @output_option("Variable that receives the DataFrame, or the axes of the picture.")
    @line_magic
    def measures(self, line: str) -> pd.DataFrame | None:
        """Return the measures made so far as a DataFrame, or draw, save or clear them.

        Examples::

            %measures
            %measures --summary
            %measures --plot
            %measures --save build/measures.csv --clear
        """
        from course.figures import show
        from course.measure.picture import describe

        arguments = parse(self.measures, line)
        result: Any = ledger.summary() if arguments.summary else ledger.to_frame()
        if arguments.plot:
            result = ledger.plot()
            show(result, describe(ledger))
        if arguments.save:
            ledger.save(arguments.save)
        if arguments.clear:
            ledger.clear()
        if arguments.output:
            self.shell.user_ns[arguments.output] = result
        is_done = arguments.plot or (not arguments.summary and (arguments.save or arguments.clear))
        return None if is_done or arguments.output else result


def _split_options(line: str) -> tuple[str, str]:
    end = 0
    while found := _OPTION.match(line, end):
        end = found.end()
    return line[:end], line[end:].strip()
