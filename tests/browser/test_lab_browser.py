"""The tour, which uses every magic, as a student meets it: a working folder, a real JupyterLab, Run All Cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from lab import PANEL, Server, check_link_jumps, dialogs, is_idle, scroll_to_top, stored, wait_for_kernel
from published_pages import Watched

import course
from course.start import contents, deliver

if TYPE_CHECKING:
    from nbformat import NotebookNode

playwright_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
LESSONS = ["00_start"]
FINISHED_SECONDS = 900  # on a busy machine


@pytest.fixture(scope="module")
def student(lab: Server) -> Path:
    """A working folder, its lessons without outputs so that those found later come from Run All Cells."""
    folder = lab.folder / "student"
    deliver(contents(ROOT / "notebooks", folder), folder)
    course.small_file(folder / "data")
    for name in LESSONS:
        path = folder / f"{name}.ipynb"
        nbformat.write(without_outputs(nbformat.read(path, as_version=4)), path)
    return folder


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


class Lesson(Watched):
    """A lesson open in JupyterLab, its code cells after the run, and the errors of its console."""

    def __init__(self, page: Any, lab: Server, path: Path) -> None:
        super().__init__(page)
        self.lab, self.path = lab, path
        self.code_cells: list[NotebookNode] = []

    def run_all(self) -> None:
        """Choose Run All Cells in the menu, and save until the file holds the end of the run."""
        wait_for_kernel(self.page, self.lab, self.lab.name_of(self.path))
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        for _ in range(2 * FINISHED_SECONDS):
            # a save costs as much as a cell
            if is_idle(self.page, self.lab, self.lab.name_of(self.path)) and self._is_run_and_saved():
                return
            self.page.wait_for_timeout(500)
        raise AssertionError(f"not run after {FINISHED_SECONDS} s; {dialogs(self.page)}")

    def _is_run_and_saved(self) -> bool:
        self.page.keyboard.press("ControlOrMeta+s")
        notebook = stored(self.path)
        if notebook is None:
            return False
        self.code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        return all(cell.execution_count for cell in self.code_cells)


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request: pytest.FixtureRequest, lab: Server, student: Path, chromium: Any) -> Iterator[Lesson]:
    """The lesson, run to its end and saved; in a workspace of its own, which opens no other notebook."""
    page = chromium.new_page(viewport={"width": 1300, "height": 900})
    opened = Lesson(page, lab, student / f"{request.param}.ipynb")
    page.goto(lab.page_of(f"lab/workspaces/{request.param}/tree", lab.name_of(opened.path)))
    opened.run_all()
    yield opened
    page.close()


def test_every_cell_runs_and_only_those_meant_to_fail_do(lesson: Lesson) -> None:
    cells = lesson.code_cells
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        kinds = {output.get("name", output.output_type) for output in cell.outputs}
        assert ("error" in kinds) == ("raises-exception" in cell.metadata.get("tags", [])), cell.source
        assert "stderr" not in kinds, cell.source


def test_the_links_of_the_menu_jump(lesson: Lesson, tmp_path: Path) -> None:
    panel = lesson.page.locator(PANEL)
    scroll_to_top(panel)
    links = panel.locator("nav.course-menu a")
    # after the scroll, JupyterLab takes its time to draw the first cell again
    playwright_api.expect(links.first).to_be_visible()
    labels = links.all_text_contents()
    assert len(labels) > 5
    assert all(labels)
    for index, label in enumerate(labels):
        heading = panel.locator(":is(h2, h3)[data-jupyter-id]").filter(has_text=label).first
        check_link_jumps(panel, links.nth(index), heading)
    lesson.page.screenshot(path=tmp_path / "menu.png")


def test_a_measured_cell_shows_its_line(lesson: Lesson, tmp_path: Path) -> None:
    measured = next(cell for cell in lesson.code_cells if cell.source.startswith("%%measure"))
    line = "".join(output.get("text", "") for output in measured.outputs).splitlines()[0]
    assert " wall, " in line
    panel = lesson.page.locator(PANEL)
    shown = panel.locator(".jp-OutputArea-output").filter(has_text=line.split(", ")[0]).first
    shown.scroll_into_view_if_needed()
    playwright_api.expect(shown).to_be_in_viewport()
    lesson.page.screenshot(path=tmp_path / "measure.png")


def test_the_console_has_no_error(lesson: Lesson) -> None:
    assert lesson.complaints == []
