"""Measure every way of answering the question, each run in a process of its own, and show what each costs.

In: numbers of rows and names of ways; out: a ``Bench``, the results of all runs, as a table, a report and pictures.
Start reading in ``run``; ``conditions`` says what a run is given, ``results`` holds what was measured, ``pictures``
shows it.
"""

from __future__ import annotations

from course.bench.pictures import APPENDIX, draw_growth, draw_time_and_memory, headline, pareto_front, write_report
from course.bench.results import Bench, Result, Run, forecast, measured, read_bench
from course.bench.run import run_bench

__all__ = [
    "APPENDIX",
    "Bench",
    "Result",
    "Run",
    "draw_growth",
    "draw_time_and_memory",
    "forecast",
    "headline",
    "measured",
    "pareto_front",
    "read_bench",
    "run_bench",
    "write_report",
]
