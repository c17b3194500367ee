"""Measure every way of answering the question, each in a process of its own, and show what each costs.

from course.bench import BenchOptions, draw_growth, draw_time_and_memory, read_bench, run_bench

bench = run_bench(BenchOptions(rows=(100_000, 1_000_000)))
bench.to_frame()
"""

from __future__ import annotations

from course.bench.options import BenchOptions
from course.bench.pictures import draw_growth, draw_time_and_memory, pareto_front
from course.bench.results import Bench, Result, Run, measured, read_bench
from course.bench.runner import run_bench

__all__ = [
    "Bench",
    "BenchOptions",
    "Result",
    "Run",
    "draw_growth",
    "draw_time_and_memory",
    "measured",
    "pareto_front",
    "read_bench",
    "run_bench",
]
