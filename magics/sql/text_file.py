"""A delimited text file (CSV, TSV…): its separator, its names, and its rows typed over whole columns."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from course.progress import progress_bar
from magics.sql.names import SQLError, folded

if TYPE_CHECKING:
    from pandas import DataFrame

_CANDIDATES = ";\t,|"
_WRITTEN = {r"\t": "\t", "tab": "\t"}
_COMPRESSIONS: dict[str, Callable[..., Any]] = {
    ".gz": lambda raw: gzip.GzipFile(fileobj=raw),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
_HEAD = 64 * 1024
# one million values at once: flat memory whatever the number of columns
_VALUES = 1_000_000
# declared types whose values are text: https://www.sqlite.org/datatype3.html section 3.1, and DuckDB's VARCHAR
_TEXT_TYPE = re.compile("CHAR|CLOB|TEXT", re.IGNORECASE)


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
        kinds = [_TEXT if _TEXT_TYPE.search(declared.get(folded(name), "")) else _EMPTY for name in self.names]
        for chunk in self._chunks(kinds, "types of"):
            kinds = [max(kind, _kind_of(chunk[position].array)) for position, kind in enumerate(kinds)]
        dtypes = {position: _DTYPES[kind] for position, kind in enumerate(kinds)}
        return (chunk.astype(dtypes).set_axis(self.names, axis=1) for chunk in self._chunks(kinds, "import"))

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
            try:
                chunks = pd.read_csv(
                    stream,
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
            row = 1
            for chunk in chunks:
                extra = chunk.iloc[:, -1].notna().to_numpy()
                # pandas takes for an index what a first row has beyond the names
                if extra.any() or not isinstance(chunk.index, pd.RangeIndex):
                    raise SQLError(
                        f"row {row + int(extra.argmax()):,} of {self.path} has more values than the {width - 1} names "
                        f"of the first line: check the separator, here {self.separator!r}"
                    )
                row += len(chunk)
                bar.update(raw.tell() - bar.n)
                yield chunk.iloc[:, :-1]


def _kind_of(values: Any) -> int:
    """Return the kind of one chunk of a column, a pandas array; integers over 64 bits are kept as text."""
    return _EMPTY if values.isna().all() else {"Int64": _INTEGER, "Float64": _REAL}.get(str(values.dtype), _TEXT)


def describe(path: Path, separator: str | None = None, encoding: str = "utf-8") -> DelimitedFile:
    r"""Read the head of a file and return what is needed to read the rest.

    Args:
        path: the file.
        separator: one character, ``\\t`` or ``tab``; guessed from the first lines if None.
        encoding: name of the encoding; a byte order mark is skipped in UTF-8.

    Raises:
        SQLError: the file is missing or empty, or the separator cannot be told.
    """
    if not path.is_file():
        raise SQLError(f"there is no file {path}: check its name and its folder")
    encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding
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

    decompress = _COMPRESSIONS.get(path.suffix.lower())
    try:
        with (
            path.open("rb") as raw,
            io.TextIOWrapper(decompress(raw) if decompress else raw, encoding=encoding, newline="") as stream,
        ):
            yield stream, raw
    except UnicodeDecodeError as error:
        raise SQLError(f"{path} is not in {encoding}: try -e latin-1") from error
    except LookupError as error:
        raise SQLError(f"{error}: write for instance -e utf-8 or -e latin-1") from error
    except (pd.errors.ParserError, csv.Error, EOFError, OSError, lzma.LZMAError) as error:
        raise SQLError(f"{path} cannot be read to its end: {error}") from error


def _header(stream: io.TextIOWrapper, separator: str) -> list[str]:
    """Read the first line that is not blank; the stream is left at the one after."""
    reader = csv.reader(iter(stream.readline, ""), delimiter=separator)
    names = next((row for row in reader if any(name.strip() for name in row)), [])
    while names and not names[-1].strip():
        names.pop()
    return [name if name.strip() else f"column{position}" for position, name in enumerate(names)]
