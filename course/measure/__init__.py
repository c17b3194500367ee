"""What a block of code costs: wall and CPU time, peak memory, bytes read and written.

In goes a block of code: ``with measure("pandas") as m: ...``. Out comes a ``Measurement``, which prints on one line and
is kept in the ``ledger`` for a table, a summary, a file or a picture. ``measure_fresh`` does so in new processes: their
peaks of memory can be compared. Start reading at ``measuring``; then ``readers``, ``fresh``.
"""

from __future__ import annotations

from course.measure.fresh import measure_fresh
from course.measure.measurement import Measurement, format_seconds, median_of
from course.measure.measuring import Ledger, ledger, measure
from course.measure.readers import process_tree_memory

__all__ = [
    "Ledger",
    "Measurement",
    "format_seconds",
    "ledger",
    "measure",
    "measure_fresh",
    "median_of",
    "process_tree_memory",
]
