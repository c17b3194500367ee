"""The ways of answering the question and the formats of file that they read, by name, and what each of them needs."""

from __future__ import annotations

import importlib
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import (
    BadArgumentError,
    CourseError,
    MissingDependencyError,
    MissingFileError,
    UnreadableFileError,
)
from course.optional import is_installed
from course.reading import Location, explained, fetched, located, open_binary, stored
from course.ways.checking import check_file, plain_copy
from course.ways.targets import FOLDERS, one_line, placed, plainly_named, refuse_a_stranger

if TYPE_CHECKING:
    from course.ways.question import Answer

_ONE_AT_A_TIME = threading.Lock()
"""Held by a conversion: bcolz waits for ever if two threads compress at once."""
PACKAGES = {"bcolz": "bcolz-zipline"}
"""Names of the packages that are not the name of their module."""


@dataclass(frozen=True)
class FileFormat:
    """A format of file; its writer is the module and function that make one from a CSV file, empty for CSV itself."""

    name: str
    suffix: str
    writer: str = ""
    library: str = "pyarrow"  # that the writer needs


FORMATS: dict[str, FileFormat] = {
    form.name: form
    for form in (
        FileFormat("csv", ".csv"),
        FileFormat("pickle", ".pkl", "pandas_ways:to_pickle", "pandas"),
        FileFormat("feather", ".feather", "pyarrow_ways:to_feather"),
        FileFormat("parquet", ".parquet", "pyarrow_ways:to_parquet"),
        FileFormat("sqlite", ".sqlite", "sql_ways:to_sqlite", "sqlite3"),
        FileFormat("sqlite-index", ".index.sqlite", "sql_ways:to_sqlite_index", "sqlite3"),
        FileFormat("duckdb", ".duckdb", "sql_ways:to_duckdb", "duckdb"),
        FileFormat("hdf5", ".h5", "chunked_ways:to_hdf5", "h5py"),
        FileFormat("zarr", ".zarr", "chunked_ways:to_zarr", "zarr"),
        FileFormat("bcolz", ".bcolz", "chunked_ways:to_bcolz", "bcolz"),
        FileFormat("blosc2", ".b2d", "chunked_ways:to_blosc2", "blosc2"),
    )
}
"""Every format, by name; ``csv`` is what the others are made from."""


@dataclass(frozen=True)
class Way:
    """A way of answering the question, named by the library, then the format or what distinguishes it.

    Attributes:
        reader: module and function that answer.
        format: name of the format of the file it reads.
        library: the module it needs; the name before the first point is that of the library.
        remote: whether it reads an object in place, at an address such as ``s3://bucket/key``; the others read a copy.
        memory: bytes it takes for each byte of the CSV file, as measured and rounded up; 0 if that does not grow.
        late: modules, separated by spaces, that the library only imports when it first answers.
    """

    name: str
    title: str
    reader: str
    format: str
    library: str
    remote: bool = False
    memory: float = 0.0
    late: str = ""

    @property
    def streaming(self) -> bool:
        """Whether its memory stays the same when the file grows."""
        return not self.memory

    @property
    def function(self) -> Callable[[Location], Answer]:
        """The function that answers: a file in, the sums by age class out; its library is imported only now.

        Raises:
            MissingDependencyError: the library is not installed.
        """
        return _load(self.reader, self.library)


