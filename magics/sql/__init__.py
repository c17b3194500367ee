"""SQL magics on SQLite and DuckDB: what goes in is SQL, DataFrames and text files; what comes out, DataFrames.

Start reading at ``magic``, the magics; ``connection`` is what both engines offer, ``sqlite_engine`` and
``duckdb_engine`` how each does it; ``text_file`` types the columns of a file, ``names`` holds the hints.
"""

from __future__ import annotations

from magics.sql.magic import SQLMagics
from magics.sql.names import SQLError

__all__ = ["SQLError", "SQLMagics"]
