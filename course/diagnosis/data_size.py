"""How large a month to generate on a machine: too large for its memory, if its disk allows."""

from __future__ import annotations

from dataclasses import dataclass

from course.size import format_size

TABLE_BYTES_PER_ROW = 8 * 56
"""A month read by pandas without options: 56 columns, the nameless one included, of 8 bytes."""
TEXT_BYTES_PER_ROW = 161
"""The CSV text of a generated month; 160.6 was measured on 26,749,551 rows."""
SIZES = tuple(2**power for power in range(28, 37))
"""From 256 MiB to 64 GiB."""
REAL_SIZE = 2**32
"""The real months weigh 4 GiB and more: no smaller one is advised where there is room."""
DISK_SHARE = 2
"""A month may take one part in so many of the free disk: the lessons write other forms of it beside."""


@dataclass(frozen=True)
class DataSize:
    """A month to generate.

    Attributes:
        size_bytes: of its CSV text; 0 if there is no room for one.
        rows: about how many rows that makes.
        table_bytes: about what they take in memory, as a pandas table.
        memory_bytes: what the machine has.
    """

    size_bytes: int
    rows: int
    table_bytes: int
    memory_bytes: int

    @property
    def fits_in_memory(self) -> bool:
        """Whether pandas could hold the whole month."""
        return self.table_bytes < self.memory_bytes

    def __str__(self) -> str:
        memory = format_size(self.memory_bytes)
        if not self.size_bytes:
            return "keep to the small file: there is no room on the disk for a month"
        gibibytes = self.size_bytes / 2**30
        month = (
            f'course.month_file("data/A201612.csv", size={gibibytes:g} * 2**30) makes {self.rows / 1e6:,.0f} million '
            f"rows, {format_size(self.table_bytes)} as a pandas table"
        )
        if self.fits_in_memory:
            return f"{month}: that fits in {memory} of memory, so show what does not with %%memory_cap"
        return f"{month}: that does not fit in {memory} of memory"


def advise(memory_bytes: int, free_bytes: int) -> DataSize:
    """Return the smallest usual month whose table is larger than memory, or the largest that the disk allows."""
    sizes = [data_size(size, memory_bytes) for size in SIZES if size * DISK_SHARE <= free_bytes]
    too_large = [one for one in sizes if one.size_bytes >= REAL_SIZE and not one.fits_in_memory]
    return [*too_large[:1], *sizes[-1:], data_size(0, memory_bytes)][0]


def data_size(size_bytes: int, memory_bytes: int) -> DataSize:
    """Return what a month of some bytes of CSV text takes."""
    rows = size_bytes // TEXT_BYTES_PER_ROW
    return DataSize(size_bytes, rows, rows * TABLE_BYTES_PER_ROW, memory_bytes)
