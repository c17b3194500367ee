"""head, tail and count_lines agree with Python's text mode, whatever the text, its encoding and its line ends."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from course.errors import BadArgumentError
from course.reading import BLOCK, _Encoding, _start_of_last_lines, count_lines, head, tail

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1", "cp1252", "shift_jis", "gb18030"]
# bytes of line ends across two letters of UTF-16
STRADDLING = ["\u0a41\u0100", "\u4100\u0a41", "\u0d41\u0100"]
# letters whose bytes contain those of line ends or of others: U+0A0D, U+0D0A, an emoji, a combining accent
ENDS = ["\n", "\r\n", "\r", "\r\r\n", ""]
LETTERS = ["a", "é", "€", "語", "🙂", "\u0a0d", "\u0d0a", "\u0301", "\x85", "\u2028", " ;", *STRADDLING]
texts = st.lists(st.one_of(st.sampled_from(ENDS + LETTERS), st.text(max_size=5)), max_size=30).map("".join)


def reference(text: str) -> list[str]:
    return [line.removesuffix("\n") for line in io.StringIO(text, newline=None)]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lines") / "text.txt"


def write(path: Path, text: str, encoding: str) -> str:
    """Write what the encoding can say of a text, and return it as it is read back."""
    data = text.encode(encoding, errors="replace")
    path.write_bytes(data)
    return data.decode(encoding)


@given(text=texts, n=st.integers(0, 40), encoding=st.sampled_from(ENCODINGS))
@example("\r\nx", 1, "utf-16")
@example("a\n\u0a41\u0100", 1, "utf-16")
@example("a\n\u4100\u0a41", 1, "utf-16-be")
def test_head_and_tail_are_slices_of_the_decoded_lines(path: Path, text: str, n: int, encoding: str) -> None:
    lines = reference(write(path, text.lstrip("\ufeff"), encoding))
    assert head(path, n, encoding=encoding) == lines[:n]
    assert tail(path, n, encoding=encoding) == lines[max(0, len(lines) - n) :]
    assert count_lines(path, text=True, encoding=encoding) == len(lines)


@given(end=st.sampled_from(["\n", "\r\n", "\r"]), n=st.integers(1, 4), filler=st.integers(-6, 6))
@example("\r\n", 2, -1)  # the block starts between \r and \n
@example("\r\n", 3, -1)
@example("\r", 2, -1)
def test_tail_sees_line_ends_that_straddle_its_blocks(path: Path, end: str, n: int, filler: int) -> None:
    lines = reference(write(path, f"first{end}second{end}" + "x" * (BLOCK + filler), "utf-8"))
    assert tail(path, n) == lines[-n:]


@given(data=st.binary(max_size=60), n=st.integers(0, 20))
def test_bytes_that_are_no_text_show_as_replacement_characters(path: Path, data: bytes, n: int) -> None:
    path.write_bytes(b"x" + data)
    lines = reference((b"x" + data).decode("utf-8", errors="replace"))
    assert head(path, n) == lines[:n]
    assert len(tail(path, n)) == min(n, len(lines))


@given(data=st.binary(max_size=60))
def test_lines_are_counted_as_wc_does_plus_an_unterminated_last_one(path: Path, data: bytes) -> None:
    path.write_bytes(b"x" + data)
    assert count_lines(path) == data.count(b"\n") + (not data.endswith(b"\n"))


@given(
    lines=st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=30)),
    width=st.integers(0, 20),
)
def test_long_lines_are_cut_after_the_width_and_the_next_line_is_intact(
    path: Path, lines: list[str], width: int
) -> None:
    lines = ["start", *lines]
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    cut = [line if len(line) <= width else line[:width] + "…" for line in lines]
    assert head(path, len(lines), width=width) == cut
    assert tail(path, len(lines), width=width) == cut


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_the_byte_order_mark_says_the_encoding_and_is_not_shown(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "marked.txt"
    path.write_bytes("\ufeffné\r\nà\r\n".encode(encoding))
    assert head(path) == tail(path) == ["né", "à"]
    assert tail(path, 1) == ["à"]
    assert count_lines(path) == 2


class CountingFile(io.FileIO):
    """A file that knows how many bytes were read from it."""

    amount = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size) or b""
        self.amount += len(data)
        return data


def test_the_last_lines_of_a_four_gib_file_are_found_by_reading_only_its_end(tmp_path: Path) -> None:
    path = tmp_path / "month.csv"
    with path.open("wb") as stream:
        stream.write(b"header\n")
        stream.seek(2**32)
        stream.write(b"\nlast but one\nlast\n")
    assert head(path, 1) == ["header"]
    assert tail(path, 2) == ["last but one", "last"]
    with CountingFile(path) as counted:
        assert _start_of_last_lines(counted, _Encoding("utf-8", 0), 2) == 2**32 + 1
        assert counted.amount <= 2 * BLOCK


def test_the_seed_file_has_a_blank_line_between_rows_in_text_mode(tmp_path: Path) -> None:
    path = tmp_path / "small.csv"
    path.write_bytes(b"\r\r\n".join([b"A;B;", b"1;2;", b"3;4;"]) + b"\r\n")
    assert head(path) == ["A;B;", "", "1;2;", "", "3;4;"]
    assert (count_lines(path), count_lines(path, text=True)) == (3, 5)


def test_an_empty_file_has_no_line_and_a_missing_one_is_an_ordinary_error(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    with pytest.raises(FileNotFoundError):
        tail(path)
    path.touch()
    assert (head(path), tail(path), count_lines(path), count_lines(path, text=True)) == ([], [], 0, 0)


@pytest.mark.parametrize("read", [head, tail, count_lines])
def test_what_cannot_be_read_is_refused_with_advice(read: Callable[..., object], path: Path) -> None:
    path.write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(BadArgumentError, match=r"text\.txt is compressed.*decompress it first"):
        read(path)
    path.write_bytes(b"a\n")
    for encoding in ("utf-9", "hex"):
        with pytest.raises(BadArgumentError, match=f"{encoding}.*unknown"):
            read(path, encoding=encoding)
    with pytest.raises(BadArgumentError, match="cannot be -1"):
        head(path, -1)
