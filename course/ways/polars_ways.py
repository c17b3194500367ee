"""The question in Polars: a lazy query run by its streaming engine, over CSV or Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from course.ways.question import AGE, AMOUNT, SEPARATOR, Answer, from_pairs

if TYPE_CHECKING:
    import polars as pl

    from course.reading import Location


def polars_csv(path: Location) -> Answer:
    """Answer from a CSV file; types are said, since Polars guesses them from a hundred rows."""
    import polars as pl

    # its default keeps empty lines, as rows of nulls: the filter drops them
    types = {AGE: pl.Int64, AMOUNT: pl.Float64}
    return _sum_by_age(pl.scan_csv(path, separator=SEPARATOR, schema_overrides=types, glob=False))


def polars_parquet(path: Location) -> Answer:
    """Answer from a Parquet file, whose footer says the types."""
    import polars as pl

    return _sum_by_age(pl.scan_parquet(path, glob=False))


def _sum_by_age(table: pl.LazyFrame) -> Answer:
    import polars as pl

    query = table.select(AGE, AMOUNT).drop_nulls(AGE).group_by(AGE).agg(pl.col(AMOUNT).sum())
    return from_pairs(query.collect(engine="streaming").iter_rows())
