"""Tab completes tables, columns and options in a real JupyterLab, and %%measure shows its line there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lab import KERNEL, PANEL, Server, run_first_cell

playwright_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")

pytestmark = pytest.mark.browser

SETUP = "%load_ext magics\n%SQL_connect damir.db3"
CELLS = [SETUP, "", "", "", "%%measure adding up\nsum(range(1000))"]


@pytest.fixture(scope="module")
def page(lab: Server, chromium: Any) -> Iterator[Any]:
    """The notebook, connected to its database."""
    folder = lab.folder / "sql"
    folder.mkdir()
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, folder / "sql.ipynb")
    with closing(sqlite3.connect(folder / "damir.db3")) as database:
        database.execute("CREATE TABLE damir(AGE_BEN_SNDS INTEGER, PRS_REM_MNT REAL, PRS_NAT TEXT)")
        database.execute("CREATE TABLE regions(code TEXT)")
        database.execute("INSERT INTO damir VALUES (30, 4.5, 'x')")
        database.commit()
    page = chromium.new_page(viewport={"width": 1300, "height": 800})
    page.goto(lab.page_of("lab/workspaces/sql/tree", "sql/sql.ipynb"))
    playwright_api.expect(run_first_cell(page, lab, "sql/sql.ipynb")).to_contain_text("<sqlite damir.db3 (open)>")
    yield page
    page.close()


def cell(page: Any, index: int) -> Any:
    return page.locator(f"{PANEL} .jp-CodeCell").nth(index)


def write(page: Any, index: int, code: str) -> None:
    """Replace the text of a cell as a person would, keeping the cursor at its end."""
    cell(page, index).locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(code)


def proposed(page: Any, index: int, code: str, awaited: str) -> list[str]:
    """Return what Tab proposes at the end of ``code``, once ``awaited`` is there; the list stays open."""
    write(page, index, code)
    page.keyboard.press("Tab")
    items = page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item .jp-Completer-match")
    playwright_api.expect(items.filter(has_text=awaited).first).to_be_visible()
    found: list[str] = items.all_inner_texts()
    return found


@pytest.fixture(autouse=True)
def _list_closed(page: Any) -> Iterator[None]:
    yield
    page.keyboard.press("Escape")


def test_tables_are_proposed_after_from(page: Any, tmp_path: Path) -> None:
    # JupyterLab adds the words of the cell at the end
    assert proposed(page, 1, "%%SQL\nSELECT * FROM ", "regions")[:2] == ["damir", "regions"]
    page.screenshot(path=tmp_path / "tables.png")


def test_columns_of_the_table_are_proposed(page: Any) -> None:
    found = proposed(page, 1, "%%SQL\nSELECT * FROM damir WHERE PRS", "PRS_NAT")
    assert sorted(found) == ["PRS_NAT", "PRS_REM_MNT"]


def test_a_proposal_that_is_taken_is_written_and_the_query_runs(page: Any) -> None:
    proposed(page, 1, "%%SQL\nSELECT SUM(PRS_REM_MNT) AS total FROM dam", "damir")
    page.keyboard.press("Enter")
    playwright_api.expect(cell(page, 1).locator(".cm-content")).to_contain_text("FROM damir")
    page.keyboard.press("Control+Enter")
    playwright_api.expect(cell(page, 1).locator(".jp-OutputArea-output")).to_contain_text("4.5")


def test_options_of_a_magic_are_proposed(page: Any) -> None:
    found = proposed(page, 2, "%SQL_connect --", "--create")
    assert found == ["--create", "--read-only", "--variable"]


def test_an_error_of_sql_is_shown_with_its_hint(page: Any) -> None:
    write(page, 3, "%SQL SELECT * FROM damri")
    page.keyboard.press("Control+Enter")
    output = cell(page, 3).locator(".jp-OutputArea-output").first
    playwright_api.expect(output).to_contain_text("did you mean damir?")


def test_measure_shows_its_line_and_the_value(page: Any) -> None:
    cell(page, 4).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    outputs = cell(page, 4).locator(".jp-OutputArea-output")
    playwright_api.expect(outputs.first).to_contain_text("adding up: ")
    playwright_api.expect(outputs.first).to_contain_text("wall")
    playwright_api.expect(outputs.last).to_contain_text("499500")
