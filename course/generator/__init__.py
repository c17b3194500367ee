"""Generate Open DAMIR rows of any size, whose exact answer is known: the same seed gives the same bytes everywhere.

A number of rows and a seed go in; a CSV, gzip or Parquet file and the sums by age class that are in it come out.
Start with ``small.small_file`` and ``month.month_file``; ``rows`` tells how one row is drawn.
"""
