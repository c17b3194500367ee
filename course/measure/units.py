"""Sizes in binary units and times in seconds, printed with three significant digits."""

from __future__ import annotations

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")


def format_bytes(size: int) -> str:
    """Return ``size`` (bytes) with three significant digits in a binary unit: ``15.5 MiB``."""
    amount, unit = float(size), 0
    while round(amount) >= 1024 and unit < len(_BINARY) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{size} B" if unit == 0 else f"{_three_digits(amount)} {_BINARY[unit]}"


def format_seconds(seconds: float) -> str:
    """Return ``seconds`` with three significant digits in s, ms or µs: ``1.23 s``."""
    for factor, unit in ((1.0, "s"), (1e3, "ms")):
        if round(seconds * factor, 2) >= 1:
            return f"{_three_digits(seconds * factor)} {unit}"
    return f"{_three_digits(seconds * 1e6)} µs" if round(seconds * 1e6, 2) > 0 else "0 s"


def _three_digits(amount: float) -> str:
    decimals = 2 if amount < 9.995 else 1 if amount < 99.95 else 0
    return f"{amount:.{decimals}f}"
