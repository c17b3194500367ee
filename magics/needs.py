# mypy: disable-error-code="no-untyped-call, untyped-decorator"
"""``%%needs``: a cell of a library that some Python lacks runs where it is installed, and says so elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, cell_magic, magics_class, no_var_expand

from course.errors import BadArgumentError
from course.optional import NEEDS, left_out
from magics.cell import Cell, run_statements, value_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


@magics_class
class NeedsMagics(Magics):
    """The magic of cells that not every Python can run."""

    shell: InteractiveShell

    @no_var_expand
    @cell_magic
    def needs(self, line: str, cell: str) -> Any:
        """Run a cell if a library is installed, as it would run without the magic; else say so in one line.

        The tag ``needs-h5py`` says the same to the programs that run notebooks: see CONTRIBUTING.

        Examples::

            %%needs h5py
            table = h5py.File("data/small.h5")["amounts"]

            left out: this cell needs h5py, which is not installed for this Python 3.15
        """
        __tracebackhide__ = True
        if not line.strip().isidentifier():
            raise BadArgumentError("%%needs needs the name of one library, as import takes it: %%needs h5py")
        if said := left_out([f"{NEEDS}{line.strip()}"]):
            print(said)  # noqa: T201
            return None
        names, body = self.shell.user_ns, Cell(self.shell, cell)
        return value_of(body, run_statements(body.body, body.interactivity, body.compiled, names))
