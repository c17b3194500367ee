"""SQL magics on SQLite and DuckDB: connections, statements, imports, completion."""

from __future__ import annotations

from magics.sql.errors import SQLError
from magics.sql.magic import SQLMagics

__all__ = ["SQLError", "SQLMagics"]
