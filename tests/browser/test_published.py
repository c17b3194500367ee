"""What every lesson promises, read from the site built of its stored outputs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup
from published_pages import NAMES
from pypdf import PdfReader

if TYPE_CHECKING:
    from pypdf import PageObject

ROOT = Path(__file__).parents[2]
SUFFIXES = [".ipynb", ".html", ".pdf", ".py", ".slides.html", ".slides.pdf", ".notes.pdf"]
PAGES = ["index.html", *(f"{name}{suffix}" for name in NAMES for suffix in (".html", ".slides.html"))]
FETCHED = ("src", "srcset", "poster", "data", "background", "xlink:href")


@cache
def soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def test_all_lessons_are_published_without_a_warning_in_less_than_600_mb(built_site: Any) -> None:
    assert built_site.warnings == []
    assert built_site.peak_bytes < 600_000_000


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_is_there_in_every_format_its_page_less_than_500_kb_beside_its_pictures(
    built_site: Any, name: str
) -> None:
    assert [suffix for suffix in SUFFIXES if not (built_site.folder / f"{name}{suffix}").is_file()] == []
    page = (built_site.folder / f"{name}.html").read_text(encoding="utf-8")
    assert len(re.sub(r'data:image/[^"]*', "", page).encode()) < 500_000


@pytest.mark.parametrize("page", PAGES)
def test_a_page_refers_to_nothing_outside_but_links(built_site: Any, page: str) -> None:
    text = (built_site.folder / page).read_text(encoding="utf-8")
    styles = "".join(re.findall(r"<style>.*?</style>", text, re.DOTALL))
    assert re.findall(r"@import|url\((?!['\"]?(?:data:|#))[^)]*", styles) == []
    for element in soup(built_site.folder / page).find_all(True):
        fetched = {name: str(element[name])[:60] for name in FETCHED if element.has_attr(name)}
        if element.name not in {"a", "area"} and element.has_attr("href"):
            fetched["href"] = str(element["href"])[:60]
        assert all(address.startswith(("data:", "#")) for address in fetched.values()), (element.name, fetched)


@pytest.mark.parametrize("name", NAMES)
def test_every_link_of_a_page_leads_somewhere(built_site: Any, name: str) -> None:
    page = built_site.folder / f"{name}.html"
    targets = [unquote(str(link["href"])) for link in soup(page).find_all("a", href=True)]
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert len(local) > len(SUFFIXES)
    for target in local:
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.is_file(), target
        if anchor and there.suffix == ".html":
            assert soup(there).find(id=anchor) is not None, target


def test_the_lessons_follow_one_another(built_site: Any) -> None:
    names = [name for name in NAMES if name.startswith("notebooks/")]
    pages = [soup(built_site.folder / f"{name}.html") for name in names]
    for position, page in enumerate(pages):
        around = [str(link["href"]).removeprefix("../").removesuffix(".html") for link in page.select(".around a")]
        expected = names[max(0, position - 1) : position] + names[position + 1 : position + 2]
        assert [one for one in around if one in names] == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_page_describes_its_pictures_and_sets_its_formulas(built_site: Any, name: str) -> None:
    page = soup(built_site.folder / f"{name}.html")
    assert [picture for picture in page.find_all("img") if len(str(picture.get("alt", ""))) < 10] == []
    assert page.select(".formula-source") == []
    assert re.findall(r"\$\$.+?\$\$", page.main.get_text() if page.main else "") == []


@pytest.mark.parametrize("name", NAMES)
def test_an_article_has_its_title_its_pages_their_numbers_and_all_its_fonts(built_site: Any, name: str) -> None:
    article = PdfReader(built_site.folder / f"{name}.pdf")
    title = soup(built_site.folder / f"{name}.html").title
    assert title is not None
    assert article.metadata is not None
    assert article.metadata.title == title.get_text()
    assert "".join(title.get_text().split()) in "".join(article.pages[0].extract_text().split())
    assert len(article.pages) > 3
    last = article.pages[-1].extract_text()
    assert f"{len(article.pages)} / {len(article.pages)}" in last
    assert not_embedded(article) == []


@pytest.mark.parametrize("name", NAMES)
def test_decks_in_pdf_have_the_slides_of_the_deck(built_site: Any, name: str) -> None:
    deck = PdfReader(built_site.folder / f"{name}.slides.pdf")
    width, height = map(float, deck.pages[0].mediabox[2:])
    assert width / height == pytest.approx(16 / 9, rel=0.01)
    notes = PdfReader(built_site.folder / f"{name}.notes.pdf")
    slides = soup(built_site.folder / f"{name}.slides.html").select(".slides > section > section")
    assert (len(deck.pages), len(notes.pages)) == (len(slides), -(-len(slides) // 3))
    assert not_embedded(deck) + not_embedded(notes) == []


def not_embedded(document: PdfReader) -> list[str]:
    """Return the names of the fonts that a document asks of the machine that shows it."""
    found = []
    for page in document.pages:
        for font in fonts_of(page):
            base = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
            descriptor = base.get("/FontDescriptor", {}).get_object()
            if font["/Subtype"] != "/Type3" and not {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor):
                found.append(str(font["/BaseFont"]))
    return found


def fonts_of(page: PageObject) -> list[Any]:
    fonts = page.get("/Resources", {}).get_object().get("/Font", {}).get_object()
    return [font.get_object() for font in fonts.values()]
