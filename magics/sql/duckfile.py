"""Stream a delimited file in DuckDB with its own parallel reader."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from course.progress import is_watched, progress_bar
from course.size import parse_size
from magics.sql.delimited import readable
from magics.sql.errors import SQLError
from magics.sql.kinds import Kind, all_kinds, first_kinds
from magics.sql.naming import quoted

if TYPE_CHECKING:
    from magics.sql.delimited import DelimitedFile
    from magics.sql.duck import DuckConnection

_TYPES = {Kind.EMPTY: "VARCHAR", Kind.INTEGER: "BIGINT", Kind.REAL: "DOUBLE", Kind.TEXT: "VARCHAR"}
_HEAD = 64 * 1024
# bytes: what 1.6 million rows of 55 columns need to go at full speed on two threads is 512 MiB
_LEAST_MEMORY, _THREAD_MEMORY = 256 * 2**20, 128 * 2**20
_SECONDS = 0.2


def write_file(connection: DuckConnection, file: DelimitedFile, table: str, *, append: bool, parallel: bool) -> int:
    """Write the rows of ``file`` in ``table``, created unless ``append``; see ``Connection.import_file``.

    The types are read over the whole file first: on its usual sample DuckDB takes for integers a column whose
    decimals come late and rounds them without a word, and with ``sample_size=-1`` it needs three times longer.
    """
    if file.path.suffix.lower() in {".bz2", ".xz"}:
        raise SQLError(f"DuckDB does not read {file.path.suffix} files: decompress {file.path} first")
    kinds = all_kinds(file, first_kinds(file, connection.schema(table) if append else ()))
    target = f"INSERT INTO {quoted(table)} BY NAME" if append else f"CREATE TABLE {quoted(table)} AS"
    with _progress(connection.raw, file):
        connection.raw.execute(f"{target} {_reading(file)}", _options(file, kinds, parallel=parallel))
        return int(connection.raw.fetchall()[0][0])


@contextmanager
def bounded_memory(raw: Any) -> Iterator[None]:
    """Bound the memory of DuckDB while it writes a table in a file: its cache would grow with the table."""
    import duckdb

    settings = "SELECT current_setting('memory_limit'), current_setting('threads')"
    ((limit, threads),) = raw.execute(settings).fetchall()
    bound = _LEAST_MEMORY + threads * _THREAD_MEMORY
    if parse_size(limit) > bound:
        # what is in use already may be more
        with suppress(duckdb.OutOfMemoryException):
            raw.execute(f"SET memory_limit = '{bound} B'")
    try:
        yield
    finally:
        raw.execute(f"SET memory_limit = '{limit}'")


def _reading(file: DelimitedFile) -> str:
    names = ", ".join(map(quoted, file.names))
    return (
        f"SELECT {names} FROM read_csv($path, delim=$separator, encoding=$encoding, names=$names, types=$types, "  # noqa: S608
        "header=true, quote='\"', null_padding=true, parallel=$parallel, strict_mode=$strict)"
    )


def _options(file: DelimitedFile, kinds: list[Kind], *, parallel: bool) -> dict[str, Any]:
    return {
        "path": str(file.path),
        "separator": file.separator,
        "encoding": "utf-8" if file.encoding == "utf-8-sig" else file.encoding,
        # one more column than there are names receives what a separator at the end of a line leaves: it is empty,
        # the reading of the types has checked it
        "names": [*file.names, f"extra_{secrets.token_hex(8)}"],
        "types": [*(_TYPES[kind] for kind in kinds), "VARCHAR"],
        "parallel": parallel,
        "strict": not _has_stray_returns(file),
    }


def _has_stray_returns(file: DelimitedFile) -> bool:
    r"""Tell whether lines end with ``\r\r\n``, as after a text rewritten on Windows: strict reading refuses it."""
    with readable(file.path, file.encoding) as (stream, _):
        return "\r\r" in stream.read(_HEAD)


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
