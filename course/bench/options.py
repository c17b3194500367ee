"""What to measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from course.errors import BadArgumentError

ROWS = 1_000_000
REPEAT = 5


@dataclass(frozen=True)
class BenchOptions:
    """What to measure.

    Attributes:
        rows: sizes of the files, in rows.
        ways: names of the ways, all of them if None.
        repeat: how many times each way runs on each file.
        folder: where the files are made, and removed at the end; by default the folder of generated files.
        seed: of the order in which ways run.

    Raises:
        BadArgumentError: a number of rows or of runs is not positive, or there is none.
    """

    rows: tuple[int, ...] = (ROWS,)
    ways: tuple[str, ...] | None = None
    repeat: int = REPEAT
    folder: Path | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.rows or min(*self.rows, self.repeat) < 1:
            raise BadArgumentError("give one number of rows or more, and a number of runs; all of them positive")
