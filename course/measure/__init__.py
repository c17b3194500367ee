"""Measure what a block of code costs: wall and CPU time, peak memory, bytes read and written.

from course.measure import ledger, measure

with measure("pandas") as m:
    ...
print(m)
ledger.plot()
"""

from __future__ import annotations

from course.measure.block import Block, ledger, measure
from course.measure.measurement import Measurement, median_of
from course.measure.records import Ledger

__all__ = ["Block", "Ledger", "Measurement", "ledger", "measure", "median_of"]
