"""Magics of the course: ``%load_ext magics`` registers downloads, timing and memory, SQL, and their completion.

In goes the line or the cell that a student typed, read by ``options``; out comes what the functions of ``course``
return, or one ``CourseError``. Start reading at ``data``, then ``timing``, then ``memory_cap``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register every magic of the course; nothing heavy is imported before a magic is used."""
    from course.clean import RECORD, Watch
    from magics.completion import complete_options, complete_sql
    from magics.data import DataMagics
    from magics.memory_cap import MemoryCapMagics
    from magics.needs import NeedsMagics
    from magics.sql import SQLMagics
    from magics.timing import TimingMagics

    shell.register_magics(DataMagics, MemoryCapMagics, NeedsMagics, SQLMagics, TimingMagics)
    complete_options(shell)
    complete_sql(shell)
    if (data := Path("data")).joinpath(RECORD).is_file():  # the working folder of a student
        watch = Watch(data)
        shell.events.register("pre_run_cell", watch.look)
        shell.events.register("post_run_cell", watch.record)
