"""What ``course start`` opens: no question about news, and lessons that are not unsaved when they are opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lab import running_server, wait_for_kernel

from course.cli.start_command import QUIET
from course.shipped import shipped_folder
from course.start import contents, deliver

pytestmark = pytest.mark.browser

TAB = ".lm-DockPanel-tabBar .lm-TabBar-tab.lm-mod-current"


def test_jupyterlab_asks_nothing_and_a_lesson_that_is_opened_is_not_unsaved(tmp_path: Path, chromium: Any) -> None:
    with running_server(tmp_path, *QUIET) as lab:
        deliver(contents(shipped_folder("notebooks"), lab.folder), lab.folder)
        unsaved = []
        for path in sorted(lab.folder.glob("*.ipynb")):
            page = chromium.new_page(viewport={"width": 1300, "height": 900})
            page.goto(lab.page_of(f"lab/workspaces/{path.stem}/tree", path.name))
            wait_for_kernel(page, lab, path.name)
            assert path.stem in page.locator(TAB).first.inner_text()
            unsaved += [path.stem] if page.locator(f"{TAB}.jp-mod-dirty").count() else []
            assert page.locator(".Toastify__toast").all_inner_texts() == []
            page.close()
        assert unsaved == []
