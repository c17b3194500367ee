"""Neighbouring columns whose values come together, rendered once for all the combinations they can take.

A row of the file is ten segments and thirteen numbers. A segment keeps every combination of its codes twice: as
integers, for typed formats, and as the piece of text ``"76;20;76;"``, for CSV. Making a row then is a matter of picking
pieces, not of formatting numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from course.generator.schema import COLUMNS, DECIMALS, SEPARATOR, ZERO_PADDED

Index = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Axis:
    """Values that some columns take together: one tuple per choice, in the order of ``columns``."""

    columns: tuple[str, ...]
    choices: Sequence[tuple[int, ...]]


def hundredths_text(value: int) -> str:
    """Return a number of hundredths as the real files write it: no leading zero, no trailing zero.

    >>> [hundredths_text(value) for value in (51, -50, 440, 7000, 0)]
    ['.51', '-.5', '4.4', '70', '0']
    """
    if value == 0:
        return "0"
    whole, part = divmod(abs(value), 100)
    fraction = f".{part:02d}".rstrip("0").rstrip(".")
    return f"{'-' if value < 0 else ''}{whole or ''}{fraction}"


def code_text(column: str, code: int) -> str:
    """Return a code as it is written in ``column``: plain, zero padded, or a decimal kept in hundredths."""
    if column in DECIMALS:
        return hundredths_text(code)
    return f"{code:0{ZERO_PADDED.get(column, 1)}d}"


class Segment:
    """The product of a few axes, its columns put in file order.

    Attributes:
        columns: names, neighbours in the file.
        codes: array (combinations, columns) of ``int32``; a decimal column is in hundredths.
        text: for each combination the codes with a separator after each, and a line end after the last column.
    """

    def __init__(self, *axes: Axis) -> None:
        unordered = [name for axis in axes for name in axis.columns]
        order = sorted(range(len(unordered)), key=lambda position: COLUMNS.index(unordered[position]))
        combinations = [sum(choice, ()) for choice in product(*(axis.choices for axis in axes))]
        self.columns = tuple(unordered[position] for position in order)
        self.codes = np.array(combinations, dtype=np.int32)[:, order]
        self.sizes = tuple(len(axis.choices) for axis in axes if len(axis.choices) > 1)
        self.text = pa.array(self._render(), pa.string())

    def _render(self) -> Iterable[str]:
        end = "\n" if self.columns[-1] == COLUMNS[-1] else ""
        by_column = [
            [code_text(name, code) + SEPARATOR for code in self.codes[:, position].tolist()]
            for position, name in enumerate(self.columns)
        ]
        return ("".join(parts) + end for parts in zip(*by_column, strict=True))

    def index(self, *choices: npt.NDArray[np.integer] | int) -> Index:
        """Return the number of the combination made of one choice per axis (axes of one choice left out)."""
        number: npt.NDArray[np.int32] = np.asarray(choices[0], dtype=np.int32)
        for size, choice in zip(self.sizes[1:], choices[1:], strict=True):
            number = number * np.int32(size) + choice
        return number.astype(np.int32, copy=False)


def single(column: str, codes: Iterable[int]) -> Axis:
    """Return the axis of one column."""
    return Axis((column,), [(code,) for code in codes])
