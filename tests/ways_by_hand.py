"""What a way costs against the same query typed by hand: ``python tests/ways_by_hand.py --rows 1000000 --repeat 7``.

Both run in fresh processes, in turn, on files that were checked and are warm. Printed for each way: the medians of wall
and CPU time of both, and the quotients of the smallest, which a busy machine disturbs least: above 1.10 is too much.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import course
from course.files import temporary_folder
from course.measure.fresh import run_fresh
from course.ways import FORMATS, WAYS, convert, is_installed

AGE, AMOUNT = "AGE_BEN_SNDS", "PRS_REM_MNT"
BOTH = [AGE, AMOUNT]
TYPES = {AGE: "Int64", AMOUNT: "float64"}  # as the lesson on streaming gives them
SQL = f"SELECT {AGE}, sum({AMOUNT}) FROM {{}} GROUP BY {AGE}"


def python_csv(path: Path) -> Any:
    import csv

    sums: dict[str, float] = {}
    with path.open(newline="") as file:
        rows = csv.reader(file, delimiter=";")
        header = next(rows)
        age, amount = header.index(AGE), header.index(AMOUNT)
        for row in rows:
            sums[row[age]] = sums.get(row[age], 0.0) + float(row[amount])
    return sums


def pandas_csv(path: Path) -> Any:
    import pandas as pd

    return pd.read_csv(path, sep=";").groupby(AGE)[AMOUNT].sum()


def pandas_csv_thread(path: Path) -> Any:
    import pandas as pd

    pd.set_option("mode.max_threads", 1)
    return pd.read_csv(path, sep=";").groupby(AGE)[AMOUNT].sum()


def pandas_csv_columns(path: Path) -> Any:
    import pandas as pd

    return pd.read_csv(path, sep=";", usecols=BOTH, dtype=TYPES).groupby(AGE)[AMOUNT].sum()


def pandas_csv_chunks(path: Path) -> Any:
    import pandas as pd

    chunks = pd.read_csv(path, sep=";", usecols=BOTH, dtype=TYPES, chunksize=500_000)
    return pd.concat([chunk.groupby(AGE)[AMOUNT].sum() for chunk in chunks]).groupby(level=0).sum()


def dask_csv(path: Path) -> Any:
    import dask.dataframe

    table = dask.dataframe.read_csv(path, sep=";", usecols=BOTH, dtype=TYPES, blocksize="32MiB")
    return table.groupby(AGE)[AMOUNT].sum(split_out=1).compute()


def pyarrow_csv(path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    options = csv.ConvertOptions(include_columns=BOTH, column_types={AMOUNT: pa.float64()})
    with csv.open_csv(path, None, csv.ParseOptions(delimiter=";"), options) as batches:
        return by_batches(batches)


def by_batches(batches: Any) -> Any:
    import pyarrow as pa

    parts = [pa.table(batch).group_by(AGE).aggregate([(AMOUNT, "sum")]) for batch in batches]
    return pa.concat_tables(parts).group_by(AGE).aggregate([(f"{AMOUNT}_sum", "sum")]).to_pandas()


def duckdb_csv(path: Path) -> Any:
    import duckdb

    table = f"read_csv('{path}', delim = ';', types = {{'{AGE}': 'BIGINT', '{AMOUNT}': 'DOUBLE'}})"
    return duckdb.sql(SQL.format(table)).fetchall()


def polars_csv(path: Path) -> Any:
    import polars as pl

    table = pl.scan_csv(path, separator=";", schema_overrides={AMOUNT: pl.Float64})
    return table.group_by(AGE).agg(pl.col(AMOUNT).sum()).collect(engine="streaming")


def pandas_pickle(path: Path) -> Any:
    import pandas as pd

    return pd.read_pickle(path).groupby(AGE)[AMOUNT].sum()


def pyarrow_feather(path: Path) -> Any:
    from pyarrow import feather

    return feather.read_table(path, columns=BOTH).group_by(AGE).aggregate([(AMOUNT, "sum")])


def pandas_parquet(path: Path) -> Any:
    import pandas as pd

    return pd.read_parquet(path, columns=BOTH).groupby(AGE)[AMOUNT].sum()


def pyarrow_parquet(path: Path) -> Any:
    from pyarrow import parquet

    return by_batches(parquet.ParquetFile(path).iter_batches(500_000, columns=BOTH))


def pyarrow_dataset(path: Path) -> Any:
    from pyarrow import dataset

    return by_batches(dataset.dataset(path).to_batches(columns=BOTH))


def polars_parquet(path: Path) -> Any:
    import polars as pl

    return pl.scan_parquet(path).group_by(AGE).agg(pl.col(AMOUNT).sum()).collect(engine="streaming")


def duckdb_parquet(path: Path) -> Any:
    import duckdb

    return duckdb.sql(SQL.format(f"'{path}'")).fetchall()


def sqlite(path: Path) -> Any:
    return sqlite3.connect(path).execute(SQL.format("damir")).fetchall()


def duckdb(path: Path) -> Any:
    import duckdb

    return duckdb.connect(path, read_only=True).sql(SQL.format("damir")).fetchall()


def columns(ages: Any, amounts: Any) -> Any:
    import numpy as np

    return np.bincount(ages[:], amounts[:])


def h5py(path: Path) -> Any:
    import h5py

    with h5py.File(path) as file:
        return columns(file[AGE], file[AMOUNT])


def zarr(path: Path) -> Any:
    import zarr

    group = zarr.open_group(path, mode="r")
    return columns(group[AGE], group[AMOUNT])


def bcolz(path: Path) -> Any:
    import bcolz

    table = bcolz.open(str(path), mode="r")
    return columns(table[AGE], table[AMOUNT])


def blosc2(path: Path) -> Any:
    import blosc2

    return blosc2.CTable.open(str(path)).group_by(AGE).sum(AMOUNT).to_pandas()


BY_HAND: dict[str, Callable[[Path], Any]] = {
    one.__name__.replace("_", "-"): one
    for one in (
        python_csv, pandas_csv, pandas_csv_thread, pandas_csv_columns, pandas_csv_chunks, dask_csv, pyarrow_csv,
        duckdb_csv, polars_csv, pandas_pickle, pyarrow_feather, pandas_parquet, pyarrow_parquet, pyarrow_dataset,
        polars_parquet, duckdb_parquet, sqlite, duckdb, h5py, zarr, bcolz, blosc2,
    )
} | {"sqlite-index": sqlite}  # fmt: skip


def main(rows: int, repeat: int, names: list[str]) -> None:
    """Print a line per way; the parser of bytes is nobody's query."""
    sys.stdout.write(f"{'way':20}{'hand, wall':>12}{'CPU':>8}{'way, wall':>12}{'CPU':>8}{'wall':>8}{'CPU':>6}\n")
    with temporary_folder() as folder:
        source = course.month_file(folder / "month.csv", rows=rows).path
        for name in names or BY_HAND:
            way = WAYS[name]
            if not is_installed(way.library):
                continue
            made = source.with_suffix(FORMATS[way.format].suffix)
            file = made if made.exists() else convert(way.format, source, made, check=False)
            runs: dict[str, list[Any]] = {"hand": [], "way": []}
            for number in range(repeat):
                both = [("hand", BY_HAND[name]), ("way", way.function)][:: -1 if number % 2 else 1]
                for key, function in both:
                    found = run_fresh(name, function, file, modules=("pandas", way.library, *way.late.split()))
                    if found.error:
                        raise found.error
                    runs[key].append(found.measurement)
            walls, cpus = (
                {k: sorted(getattr(m, f) for m in v) for k, v in runs.items()} for f in ("wall_seconds", "cpu_seconds")
            )
            told = [value for key in runs for value in (walls[key][repeat // 2], cpus[key][repeat // 2])]
            quotients = walls["way"][0] / walls["hand"][0], cpus["way"][0] / cpus["hand"][0]
            line = "{:12.3f}{:8.3f}{:12.3f}{:8.3f}{:8.2f}{:6.2f}".format(*told, *quotients)
            sys.stdout.write(f"{name:20}{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ways", nargs="*", help="names of ways, all by default")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    chosen = parser.parse_args()
    main(chosen.rows, chosen.repeat, chosen.ways)
