"""Which engine and which file a name or a URL stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from magics.sql.errors import SQLError

SUFFIXES = {
    ".db": "sqlite",
    ".db3": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".duckdb": "duckdb",
    ".ddb": "duckdb",
}
TITLES = {"sqlite": "SQLite", "duckdb": "DuckDB"}
# first bytes: https://www.sqlite.org/fileformat.html#magic_header_string, https://duckdb.org/docs/internals/storage
_SQLITE_HEADER = b"SQLite format 3\x00"
_DUCKDB_HEADER = b"DUCK"
_URL_WITHOUT_SLASHES = re.compile(r"(sqlite|duckdb|file|:memory):", re.IGNORECASE)


@dataclass(frozen=True)
class Location:
    """A database: its engine (``sqlite`` or ``duckdb``) and its file, None when it lives in memory."""

    engine: str
    path: Path | None

    def __str__(self) -> str:
        return ":memory:" if self.path is None else str(self.path)


def locate(target: str) -> Location:
    """Return the database that ``target`` names: a path, ``:memory:``, ``sqlite:///path`` or ``duckdb:///path``.

    Raises:
        SQLError: the engine cannot be told from the suffix or the URL.
    """
    if target == ":memory:":
        return Location("sqlite", None)
    engine, separator, rest = target.partition("://")
    if separator:
        return _locate_url(target, engine.lower(), rest)
    if _URL_WITHOUT_SLASHES.match(target):
        raise SQLError(f"no engine for {target!r}: write sqlite:///path or duckdb:///path")
    path = _home_expanded(target)
    if path.suffix.lower() not in SUFFIXES:
        raise SQLError(
            f"the engine of {target!r} is unknown: use one of the suffixes {', '.join(SUFFIXES)}, "
            "or write sqlite:///path or duckdb:///path"
        )
    return Location(SUFFIXES[path.suffix.lower()], path)


def _locate_url(target: str, engine: str, rest: str) -> Location:
    if engine in {"s3", "gs", "gcs", "abfs", "http", "https"}:
        raise SQLError(
            f"{target!r} is not on this machine, and a database is read from a disk: copy the file here first"
        )
    if engine not in TITLES:
        raise SQLError(f"no engine for {target!r}: write sqlite:///path or duckdb:///path")
    if rest in {"", "/", "/:memory:"}:
        return Location(engine, None)
    if not rest.startswith("/"):
        raise SQLError(f"{target!r} lacks a slash: write {engine}:///{rest}")
    if "?" in rest or rest.startswith("/:memory:"):
        raise SQLError(f"{target!r} has parameters: write {engine}:///path and the options of %SQL_connect")
    return Location(engine, _home_expanded(rest[1:]))


def _home_expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise SQLError(f"{text}: {error}") from None


def shown_path(file: str) -> Path | None:
    """Return the path of an open database as a person would write it from here, None if it has no file."""
    path = Path(file)
    if not file:
        return None
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def check_file(location: Location, *, create: bool) -> None:
    """Check that the file of ``location`` can be opened by its engine.

    Raises:
        SQLError: the file does not exist and ``create`` is false, or it is not a database of this engine.
    """
    if location.path is None:
        return
    try:
        _check_path(location, location.path, create=create)
    except OSError as error:
        raise SQLError(f"{location.path} cannot be opened: {error.strerror or error}") from None


def _check_path(location: Location, path: Path, *, create: bool) -> None:
    if path.is_dir():
        raise SQLError(f"{path} is a folder: name a file in it")
    if path.exists():
        _check_header(location, path)
    elif create:
        path.parent.mkdir(parents=True, exist_ok=True)
    else:
        raise SQLError(f"{path} does not exist{_neighbours(path)}: check the name, or add --create to make it")


def _neighbours(path: Path) -> str:
    """Say which databases stand beside a missing file: a wrong name is the usual cause."""
    if not path.parent.is_dir():
        return f" (there is no folder {path.parent})"
    found = sorted(item.name for item in path.parent.iterdir() if item.suffix.lower() in SUFFIXES)
    return f" (databases here: {', '.join(found[:10])})" if found else ""


def _check_header(location: Location, path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(16)
    found = _engine_of(head)
    if head and found is None:
        raise SQLError(f"{path} is not a database: %SQL_import_tsv reads a text file into one")
    if found is not None and found != location.engine:
        raise SQLError(f"{path} is a {TITLES[found]} database: connect to {found}:///{path}")


def _engine_of(head: bytes) -> str | None:
    if head.startswith(_SQLITE_HEADER):
        return "sqlite"
    return "duckdb" if head[8:12] == _DUCKDB_HEADER else None
