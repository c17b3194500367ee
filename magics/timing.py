# mypy: disable-error-code="no-untyped-call, untyped-decorator"
"""``%measure``, ``%%measure`` and ``%measures``: what code costs, on one line, and the ledger of measures."""

from __future__ import annotations

import ast
import re
from argparse import Namespace
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from course.errors import BadArgumentError
from course.measure import Measurement, ledger, measure, median_of
from magics.cell import Cell, Outcome, run_statements, value_of
from magics.options import option_magic, output_option, parse, split_options

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

_VALUE = r"""(?:\s+|=)?(?:"[^"]*"|'[^']*'|\S+)"""
_OPTION = re.compile(rf"\s*(?:(?:-r|-o|-l|--repeat|--output|--label){_VALUE}|(?:-q|--quiet)(?=\s|$))")
_LONGEST_LABEL = 40
# Python allows no await in the first three; what is awaited already needs no second one.
_NO_AWAIT = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.Await)


@magics_class
class TimingMagics(Magics):
    """Magics that measure code and show what was measured."""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        if not any(isinstance(one, _AwaitMeasure) for one in shell.input_transformers_post):
            shell.input_transformers_post.append(_AwaitMeasure(shell))

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
            options, source = split_options(line, _OPTION)
            label = source[:_LONGEST_LABEL] + "…" * (len(source) > _LONGEST_LABEL)
            if not source:
                raise BadArgumentError("%measure needs the code to measure on its line; for a whole cell: %%measure")
        else:
            options, source, label = line, cell, f"In [{self.shell.displayhook.prompt_count}]"
        arguments = parse(self.measure, options)
        if arguments.repeat < 1:
            raise BadArgumentError(f"--repeat {arguments.repeat}: it must run at least once")
        arguments.label = arguments.name or " ".join(arguments.label) or label
        body = Cell(self.shell, source)
        run = self._measured(body, arguments, self.shell.user_ns if local_ns is None else local_ns)
        return value_of(body, run)

    async def _measured(self, cell: Cell, arguments: Namespace, local_ns: MutableMapping[str, Any]) -> Outcome:
        __tracebackhide__ = True
        runs: list[Measurement] = []
        value = error = None
        for _ in range(arguments.repeat):
            try:
                with measure(arguments.label) as run:
                    runs.append(run)
                    value, error = await run_statements(
                        cell.body, cell.interactivity, cell.compiled, self.shell.user_global_ns, local_ns
                    )
                    if error is not None:
                        raise error  # noqa: TRY301
            except BaseException as raised:  # noqa: BLE001
                error = raised
                break
        measured = median_of(runs)
        if arguments.output:
            self.shell.user_ns[arguments.output] = measured
        if not arguments.quiet:
            print(measured)  # noqa: T201
        return value, error

    @option_magic
    @argument("--summary", action="store_true", help="One row per label: median and spread of its runs.")
    @argument("--plot", action="store_true", help="Draw wall time against peak memory, a point per label.")
    @argument("--save", metavar="FILE", help="Write every measure to FILE, in .csv or .json.")
    @argument("--clear", action="store_true", help="Forget every measure, after what the other options ask.")
    @output_option("Variable that receives the DataFrame, or the axes of the picture.")
    def measures(self, options: Namespace) -> pd.DataFrame | None:
        """Return the measures made so far as a DataFrame, or draw, save or clear them.

        Examples::

            %measures
            %measures --summary
            %measures --plot
            %measures --save build/measures.csv --clear
        """
        from course.figures import show
        from course.measure.picture import describe

        result: Any = ledger.summary() if options.summary else ledger.to_frame()
        if options.plot:
            result = ledger.plot()
            show(result, describe(ledger))
        if options.save:
            ledger.save(options.save)
        if options.clear:
            ledger.clear()
        is_done = options.plot or (not options.summary and (options.save or options.clear))
        return None if is_done and not options.output else result


class _AwaitMeasure:
    """An input transformer that awaits the calls of ``measure`` and ``needs`` whose body awaits.

    ``%%measure`` over ``await f()`` becomes ``await get_ipython().run_cell_magic(...)``: a magic is called like a
    function, inside the event loop of the kernel, which cannot be entered a second time. So the call itself is
    awaited, and the body runs in the loop in which the cell would have run without the magic.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def __call__(self, lines: list[str]) -> list[str]:
        """Return the lines of a transformed cell with ``await`` where it is needed."""
        source = "".join(lines)
        if "await" not in source and "async" not in source:
            return lines
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return lines
        lines = list(lines)
        for call in sorted(_calls(tree), key=lambda call: (call.lineno, call.col_offset), reverse=True):
            text = ast.literal_eval(call.args[-1])
            body = text if len(call.args) == 3 else split_options(text, _OPTION)[1]
            if self._shell.should_run_async(body, transformed_cell=self._shell.transform_cell(body)):
                line = lines[call.lineno - 1].encode()
                lines[call.lineno - 1] = (line[: call.col_offset] + b"await " + line[call.col_offset :]).decode()
        return lines


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of ``measure`` and ``needs`` that may be awaited."""
    if isinstance(node, _NO_AWAIT):
        return
    match node:
        case ast.Call(
            func=ast.Attribute(attr="run_cell_magic" | "run_line_magic"),
            args=[ast.Constant("measure" | "needs"), *_, ast.Constant(str())],
        ):
            yield node
    for child in ast.iter_child_nodes(node):
        yield from _calls(child)
