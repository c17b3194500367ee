"""The ways, by name: the function, the format of file it reads, the library it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from course.errors import BadArgumentError
from course.reading import Location, explained, fetched, located
from course.ways.formats import load
from course.ways.libraries import require

if TYPE_CHECKING:
    from course.ways.question import Answer


@dataclass(frozen=True)
class Way:
    """A way of answering the question.

    Attributes:
        name: the library, then the format or what distinguishes the way.
        title: a few words for tables and pictures.
        reader: module and function that answer.
        format: name of the format of the file it reads.
        library: the module it needs; the name before the first point is that of the library.
        streaming: whether its memory stays the same when the file grows.
        remote: whether it reads an object in place, at an address such as ``s3://bucket/key``; the others read a copy.
    """

    name: str
    title: str
    reader: str
    format: str
    library: str
    streaming: bool = True
    remote: bool = False

    @property
    def function(self) -> Callable[[Location], Answer]:
        """The function that answers: a file in, the sums by age class out; its library is imported only now.

        Raises:
            MissingDependencyError: the library is not installed.
        """
        require(self.library)
        return cast("Callable[[Location], Answer]", load(self.reader))


WAYS: dict[str, Way] = {
    way.name: way
    for way in (
        Way("python-csv", "csv module", "python_ways:python_csv", "csv", "csv", remote=True),
        Way("pandas-csv", "pandas, whole", "pandas_ways:pandas_csv", "csv", "pandas", streaming=False, remote=True),
        Way("pandas-csv-columns", "pandas, 2 columns", "pandas_ways:pandas_csv_columns", "csv", "pandas",
            streaming=False, remote=True),
        Way("pandas-csv-chunks", "pandas, chunks", "pandas_ways:pandas_csv_chunks", "csv", "pandas", remote=True),
        Way("dask-csv", "dask", "dask_ways:dask_csv", "csv", "dask.dataframe", remote=True),
        Way("pyarrow-csv", "Arrow, CSV", "pyarrow_ways:pyarrow_csv", "csv", "pyarrow.csv", remote=True),
        Way("duckdb-csv", "DuckDB, CSV", "duckdb_ways:duckdb_csv", "csv", "duckdb", remote=True),
        Way("polars-csv", "Polars, CSV", "polars_ways:polars_csv", "csv", "polars", remote=True),
        Way("numpy-csv", "numpy, bytes", "numpy_ways:numpy_csv", "csv", "numpy", remote=True),
        Way("pandas-pickle", "pickle", "pandas_ways:pandas_pickle", "pickle", "pandas", streaming=False, remote=True),
        Way("pyarrow-feather", "Feather", "pyarrow_ways:pyarrow_feather", "feather", "pyarrow", remote=True),
        Way("pyarrow-parquet", "Parquet, Arrow", "pyarrow_ways:pyarrow_parquet", "parquet", "pyarrow.parquet",
            remote=True),
        Way("polars-parquet", "Parquet, Polars", "polars_ways:polars_parquet", "parquet", "polars", remote=True),
        Way("sqlite", "SQLite", "sqlite_ways:sqlite", "sqlite", "sqlite3"),
        Way("sqlite-index", "SQLite, index", "sqlite_ways:sqlite", "sqlite-index", "sqlite3"),
        Way("duckdb", "DuckDB", "duckdb_ways:duckdb_database", "duckdb", "duckdb"),
        Way("h5py", "HDF5", "hdf5_ways:h5py_hdf5", "hdf5", "h5py", remote=True),
        Way("zarr", "zarr", "zarr_ways:zarr_group", "zarr", "zarr", remote=True),
        Way("bcolz", "bcolz", "bcolz_ways:bcolz_ctable", "bcolz", "bcolz"),
        Way("blosc2", "blosc2", "blosc2_ways:blosc2_ctable", "blosc2", "blosc2"),
    )
}  # fmt: skip
"""Every way, by name, those that read CSV first."""


def find_ways(names: Iterable[str] | None = None) -> list[Way]:
    """Return the ways that bear these names, all of them by default.

    Raises:
        BadArgumentError: a name is that of no way.
    """
    chosen = list(WAYS) if names is None else list(dict.fromkeys(names))
    unknown = [name for name in chosen if name not in WAYS]
    if unknown:
        raise BadArgumentError(f"there is no way called {unknown[0]!r}; choose among {', '.join(WAYS)}")
    return [WAYS[name] for name in chosen]


def answer(name: str, path: Path | str) -> Answer:
    """Answer the question: the sum of ``PRS_REM_MNT`` by ``AGE_BEN_SNDS``, in euros.

    Args:
        name: a way, one of ``WAYS``.
        path: a file in the format that the way reads, or an address such as ``s3://bucket/key``: read in place, or
            copied for the occasion where ``remote`` is false.

    Returns:
        A Series of float64 named ``PRS_REM_MNT``, sorted by its index of int64, ``AGE_BEN_SNDS``. Rows without age
        belong to no class; a missing amount adds nothing.

    Raises:
        BadArgumentError: there is no such way, or nothing is known of this kind of address.
        DownloadError: no object store answers, or the keys are wrong.
        MissingDependencyError: its library is not installed.
    """
    way = find_ways([name])[0]
    if way.remote:
        with explained(path):
            return way.function(located(path))
    with fetched(path) as copy:
        return way.function(copy)
