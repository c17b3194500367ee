"""Sizes are read and printed without losing more than the printed digits."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from course.errors import BadArgumentError
from course.size import format_size, parse_size

SIZES = {
    "12345": 12345,
    "4GiB": 4 * 2**30,
    "500 MB": 500_000_000,
    "1.5kib": 1536,
    " .5 GB ": 500_000_000,
    "7 b": 7,
    "0": 0,
}


@pytest.mark.parametrize(("text", "size"), SIZES.items())
def test_a_size_is_a_number_and_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1", "4 G", "4 GiBs", "1,5 GB", "1e3", "four", "1.2.3 MB", "nan", "٣"])
def test_what_is_not_a_size_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(BadArgumentError, match="is not a size") as caught:
        parse_size(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (2**20 - 1, "1.00 MiB"), (4 * 2**30, "4.00 GiB")],
)
def test_a_size_is_printed_in_binary_units(size: int, text: str) -> None:
    assert format_size(size) == text


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(BadArgumentError, match="negative"):
        format_size(-1)


@given(st.integers(0, 2**58))
@example(1111)
def test_printing_then_reading_is_right_to_three_digits(size: int) -> None:
    # half of the last of three digits, and the part of a byte that reading leaves out
    assert parse_size(format_size(size)) == pytest.approx(size, abs=0.005 * size + 1)


@given(st.integers(0, 2**60))
def test_a_number_of_bytes_is_read_exactly(size: int) -> None:
    assert parse_size(str(size)) == parse_size(f"{size} B") == size
