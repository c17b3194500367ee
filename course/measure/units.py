"""Times in seconds, printed with three significant digits."""

from __future__ import annotations

from course.size import three_digits


def format_seconds(seconds: float) -> str:
    """Return ``seconds`` with three significant digits in s, ms or µs: ``1.23 s``."""
    for factor, unit in ((1.0, "s"), (1e3, "ms")):
        if round(seconds * factor, 2) >= 1:
            return f"{three_digits(seconds * factor)} {unit}"
    return f"{three_digits(seconds * 1e6)} µs" if round(seconds * 1e6, 2) > 0 else "0 s"
