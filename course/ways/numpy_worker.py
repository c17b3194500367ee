"""A process that sums ranges of a file: it reads where each begins and ends, one a line, and writes their sums in JSON.

python -m course.ways.numpy_worker FILE
"""

from __future__ import annotations

import json
import sys

from course.reading import Location, located
from course.ways.numpy_ways import Layout, sum_range


def main(path: Location) -> None:
    """Answer until standard input ends."""
    layout = Layout.of(path)
    for line in sys.stdin:
        start, stop = map(int, line.split())
        sys.stdout.write(json.dumps(sum_range(path, layout, (start, stop))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(located(sys.argv[1]))
