"""What runs in a process of its own: one way answers once, or one conversion is made; figures are printed in JSON.

python -m course.bench.child answer WAY FILE
python -m course.bench.child convert FORMAT SOURCE TARGET
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from course.measure import Measurement, measure
from course.ways import FORMATS, WAYS, convert


def answer_once(name: str, path: Path) -> dict[str, Any]:
    """Answer with the libraries imported beforehand, and return the figures and the answer."""
    import_seconds = _import("pandas", WAYS[name].library)
    function = WAYS[name].function
    with measure(name, record=False) as cost:
        found = function(path)
    return {
        **_figures(cost),
        "import_seconds": import_seconds,
        "answer": {str(age): euros for age, euros in found.items()},
    }


def convert_once(name: str, source: Path, target: Path) -> dict[str, Any]:
    """Convert with the libraries imported beforehand, and return the figures."""
    import_seconds = _import("pyarrow.csv", FORMATS[name].library)
    with measure(name, record=False) as cost:
        convert(name, source, target)
    return {**_figures(cost), "import_seconds": import_seconds}


def _import(*names: str) -> float:
    start = perf_counter()
    for name in names:
        importlib.import_module(name)
    return round(perf_counter() - start, 6)


def _figures(cost: Measurement) -> dict[str, Any]:
    return {
        "wall_seconds": round(cost.wall_seconds, 6),
        "cpu_seconds": round(cost.cpu_seconds, 6),
        "peak_memory_bytes": cost.peak_memory_bytes,
        "read_bytes": cost.read_bytes,
    }


def main(task: str, name: str, *paths: str) -> None:
    """Do what the arguments say and print the figures on standard output."""
    tasks: dict[str, Any] = {"answer": answer_once, "convert": convert_once}
    sys.stdout.write(json.dumps(tasks[task](name, *map(Path, paths))))


if __name__ == "__main__":
    main(*sys.argv[1:])
