"""Every way of answering the question of the course: a file in, the sums by age class out, the same from each way.

    answer("pyarrow-parquet", convert("parquet", "A201612.csv", "data/A201612.parquet"))

Start reading in ``catalogue``; then one file per library, what they share in ``question`` and ``csv_batches``.
"""

from __future__ import annotations

from course.optional import is_installed
from course.ways.catalogue import FORMATS, WAYS, FileFormat, Way, answer, convert
from course.ways.checking import check_file

__all__ = ["FORMATS", "WAYS", "FileFormat", "Way", "answer", "check_file", "convert", "is_installed"]
