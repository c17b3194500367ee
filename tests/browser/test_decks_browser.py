"""Decks of every lesson in a real browser without a network: nothing too tall, notes in the speaker view."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from published_pages import NAMES

if TYPE_CHECKING:
    from published_pages import Watched

pytestmark = pytest.mark.browser

SLIDE_HEIGHT = 720
SMALLEST_SCALE = 0.7


@pytest.mark.parametrize("name", NAMES)
def test_no_slide_overflows_and_the_text_of_none_is_too_small(watched: Watched, site: Path, name: str) -> None:
    watched.page.goto((site / f"{name}.slides.html").as_uri())
    watched.page.locator(".reveal.ready").wait_for()
    slides = walk(watched.page)
    assert 15 <= len(slides) <= 35
    assert [slide for slide in slides if slide["height"] > SLIDE_HEIGHT or slide["scale"] < SMALLEST_SCALE] == []
    assert (watched.requests, watched.complaints) == ([], [])


WALK = """async () => {
  const slides = {};
  for (let step = 0; step < 300; step += 1) {
    const slide = Reveal.getCurrentSlide(), place = Reveal.getIndices(), title = slide.querySelector("h1, h2, h3");
    slide.scrollHeight;  // asks for the fonts of the slide
    await document.fonts.ready;
    const scale = parseFloat(slide.style.getPropertyValue("--fit") || "1");
    slides[`${place.h}/${place.v}`] = {title: title && title.innerText, height: slide.scrollHeight, scale};
    if (Reveal.isLastSlide() && !Reveal.availableFragments().next) { return Object.values(slides); }
    document.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", keyCode: 39, bubbles: true}));
  }
}"""


def walk(page: Any) -> list[dict[str, Any]]:
    """Go through a deck by the right arrow; return title, height and scale of each slide.

    The keys are pressed in the page: drawing each slide would take most of the time, and changes no height.
    """
    slides: list[dict[str, Any]] | None = page.evaluate(WALK)
    assert slides is not None, "the deck does not end"
    return slides


# the view is the same for all: a lesson, the one with the most notes, the lecture
@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(("01_data", "12_arrays", "lecture"))])
def test_the_speaker_view_shows_the_notes(watched: Watched, site: Path, name: str) -> None:
    page = watched.page
    page.goto((site / f"{name}.slides.html").as_uri())
    page.locator(".reveal.ready").wait_for()
    place = page.evaluate("""() => {
      const slide = document.querySelector("aside.notes").closest("section");
      const place = Reveal.getIndices(slide);
      Reveal.slide(place.h, place.v);
      return slide.querySelector("aside.notes").innerText.trim().slice(0, 40);
    }""")
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    speaker = popup.value
    # no function to wait for: the policy of the deck refuses the one that playwright would write
    speaker.locator(".speaker-controls-notes .value", has_text=re.compile(r"\S")).wait_for()
    assert place.split()[0] in speaker.inner_text(".speaker-controls-notes .value")
    assert watched.requests == []
