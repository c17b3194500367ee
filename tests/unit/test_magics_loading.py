"""``%load_ext magics`` registers every magic and imports nothing heavy; each magic has real help."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

CHILD = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "magics")
magics = shell.magics_manager.magics
print(json.dumps([sorted(set(sys.modules) - before), sorted({*magics["line"], *magics["cell"]})]))
"""
MAGICS = {
    "download", "head", "tail", "linecount", "measure", "measures", "memory_cap", "SQL", "SQL_connect", "SQL_tables",
    "SQL_schema", "SQL_import_df", "SQL_import_tsv", "SQL_add_function", "SQL_drop_table", "SQL_close",
    "SQL_refresh_completion",
}  # fmt: skip
# 101 today, in 56 ms; pandas alone is several hundred
MOST_MODULES = 125


@pytest.fixture(scope="module")
def shell(one_shell: InteractiveShell) -> InteractiveShell:
    one_shell.run_line_magic("load_ext", "magics")
    return one_shell


def test_loading_registers_every_magic_and_imports_few_modules_of_no_library() -> None:
    run = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    modules, magics = json.loads(run.stdout)
    assert set(magics) >= MAGICS
    roots = {name.partition(".")[0] for name in modules}
    assert roots - sys.stdlib_module_names <= {"IPython", "course", "magics", "platformdirs"}
    assert len(modules) < MOST_MODULES


@pytest.mark.parametrize("name", sorted(MAGICS))
def test_the_help_of_a_magic_has_its_options_a_sentence_and_examples(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pages: list[Any] = []
    monkeypatch.setitem(shell.hooks.__dict__, "show_in_pager", lambda data, **_: pages.append(data))
    sign = "%" if name in shell.magics_manager.magics["line"] else "%%"
    shell.run_cell(f"{sign}{name}?")
    text = pages[0]["text/plain"]
    # the usage and the options come from the parser, the rest from the author
    assert f"%{name}" in text.replace("%%", "%")
    assert "options:" in text or "positional arguments:" in text
    before, _, examples = text.partition("Examples::")
    assert f"%{name}" in examples.replace("%%", "%")
    assert any(line.strip().endswith(".") for line in before.splitlines())
