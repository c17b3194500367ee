"""Pages and decks of every lesson in a real browser without a network: complete, accessible, nothing too tall."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
NOTEBOOKS = [*sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")), *sorted((ROOT / "slides").glob("*.ipynb"))]
NAMES = [f"{path.parent.name}/{path.stem}" for path in NOTEBOOKS]
PAGES = ["index", *NAMES]
SLIDE_HEIGHT = 720
SMALLEST_SCALE = 0.7


class Watched:
    """A page of the browser, with what it asked of a network and the complaints of its console."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self._asked(request.url))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _asked(self, url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:", "about:")):
            self.requests.append(url)


@pytest.fixture
def watched(chromium: Any) -> Iterator[Watched]:
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    yield Watched(context.new_page())
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_from_a_disk_without_a_network_or_a_complaint(watched: Watched, site: Path, name: str) -> None:
    watched.page.goto((site / f"{name}.html").as_uri())
    assert (watched.requests, watched.complaints) == ([], [])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_serious_barrier(chromium: Any, site: Path, name: str) -> None:
    # contrast takes two thirds of the time
    check(chromium, site / f"{name}.html", {"rules": {"color-contrast": {"enabled": False}}})


# pages share one style sheet: its colours are checked on those that show the most of it
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", *(name for name in PAGES if name.endswith(("00_start", "01_data")))])
def test_a_page_has_enough_contrast(chromium: Any, site: Path, name: str, scheme: str) -> None:
    check(chromium, site / f"{name}.html", {"runOnly": ["color-contrast"]}, color_scheme=scheme)


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


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_not_wider_than_a_telephone(chromium: Any, site: Path, name: str) -> None:
    page = chromium.new_page(viewport={"width": 360, "height": 740})
    page.goto((site / f"{name}.html").as_uri())
    width = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert width <= 360


@pytest.mark.parametrize("name", NAMES)
def test_no_slide_overflows_and_the_text_of_none_is_too_small(watched: Watched, site: Path, name: str) -> None:
    watched.page.goto((site / f"{name}.slides.html").as_uri())
    watched.page.wait_for_function("Reveal.isReady()")
    slides = walk(watched.page)
    assert 15 <= len(slides) <= 35
    assert [slide for slide in slides if slide["height"] > SLIDE_HEIGHT or slide["scale"] < SMALLEST_SCALE] == []
    assert (watched.requests, watched.complaints) == ([], [])


def walk(page: Any) -> list[dict[str, Any]]:
    """Go through a deck by the right arrow; return title, height and scale of each slide."""
    slides: dict[str, dict[str, Any]] = {}
    for _ in range(300):
        slide = page.evaluate(
            """() => {
              const slide = Reveal.getCurrentSlide(), place = Reveal.getIndices();
              const title = slide.querySelector("h1, h2, h3");
              const scale = parseFloat(slide.style.getPropertyValue("--fit") || "1");
              const last = Reveal.isLastSlide() && !Reveal.availableFragments().next;
              return {place: `${place.h}/${place.v}`, title: title && title.innerText, height: slide.scrollHeight,
                      scale, last};
            }"""
        )
        slides[slide["place"]] = slide
        if slide["last"]:
            return list(slides.values())
        page.keyboard.press("ArrowRight")
    raise AssertionError("the deck does not end")


@pytest.mark.parametrize("name", NAMES)
def test_the_speaker_view_shows_the_notes(watched: Watched, site: Path, name: str) -> None:
    page = watched.page
    page.goto((site / f"{name}.slides.html").as_uri())
    page.wait_for_function("Reveal.isReady()")
    place = page.evaluate("""() => {
      const slide = document.querySelector("aside.notes").closest("section");
      const place = Reveal.getIndices(slide);
      Reveal.slide(place.h, place.v);
      return slide.querySelector("aside.notes").innerText.trim().slice(0, 40);
    }""")
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    speaker = popup.value
    speaker.wait_for_function("document.querySelector('.speaker-controls-notes .value').innerText.trim() !== ''")
    assert place.split()[0] in speaker.inner_text(".speaker-controls-notes .value")
    assert watched.requests == []
