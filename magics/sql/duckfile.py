"""Stream a delimited file in DuckDB with its own parallel reader."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from course.progress import is_watched, progress_bar
from magics.sql.errors import SQLError
from magics.sql.naming import quoted

if TYPE_CHECKING:
    from magics.sql.delimited import DelimitedFile

_HEAD = 64 * 1024
_SECONDS = 0.2


def write_file(raw: Any, file: DelimitedFile, table: str, *, append: bool, parallel: bool) -> int:
    """Write the rows of ``file`` in ``table``, created unless ``append``; see ``Connection.import_file``.

    The types are decided on every row (``sample_size=-1``): on its usual sample DuckDB takes for integers a column
    whose decimals come late, and rounds them without a word.
    """
    if file.path.suffix.lower() in {".bz2", ".xz"}:
        raise SQLError(f"DuckDB does not read {file.path.suffix} files: decompress {file.path} first")
    target = f"import_{secrets.token_hex(8)}" if append else table
    with _progress(raw, file):
        rows = _read(raw, file, target, parallel=parallel)
    _drop_extra(raw, file, target)
    if append:
        raw.execute(f"INSERT INTO {quoted(table)} BY NAME SELECT * FROM {quoted(target)}")  # noqa: S608 - quoted
        raw.execute(f"DROP TABLE {quoted(target)}")
    return rows


def _read(raw: Any, file: DelimitedFile, target: str, *, parallel: bool) -> int:
    options = {
        "path": str(file.path),
        "separator": file.separator,
        "encoding": "utf-8" if file.encoding == "utf-8-sig" else file.encoding,
        # one more column than there are names receives what a separator at the end of a line leaves
        "names": [*file.names, f"extra_{secrets.token_hex(8)}"],
        "parallel": parallel,
        "strict": not _has_stray_returns(file),
    }
    raw.execute(
        f"CREATE TABLE {quoted(target)} AS SELECT * FROM read_csv($path, delim=$separator, encoding=$encoding, "  # noqa: S608
        "names=$names, header=true, quote='\"', sample_size=-1, null_padding=true, parallel=$parallel, "
        "strict_mode=$strict)",
        options,
    )
    return int(raw.execute(f"SELECT count(*) FROM {quoted(target)}").fetchall()[0][0])  # noqa: S608 - quoted


def _has_stray_returns(file: DelimitedFile) -> bool:
    r"""Tell whether lines end with ``\r\r\n``, as after a text rewritten on Windows: strict reading refuses it."""
    from magics.sql.delimited import readable

    with readable(file.path, file.encoding) as (stream, _):
        return "\r\r" in stream.read(_HEAD)


def _drop_extra(raw: Any, file: DelimitedFile, target: str) -> None:
    """Drop the columns that have no name in the file, after a check that nothing is in them."""
    columns = [row[1] for row in raw.execute(f"PRAGMA table_info({quoted(target)})").fetchall()]
    for name in columns[len(file.names) :]:
        if raw.execute(f"SELECT count({quoted(name)}) FROM {quoted(target)}").fetchall()[0][0]:  # noqa: S608 - quoted
            raise SQLError(
                f"some rows of {file.path} have more values than the {len(file.names)} names of the first line: "
                f"check the separator, here {file.separator!r}"
            )
        raw.execute(f"ALTER TABLE {quoted(target)} DROP COLUMN {quoted(name)}")


@contextmanager
def _progress(raw: Any, file: DelimitedFile) -> Iterator[None]:
    """Show how far DuckDB says it is, from a thread: the statement itself keeps this one busy."""
    if not is_watched():
        yield
        return
    done = threading.Event()

    def follow() -> None:
        with progress_bar(100, description=f"import {file.path.name}", unit="%") as bar:
            while not done.wait(_SECONDS):
                bar.update(max(0.0, raw.query_progress() - bar.n))

    watcher = threading.Thread(target=follow, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
