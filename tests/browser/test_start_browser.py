"""What ``course start`` opens: no question about news, and lessons that are saved as they are opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lab import running_server, wait_for_kernel

from course.cli.start_command import QUIET
from course.shipped import shipped_folder
from course.start import contents, deliver

pytestmark = pytest.mark.browser


def test_jupyterlab_asks_nothing_and_a_lesson_that_is_opened_is_not_unsaved(tmp_path: Path, chromium: Any) -> None:
    with running_server(tmp_path, *QUIET) as lab:
        deliver(contents(shipped_folder("notebooks"), lab.folder), lab.folder)
        for name in sorted(path.name for path in lab.folder.glob("*.ipynb")):
            page = chromium.new_page(viewport={"width": 1300, "height": 900})
            page.goto(lab.page_of(f"lab/workspaces/{name}/tree", name))
            wait_for_kernel(page, lab, name)
            page.locator(".jp-mod-dirty, .Toastify__toast").first.wait_for(state="detached", timeout=1)
            page.wait_for_timeout(3000)
            print(
                name,
                page.locator(".jp-mod-dirty").count(),
                page.locator(".Toastify__toast").all_inner_texts(),
                [t.get_attribute("class") for t in page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab").all()],
            )
            page.close()