# what pandas and Arrow import when they are first used
_PANDAS, _GROUP_BY = "pyarrow.pandas_compat", "pyarrow.acero pyarrow.dataset"
WAYS: dict[str, Way] = {
    way.name: way
    for way in (
        Way("python-csv", "csv module", "python_ways:python_csv", "csv", "csv", remote=True),
        Way("pandas-csv", "pandas, whole", "pandas_ways:pandas_csv", "csv", "pandas", remote=True,
            memory=6, late=_PANDAS),
        Way("pandas-csv-thread", "pandas, 1 thread", "pandas_ways:pandas_csv_thread", "csv", "pandas", remote=True,
            memory=6, late=_PANDAS),
        Way("pandas-csv-columns", "pandas, 2 columns", "pandas_ways:pandas_csv_columns", "csv", "pandas", remote=True,
            memory=0.25, late=_PANDAS),
        Way("pandas-csv-chunks", "pandas, chunks", "pandas_ways:pandas_csv_chunks", "csv", "pandas", remote=True,
            late=_PANDAS),
        Way("dask-csv", "dask", "pandas_ways:dask_csv", "csv", "dask.dataframe", remote=True,
            late=f"{_PANDAS} distributed"),
        Way("pyarrow-csv", "Arrow, CSV", "pyarrow_ways:pyarrow_csv", "csv", "pyarrow.csv", remote=True, late=_GROUP_BY),
        Way("duckdb-csv", "DuckDB, CSV", "sql_ways:duckdb_csv", "csv", "duckdb", remote=True),
        Way("polars-csv", "Polars, CSV", "polars_ways:polars_csv", "csv", "polars", remote=True),
        Way("numpy-csv", "numpy, bytes", "numpy_ways:numpy_csv", "csv", "numpy", remote=True),
        Way("pandas-pickle", "pickle", "pandas_ways:pandas_pickle", "pickle", "pandas", remote=True, memory=2.6),
        Way("pyarrow-feather", "Feather", "pyarrow_ways:pyarrow_feather", "feather", "pyarrow", remote=True,
            late=_GROUP_BY),
        Way("pandas-parquet", "Parquet, pandas", "pandas_ways:pandas_parquet", "parquet", "pandas", remote=True,
            memory=0.25, late=f"{_PANDAS} pyarrow.parquet pyarrow.dataset"),
        Way("pyarrow-parquet", "Parquet, Arrow", "pyarrow_ways:pyarrow_parquet", "parquet", "pyarrow.parquet",
            remote=True, late=_GROUP_BY),
        Way("pyarrow-dataset", "Parquet, dataset", "pyarrow_ways:pyarrow_dataset", "parquet", "pyarrow.dataset",
            late=_GROUP_BY),
        Way("polars-parquet", "Parquet, Polars", "polars_ways:polars_parquet", "parquet", "polars", remote=True),
        Way("duckdb-parquet", "Parquet, DuckDB", "sql_ways:duckdb_parquet", "parquet", "duckdb", remote=True),
        Way("sqlite", "SQLite", "sql_ways:sqlite", "sqlite", "sqlite3"),
        Way("sqlite-index", "SQLite, index", "sql_ways:sqlite", "sqlite-index", "sqlite3"),
        Way("duckdb", "DuckDB", "sql_ways:duckdb_database", "duckdb", "duckdb"),
        Way("h5py", "HDF5", "chunked_ways:h5py_hdf5", "hdf5", "h5py", remote=True, late=_PANDAS),
        Way("zarr", "zarr", "chunked_ways:zarr_group", "zarr", "zarr", remote=True, late=_PANDAS),
        Way("bcolz", "bcolz", "chunked_ways:bcolz_ctable", "bcolz", "bcolz", late=_PANDAS),
        Way("blosc2", "blosc2", "chunked_ways:blosc2_ctable", "blosc2", "blosc2", late=f"{_PANDAS} blosc2.groupby_ext"),
    )
}  # fmt: skip
"""Every way, by name, those that read CSV first."""


def _load(reference: str, library: str) -> Callable[..., Any]:
    """Return the function that ``module:function`` names in this package, if the library it needs is there."""
    if not is_installed(library):
        library = library.partition(".")[0]
        package = PACKAGES.get(library, library)
        raise MissingDependencyError(
            f"{library} is not installed here: pip install {package}, if there is a wheel for this Python and machine"
        )
    module, _, name = reference.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(f"course.ways.{module}"), name)
    return function


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


