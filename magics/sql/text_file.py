"""A delimited text file (CSV, TSV…): its separator, its names, and its rows typed over whole columns."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import math
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from course.progress import progress_bar
from magics.sql.names import SQLError, folded, python_type

if TYPE_CHECKING:
    from pandas import DataFrame, Series

_CANDIDATES = ";\t,|"
_WRITTEN = {r"\t": "\t", "tab": "\t"}
# first bytes, whatever the name: of compressed files, and of an encoding
_COMPRESSIONS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": lambda raw: gzip.GzipFile(fileobj=raw),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
_ENCODINGS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32"}
_ENCODINGS |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# noncharacters in place of NUL, where pandas ends a field, and before blanks that begin a line, which it drops
_NUL, _BLANK = "\ufdd0", "\ufdd1"
_BLANKS = re.compile(r"(?<=[\r\n])(?=[ \t])")
_HEAD = 64 * 1024
# one million values at once: flat memory whatever the number of columns
_VALUES = 1_000_000

# what the values of a column are; the greatest kind met in the column wins
_EMPTY, _INTEGER, _REAL, _TEXT = range(4)
_DTYPES = {_EMPTY: "str", _INTEGER: "Int64", _REAL: "Float64", _TEXT: "str"}


@dataclass(frozen=True)
class DelimitedFile:
    """A text file whose first line names the columns.

    Attributes:
        path: the file, possibly compressed (.gz, .bz2, .xz).
        separator: one character.
        encoding: name of the encoding.
        names: names of the columns; a separator that ends the line makes none.
    """

    path: Path
    separator: str
    encoding: str
    names: list[str]

    def frames(self, schema: Sequence[tuple[str, str]] = ()) -> Iterator[DataFrame]:
        """Return the rows, one frame after another; the whole file is read first, for the types.

        A column is Int64 if all its values are 64-bit integers, Float64 if all are numbers, else text, character by
        character as in the file; one that a table of this ``schema``, (name, SQL type), holds as text is text.

        Raises:
            SQLError: a row has more values than there are names, or the file cannot be decoded.
        """
        declared = {folded(name): kind for name, kind in schema}
        kinds = [_TEXT if _is_text(declared.get(folded(name), "")) else _EMPTY for name in self.names]
        rows = 0
        for chunk in self._chunks(kinds, "types of"):
            kinds = [max(kind, _kind_of(chunk[position].array)) for position, kind in enumerate(kinds)]
            rows += len(chunk)
        return self._typed(kinds, rows)

    def _typed(self, kinds: Sequence[int], rows: int) -> Iterator[DataFrame]:
        dtypes = {position: _DTYPES[kind] for position, kind in enumerate(kinds)}
        for chunk in self._chunks(kinds, "import"):
            rows -= len(chunk)
            yield chunk.astype(dtypes).set_axis(self.names, axis=1)
        if rows:
            raise SQLError(f"{self.path} changed while it was read: import it again")

    def _chunks(self, kinds: Sequence[int], task: str) -> Iterator[DataFrame]:
        """Yield the rows, columns labelled 0, 1…, in types inferred chunk by chunk except for those of text."""
        import pandas as pd

        # one more column than there are names receives what a separator at the end of a line leaves
        width = len(self.names) + 1
        size = self.path.stat().st_size
        # the converter of pandas 3.0 may miss the last bit; from 3.1 on it is exact, and the argument deprecated
        exact: Any = {"float_precision": "round_trip"} if pd.__version__.startswith("3.0.") else {}
        with (
            readable(self.path, self.encoding) as (stream, raw),
            progress_bar(size, description=f"{task} {self.path.name}") as bar,
        ):
            _header(stream, self.separator)
            source = _Source(stream)
            try:
                chunks = pd.read_csv(
                    source,
                    sep=self.separator,
                    header=None,
                    names=list(range(width)),
                    dtype={position: "str" for position, kind in enumerate(kinds) if kind == _TEXT},
                    keep_default_na=False,
                    na_values=[""],
                    dtype_backend="numpy_nullable",
                    chunksize=max(1, _VALUES // width),
                    low_memory=False,
                    **exact,
                )
            except pd.errors.EmptyDataError:
                yield pd.DataFrame(columns=range(width - 1))
                return
            for chunk in self._complete(chunks):
                bar.update(raw.tell() - bar.n)
                if source.is_changed:
                    for position, kind in enumerate(kinds):
                        chunk[position] = _restored(chunk[position], kind)
                yield chunk.iloc[:, :-1]

    def _complete(self, chunks: Iterator[DataFrame]) -> Iterator[DataFrame]:
        """Yield the chunks; an ``SQLError`` at the first row that has more values than there are names."""
        import pandas as pd

        with chunks as parts:  # type: ignore[attr-defined]
            try:
                for chunk in parts:
                    # pandas takes for an index what a first row has beyond the names
                    if chunk.iloc[:, -1].notna().any() or not isinstance(chunk.index, pd.RangeIndex):
                        raise SQLError(self._too_long())
                    yield chunk
            except pd.errors.ParserError as error:
                if "Expected" not in str(error):
                    raise
                raise SQLError(self._too_long()) from None

    def _too_long(self) -> str:
        width = len(self.names)
        with readable(self.path, self.encoding) as (stream, _), _fields_of_any_length():
            _header(stream, self.separator)
            rows = filter(None, csv.reader(iter(stream.readline, ""), delimiter=self.separator))
            too_long = (position for position, row in enumerate(rows, 1) if len(row) > width + 1 or any(row[width:]))
            row = next(too_long, 0)
        return (
            f"row {row:,} of {self.path} has more values than the {width} names of the first line: "
            f"check the separator, here {self.separator!r}"
        )


class _Source(io.TextIOBase):
    """Text as pandas must be given it to keep every character."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream
        self._starts_line = True
        self.is_changed = False

    def read(self, size: int | None = -1) -> str:
        """Return the next characters; what pandas would drop is marked."""
        text = self._stream.read(size)
        if _NUL in text or _BLANK in text:
            raise SQLError("the file holds U+FDD0 or U+FDD1, which are no characters: remove them")
        marked = (
            _BLANKS.sub(_BLANK, text) if any(f"{end}{blank}" in text for end in "\r\n" for blank in " \t") else text
        )
        if self._starts_line and text[:1] in {" ", "\t"}:
            marked = _BLANK + marked
        marked = marked.replace("\0", _NUL)
        self.is_changed |= marked != text
        self._starts_line = text[-1:] in {"\r", "\n"}
        return marked


