"""What a block of code costs: wall and CPU time, peak memory, bytes read and written.

In goes a block of code: ``with measure("pandas") as m: ...``. Out comes a ``Measurement``, which prints on one line and
is kept in the ``ledger`` for a table, a summary, a file or a picture. Start reading at ``measuring``; then ``readers``.
"""

from __future__ import annotations

from course.measure.measurement import Ledger, Measurement, format_seconds, median_of
from course.measure.measuring import ledger, measure
from course.measure.readers import process_tree_memory

__all__ = ["Ledger", "Measurement", "format_seconds", "ledger", "measure", "median_of", "process_tree_memory"]