def answer(name: str, path: Path | str, *, check: bool = True) -> Answer:
    """Answer the question: the sum of ``PRS_REM_MNT`` by ``AGE_BEN_SNDS``, in euros.

    Args:
        name: a way, one of ``WAYS``.
        path: a file in the format that the way reads, or an address such as ``s3://bucket/key``: read in place, or
            copied for the occasion where ``remote`` is false. A pickle is a program: never open that of a stranger.
        check: read a CSV file with ``check_file`` beforehand, which is remembered, and give to the way a plain copy of
            one that engines would not read alike. Without it the way reads the file as it is, on its own.

    Returns:
        A Series of float64 named ``PRS_REM_MNT``, sorted by its index of int64, ``AGE_BEN_SNDS``. Rows without age
        belong to no class; a missing amount adds nothing.

    Raises:
        BadArgumentError: there is no such way, or nothing is known of this kind of address.
        DownloadError: no object store answers, or the keys are wrong.
        MissingDependencyError: its library is not installed.
        MissingFileError: there is no such file.
        UnreadableFileError: it is not in this format, or breaks a rule that ``check_file`` tells.
        OutputError: there is no room for the plain copy.
    """
    way = find_ways([name])[0]
    function = way.function
    with _told(path, way.format), explained(path), nullcontext(located(path)) if way.remote else fetched(path) as place:
        if check and way.format == "csv" and not check_file(place):
            with plain_copy(place) as copy:
                return function(copy)
        with plainly_named(place) as same:
            return function(same)


@contextmanager
def _told(path: Path | str, form: str) -> Iterator[None]:
    """Turn what a library says of a file that it cannot read into one error of the course."""
    try:
        place = located(path)
        if isinstance(place, Path) and stat.S_ISDIR(place.stat().st_mode) and form not in FOLDERS:
            place.open("rb")  # a folder: the system says so
        yield
    except (CourseError, MemoryError):
        raise
    except FileNotFoundError as error:
        maker = "course.month_file" if form == "csv" else "course.ways.convert"
        raise MissingFileError(f"there is no {form} file at {path}; {maker} makes one") from error
    except OSError as error:
        raise UnreadableFileError(
            f"{path} cannot be read as a {form} file: {one_line(error)}; check its name and the rights on it"
        ) from error
    except BaseException as error:
        # a panic of Polars is no Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        advice = "course.ways.check_file says where" if form == "csv" else "make it again by course.ways.convert"
        raise UnreadableFileError(f"{path} cannot be read as a {form} file: {one_line(error)}; {advice}") from error


def convert(name: str, source: Path | str, target: Path | str, *, check: bool = True) -> Location:
    """Write the table of a CSV file of the course in another format, completely or not at all, and return its path.

    A file or folder that was made so is replaced, also by two conversions at once; nothing else is. CSV is not
    converted: its own path is returned. Both may be addresses such as ``s3://bucket/key``; a folder (zarr, bcolz,
    blosc2) is then stored object by object. A column of which a value has not the type of the course is kept as text,
    in every format.

    Args:
        name: a format, one of ``FORMATS``.
        source: the CSV file.
        target: where the other one is written.
        check: as in ``answer``.

    Raises:
        BadArgumentError: there is no such format, or nothing is known of this kind of address.
        DownloadError: no credentials, or no object store answers.
        ExistingFileError: something that was not made by a conversion to this format bears the name already.
        MissingDependencyError: its library is not installed.
        MissingFileError: there is no such CSV file.
        OutputError: the target cannot be written.
        UnreadableFileError: the CSV file breaks a rule that ``check_file`` tells.
    """
    if name not in FORMATS:
        raise BadArgumentError(f"there is no format called {name!r}; choose one of {', '.join(FORMATS)}")
    form, source, target = FORMATS[name], located(source), located(target)
    if not form.writer:
        return source
    write = _load(form.writer, form.library)
    with _told(source, "csv"), explained(source):
        open_binary(source).close()
        is_plain = not check or check_file(source)
    refuse_a_stranger(target, name)
    with _ONE_AT_A_TIME, stored(target) as written:
        _write_table(write, source, written, is_plain=is_plain)
    return target


def _write_table(write: Callable[..., None], source: Location, target: Path, *, is_plain: bool) -> None:
    """Write the table of a CSV file, a second time with columns of text if a value has not the type of the course."""
    from course.ways.csv_batches import NoFitError, open_batches

    try:
        with placed(target) as part, open_batches(source, is_plain=is_plain) as (schema, batches):
            write(schema, batches, part)
    except NoFitError:
        _write_table(write, source, target, is_plain=False)
