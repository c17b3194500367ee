"""Pages of every lesson in a real browser without a network: complete, accessible, narrow enough for a telephone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from published_pages import NAMES

from course.publish.convert import FORMATS, Published
from course.publish.forward import write_forwards
from course.publish.lessons import Lesson

if TYPE_CHECKING:
    from published_pages import Watched

pytestmark = pytest.mark.browser

PAGES = ["index", *NAMES]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_a_network_or_a_complaint_and_is_not_wider_than_a_telephone(
    watched: Watched, site: Path, name: str
) -> None:
    watched.page.set_viewport_size({"width": 360, "height": 740})
    watched.page.goto((site / f"{name}.html").as_uri())
    assert (watched.requests, watched.complaints) == ([], [])
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_serious_barrier(chromium: Any, site: Path, name: str) -> None:
    # contrast takes two thirds of the time
    check(chromium, site / f"{name}.html", {"rules": {"color-contrast": {"enabled": False}}})


# pages share one style sheet: its colours are checked on those that show the most of it
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "notebooks/01_data"])
def test_a_page_has_enough_contrast(chromium: Any, site: Path, name: str, scheme: str) -> None:
    check(chromium, site / f"{name}.html", {"runOnly": ["color-contrast"]}, color_scheme=scheme)


def test_an_old_address_leads_to_the_new_page_whatever_follows_it(watched: Watched, tmp_path: Path) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    new = folder / "09_dask.html"
    new.write_text("<!DOCTYPE html><title>Arrived</title>", encoding="utf-8")
    lesson = Lesson(folder / "09_dask.ipynb", "Dask", "", None, is_deck=False, source_digest="")
    write_forwards(tmp_path, [Published(lesson, None, None, dict.fromkeys(FORMATS, 1))])
    watched.page.goto(f"{(folder / '06_dask.html').as_uri()}#Task-graphs")
    watched.page.wait_for_url(lambda address: address.partition("#")[0] == new.as_uri())
    assert watched.page.title() == "Arrived"
    assert watched.complaints == []


def check(chromium: Any, path: Path, options: dict[str, Any], **context: str) -> None:
    """Look for barriers that axe-core calls serious or critical."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = chromium.new_page(bypass_csp=True, **context)
    page.goto(path.as_uri())
    found = axe.Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    page.close()
    assert [
        (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in {"serious", "critical"}
    ] == []
