"""The formats a way may read, and how a file of each is made from the CSV file."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from course.errors import BadArgumentError
from course.files import make_folder
from course.reading import Location, located, stored
from course.ways.libraries import require


@dataclass(frozen=True)
class Format:
    """A format of file.

    Attributes:
        name: what ``convert`` calls it.
        suffix: how names of such files end.
        writer: module and function that write one from a CSV file, empty for CSV itself.
        library: the library that the writer needs.
        streaming: whether a file larger than memory can be converted.
    """

    name: str
    suffix: str
    writer: str = ""
    library: str = "pyarrow"
    streaming: bool = True


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("csv", ".csv"),
        Format("pickle", ".pkl", "pandas_ways:to_pickle", "pandas", streaming=False),
        Format("feather", ".feather", "pyarrow_ways:to_feather"),
        Format("parquet", ".parquet", "pyarrow_ways:to_parquet"),
        Format("sqlite", ".sqlite", "sqlite_ways:to_sqlite", "sqlite3"),
        Format("sqlite-index", ".index.sqlite", "sqlite_ways:to_sqlite_index", "sqlite3"),
        Format("duckdb", ".duckdb", "duckdb_ways:to_duckdb", "duckdb"),
        Format("hdf5", ".h5", "hdf5_ways:to_hdf5", "h5py"),
        Format("zarr", ".zarr", "zarr_ways:to_zarr", "zarr"),
        Format("bcolz", ".bcolz", "bcolz_ways:to_bcolz", "bcolz"),
        Format("blosc2", ".b2d", "blosc2_ways:to_blosc2", "blosc2"),
    )
}
"""Every format, by name; ``csv`` is what the others are made from."""


def convert(name: str, source: Path | str, target: Path | str) -> Location:
    """Write the table of a CSV file of the course in another format, completely or not at all, and return its path.

    A file or folder that bears the name already is replaced. CSV is not converted: its own path is returned. Both may
    be addresses such as ``s3://bucket/key``; a folder (zarr, bcolz, blosc2) is then stored object by object.

    Raises:
        BadArgumentError: there is no such format, or nothing is known of this kind of address.
        DownloadError: no credentials, or no object store answers.
        MissingDependencyError: its library is not installed.
        OutputError: the folder cannot be written.
    """
    if name not in FORMATS:
        raise BadArgumentError(f"there is no format called {name!r}; choose one of {', '.join(FORMATS)}")
    form, source, target = FORMATS[name], located(source), located(target)
    if not form.writer:
        return source
    require(form.library)
    with stored(target) as written:
        _write(form, source, written)
    return target


def _write(form: Format, source: Location, target: Path) -> None:
    make_folder(target.parent)
    temporary = target.with_name(f".part-{target.name}")
    try:
        _remove(temporary)
        load(form.writer)(source, temporary)
        _remove(target)
        temporary.rename(target)
    finally:
        _remove(temporary)


def load(reference: str) -> Callable[..., object]:
    """Return the function that ``module:function`` names, in this package."""
    module, _, function = reference.partition(":")
    return cast("Callable[..., object]", getattr(importlib.import_module(f"course.ways.{module}"), function))


def size_on_disk(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder."""
    return (
        sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else path.stat().st_size
    )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
