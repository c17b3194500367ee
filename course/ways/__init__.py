"""Every way of answering the question of the course, side by side: a file in, the sums by age class out.

from course.ways import WAYS, answer, convert

answer("polars-csv", filename)
answer("pyarrow-parquet", convert("parquet", filename, "data/damir.parquet"))
"""

from __future__ import annotations

from course.ways.formats import FORMATS, Format, convert
from course.ways.registry import WAYS, Way, answer

__all__ = ["FORMATS", "WAYS", "Format", "Way", "answer", "convert"]
