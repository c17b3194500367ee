"""The menu is shown, and each of its links jumps, in a real JupyterLab and a real Notebook 7."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lab import KERNEL, PANEL, READY_SECONDS, Server, check_link_jumps, run_first_cell, scroll_to_top, stored

playwright_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")

pytestmark = pytest.mark.browser

# far apart: with 40 cells of code of 12 lines, each of them is several screens away from the menu
HEADINGS = {
    5: "## The question",
    12: "## Élan « vital » & `x_y` < 1",
    20: "Some text first.\n\n" + "A paragraph.\n\n" * 30 + "### Deep *in* its cell",
    28: "## Twice",
    36: "## Twice",
}
LABELS = ["The question", "Élan « vital » & x_y < 1", "Deep in its cell", "Twice", "Twice"]


def write_lesson(path: Path) -> None:
    cells = [nbformat.v4.new_code_cell("from course import add_notebook_menu\n\nadd_notebook_menu(header='Plan')")]
    cells += [
        nbformat.v4.new_markdown_cell(HEADINGS[index])
        if index in HEADINGS
        else nbformat.v4.new_code_cell("\n".join(f"x{line} = {line}" for line in range(12)))
        for index in range(40)
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)


@pytest.fixture(scope="module")
def folder(lab: Server) -> Path:
    folder = lab.folder / "menu"
    (folder / "part").mkdir(parents=True)
    for name in ("part/notebook.ipynb", "stored.ipynb", "other.ipynb"):
        write_lesson(folder / name)
    # JupyterLab looks in every open notebook for the anchor of a heading that its cell does not start
    other = folder / "other.ipynb"
    other.write_text(other.read_text(encoding="utf-8").replace("### Deep", "### Elsewhere"), encoding="utf-8")
    return folder


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    page = chromium.new_page(viewport={"width": 1300, "height": 800})
    yield page
    page.close()


def check_links_jump(page: Any) -> None:
    """Click every link of the menu on show, from the top of the notebook, and see its heading come."""
    panel = page.locator(PANEL)
    links = panel.locator("nav.course-menu a")
    playwright_api.expect(links).to_have_text(LABELS)
    headings = panel.locator(":is(h2, h3)[data-jupyter-id]")
    playwright_api.expect(headings).to_have_count(len(LABELS))
    for index in range(len(LABELS)):
        scroll_to_top(panel)
        playwright_api.expect(headings.nth(index)).not_to_be_in_viewport()
        check_link_jumps(panel, links.nth(index), headings.nth(index))


def test_first_cell_shows_a_menu_whose_links_jump_in_notebook_7(
    lab: Server, folder: Path, page: Any, tmp_path: Path
) -> None:
    # in JupyterLab: the test below, and the two lessons of test_lab_browser
    path = folder / "part/notebook.ipynb"
    page.goto(lab.page_of("notebooks", lab.name_of(path)))
    run_first_cell(page, lab, lab.name_of(path))
    page.screenshot(path=tmp_path / "menu.png")
    check_links_jump(page)
    page.keyboard.press("ControlOrMeta+s")
    assert saved_output(path)["metadata"] == {"course": {"menu": True}}


def saved_output(path: Path) -> Any:
    """Wait until the front end has written the output of the first cell, and return it."""
    for _ in range(10 * READY_SECONDS):
        notebook = stored(path)
        if notebook and notebook.cells[0].outputs:
            return notebook.cells[0].outputs[0]
        time.sleep(0.1)
    raise AssertionError(f"{path.name} was not saved with its output")


def store_menu(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from course import add_notebook_menu

    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    notebook = nbformat.read(path, as_version=4)
    data = {"text/html": str(add_notebook_menu(raw=True, header="Plan")), "text/plain": "menu"}
    notebook.cells[0].outputs = [nbformat.v4.new_output("execute_result", data=data, execution_count=1)]
    nbformat.write(notebook, path)


def test_stored_menu_jumps_before_any_cell_is_run_beside_a_lesson_with_the_same_headings(
    lab: Server, folder: Path, page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_menu(folder / "stored.ipynb", monkeypatch)
    page.goto(lab.page_of("lab/workspaces/stored/tree", lab.name_of(folder / "other.ipynb")))
    page.wait_for_selector(f"{PANEL} h2[data-jupyter-id]")
    page.locator(".jp-DirListing-item", has_text="stored.ipynb").dblclick()
    page.wait_for_selector(f"{PANEL} nav.course-menu")
    page.screenshot(path=tmp_path / "stored.png")
    check_links_jump(page)


def test_menu_jumps_in_the_page_of_nbconvert(page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbconvert import HTMLExporter

    path = tmp_path / "lesson.ipynb"
    write_lesson(path)
    store_menu(path, monkeypatch)
    built = path.with_suffix(".html")
    built.write_text(HTMLExporter().from_filename(str(path))[0], encoding="utf-8")
    page.route("http*://**", lambda route: route.abort())  # the template asks for MathJax
    page.goto(built.as_uri())
    links, headings = page.locator("nav.course-menu a"), page.locator(":is(h2, h3)[id]")
    playwright_api.expect(links).to_have_text(LABELS)
    for index in range(len(LABELS)):
        page.evaluate("window.scrollTo(0, 0)")
        playwright_api.expect(headings.nth(index)).not_to_be_in_viewport()
        links.nth(index).click()
        playwright_api.expect(headings.nth(index)).to_be_in_viewport()
