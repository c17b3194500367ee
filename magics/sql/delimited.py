"""A delimited text file (CSV, TSV…): its separator, its names, its rows by chunks."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from magics.sql.errors import SQLError

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

    def chunks(
        self,
        text: frozenset[int] = frozenset(),
        progress: Callable[[int], object] | None = None,
        rows: int | None = None,
    ) -> Iterator[DataFrame]:
        """Yield the rows, columns labelled 0, 1…, in nullable types inferred chunk by chunk.

        Args:
            text: positions of the columns to leave as text.
            progress: called with the number of bytes of the file read since its last call.
            rows: how many rows to read, all if None.

        Raises:
            SQLError: a row has more values than there are names, or the file cannot be decoded.
        """
        with readable(self.path, self.encoding) as (stream, raw):
            _header(stream, self.separator)
            first, position = 1, 0
            for chunk in _parse(self, stream, text, rows):
                _check_width(self, chunk, first)
                first += len(chunk)
                if progress is not None:
                    progress(raw.tell() - position)
                    position = raw.tell()
                yield chunk.iloc[:, :-1]


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
    chosen = _WRITTEN.get(separator or "", separator)
    with readable(path, encoding) as (stream, _):
        head = stream.read(_HEAD)
    if not head.strip():
        raise SQLError(f"{path} is empty: its first line should name the columns")
    chosen = chosen or _guess_separator(head)
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

    decompress = _COMPRESSIONS.get(path.suffix.lower(), _plain)
    try:
        with path.open("rb") as raw, io.TextIOWrapper(decompress(raw), encoding=encoding, newline="") as stream:
            yield stream, raw
    except UnicodeDecodeError as error:
        raise SQLError(f"{path} is not in {encoding}: try -e latin-1") from error
    except LookupError as error:
        raise SQLError(f"{error}: write for instance -e utf-8 or -e latin-1") from error
    except (pd.errors.ParserError, csv.Error, EOFError, OSError, lzma.LZMAError) as error:
        raise SQLError(f"{path} cannot be read to its end: {error}") from error


def _plain(raw: BinaryIO) -> BinaryIO:
    return raw


def _header(stream: io.TextIOWrapper, separator: str) -> list[str]:
    """Read the first line that is not blank; the stream is left at the one after."""
    reader = csv.reader(iter(stream.readline, ""), delimiter=separator)
    names = next((row for row in reader if any(name.strip() for name in row)), [])
    while names and not names[-1].strip():
        names.pop()
    return [name if name.strip() else f"column{position}" for position, name in enumerate(names)]


def _parse(
    file: DelimitedFile, stream: io.TextIOWrapper, text: frozenset[int], rows: int | None
) -> Iterator[DataFrame]:
    import pandas as pd

    # one more column than there are names receives what a separator at the end of a line leaves
    width = len(file.names) + 1
    try:
        yield from pd.read_csv(
            stream,
            sep=file.separator,
            header=None,
            names=list(range(width)),
            index_col=False,
            dtype=dict.fromkeys(text, "str"),
            keep_default_na=False,
            na_values=[""],
            dtype_backend="numpy_nullable",
            chunksize=max(1, _VALUES // width),
            nrows=rows,
            low_memory=False,
        )
    except pd.errors.EmptyDataError:
        return


def _check_width(file: DelimitedFile, chunk: DataFrame, first: int) -> None:
    extra = chunk.iloc[:, -1].notna().to_numpy()
    if extra.any():
        raise SQLError(
            f"row {first + int(extra.argmax()):,} of {file.path} has more values than the {len(file.names)} names "
            f"of the first line: check the separator, here {file.separator!r}"
        )
