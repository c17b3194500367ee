"""What ``course start`` opens: no question about news, and lessons that are not unsaved when they are opened."""

from __future__ import annotations

from typing import Any

import pytest
from lab import Server, wait_for_kernel

from course.shipped import shipped_folder
from course.start import contents, deliver

pytestmark = pytest.mark.browser

TAB = ".lm-DockPanel-tabBar .lm-TabBar-tab.lm-mod-current"


def test_jupyterlab_asks_nothing_and_a_lesson_that_is_opened_is_not_unsaved(lab: Server, chromium: Any) -> None:
    folder = lab.folder / "course"
    deliver(contents(shipped_folder("notebooks"), folder), folder)
    page = chromium.new_page(viewport={"width": 1300, "height": 900})
    page.goto(lab.page_of("lab/workspaces/course/tree", "course"))
    unsaved = []
    # what makes one unsaved is its metadata, and those of all are the same: tests/notebooks/test_lessons.py
    for path in sorted(folder.glob("*.ipynb"))[::8]:
        # in one window, as a student does: a new one would load JupyterLab anew
        page.locator(".jp-DirListing-item", has_text=path.name).dblclick()
        page.locator(TAB, has_text=path.stem).wait_for()
        wait_for_kernel(page, lab, lab.name_of(path))
        unsaved += [path.stem] if page.locator(f"{TAB}.jp-mod-dirty").count() else []
        assert page.locator(".Toastify__toast").all_inner_texts() == []
    assert (page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab").count() > 2, unsaved) == (True, [])
    page.close()