def _restored(column: Series[Any], kind: int) -> Series[Any]:
    """Return a column without the marks; a number that stands after blanks is one."""
    import pandas as pd

    if not isinstance(column.dtype, pd.StringDtype):
        return column
    text = column.str.replace(_BLANK, "").str.replace(_NUL, "\0")
    try:
        numbers = pd.to_numeric(text.str.strip(" \t"), dtype_backend="numpy_nullable")
    except ValueError:
        return text
    return text if kind == _TEXT else numbers


def _is_text(declared: str) -> bool:
    """Tell whether the values of a column of a table are given to the engine as they are written."""
    return python_type(declared) not in {int, float, object} or declared.upper().startswith(("DEC", "NUM"))


def _kind_of(values: Any) -> int:
    """Return the kind of one chunk of a column, a pandas array; integers over 64 bits, infinities are kept as text."""
    if values.isna().all():
        return _EMPTY
    if str(values.dtype) == "Float64":
        return _TEXT if (abs(values) == math.inf).any() else _REAL
    return _INTEGER if str(values.dtype) == "Int64" else _TEXT


def describe(path: Path, separator: str | None = None, encoding: str = "utf-8") -> DelimitedFile:
    r"""Read the head of a file and return what is needed to read the rest.

    Args:
        path: the file.
        separator: one character, ``\\t`` or ``tab``; guessed from the first lines if None.
        encoding: name of the encoding; a byte order mark is skipped.

    Raises:
        SQLError: the file is missing or empty, or the separator cannot be told.
    """
    if not path.is_file():
        raise SQLError(f"there is no file {path}: check its name and its folder")
    with readable(path, encoding) as (stream, _):
        head = stream.read(_HEAD)
    if not head.strip():
        raise SQLError(f"{path} is empty: its first line should name the columns")
    chosen = _WRITTEN.get(separator or "", separator) or _guess_separator(head)
    if len(chosen) != 1:
        raise SQLError(f"the separator {chosen!r} is not one character: write for instance -s ';' or -s tab")
    with readable(path, encoding) as (stream, _):
        return DelimitedFile(path, chosen, encoding, _header(stream, chosen))


def _guess_separator(head: str) -> str:
    lines = [line for line in head.splitlines() if line.strip()]
    # the last line may be cut
    sample = "\n".join(lines[:-1][:50] or lines)
    try:
        return csv.Sniffer().sniff(sample, delimiters=_CANDIDATES).delimiter
    except csv.Error:
        # a single column, or lines too irregular for the sniffer: the header decides
        return max(_CANDIDATES, key=lines[0].count)


@contextmanager
def readable(path: Path, encoding: str) -> Iterator[tuple[io.TextIOWrapper, BinaryIO]]:
    """Yield the decompressed text of a file, and its bytes on disk to know how far the reading is."""
    import pandas as pd

    try:
        with path.open("rb") as raw:
            start = raw.read(6)
            raw.seek(0)
            decompress = next((found for mark, found in _COMPRESSIONS.items() if start.startswith(mark)), None)
            if start.startswith(b"PK\3\4"):
                raise SQLError(f"{path} is a zip archive, or a workbook: unpack it, or save it as text")
            data = decompress(raw) if decompress else raw
            head = data.read(4)
            data.seek(0)
            marked = next((name for mark, name in _ENCODINGS.items() if head.startswith(mark)), "")
            if marked and not codecs.lookup(encoding).name.startswith(marked):
                raise SQLError(f"{path} is not in {encoding}: try -e {marked}")
            with io.TextIOWrapper(data, encoding=encoding, newline="") as stream:
                if stream.read(1) != "\ufeff":
                    stream.seek(0)
                yield stream, raw
    except UnicodeError as error:
        other = "latin-1" if codecs.lookup(encoding).name == "utf-8" else "utf-8"
        raise SQLError(f"{path} is not in {encoding}: try -e {other}") from error
    except LookupError as error:
        raise SQLError(f"{error}: write for instance -e utf-8 or -e latin-1") from error
    except (pd.errors.ParserError, csv.Error, EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise SQLError(f"{path} cannot be read to its end: {error}") from error


@contextmanager
def _fields_of_any_length() -> Iterator[None]:
    limit = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _header(stream: io.TextIOWrapper, separator: str) -> list[str]:
    """Read the first line that is not blank; the stream is left at the one after."""
    reader = csv.reader(iter(stream.readline, ""), delimiter=separator)
    with _fields_of_any_length():
        names = next((row for row in reader if any(name.strip() for name in row)), [])
    while names and not names[-1].strip():
        names.pop()
    return [name if name.strip() else f"column{position}" for position, name in enumerate(names)]
