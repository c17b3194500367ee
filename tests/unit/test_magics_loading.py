"""``%load_ext magics`` registers every magic and imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys

CHILD = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "magics")
print(sorted({name.split(".")[0] for name in set(sys.modules) - before} & HEAVY))
print(sorted(WANTED - set(shell.magics_manager.magics["line"]) - set(shell.magics_manager.magics["cell"])))
"""
HEAVY = {"pandas", "numpy", "matplotlib", "pyarrow", "dask", "duckdb", "pooch", "requests", "sqlalchemy", "posthog"}
WANTED = {
    "download", "head", "tail", "linecount", "measure", "measures", "memory_cap", "SQL", "SQL_connect", "SQL_tables",
    "SQL_schema", "SQL_import_df", "SQL_import_tsv", "SQL_add_function", "SQL_drop_table", "SQL_close",
    "SQL_refresh_completion",
}  # fmt: skip


def test_every_magic_is_there_and_nothing_heavy_is_imported() -> None:
    code = CHILD.replace("HEAVY", repr(HEAVY)).replace("WANTED", repr(WANTED))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["[]", "[]"]
