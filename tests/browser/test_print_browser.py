"""Where Typst is missing, the browser of the machine prints the lessons."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from course.publish.formats import select_formats
from pypdf import PdfReader

from course.publish import browser
from course.publish.build import BuildOptions, build_site
from course.publish.lessons import read_lesson

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(browser.find_chromium() is None, reason="needs chromium or google-chrome on the path"),
]
ROOT = Path(__file__).parents[2]


def test_without_typst_a_lesson_is_printed_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course.publish.formats.missing_modules", lambda one: ["typst"] if one.requires else [])
    lesson = read_lesson(ROOT / "notebooks/01_data.ipynb")
    options = BuildOptions(tmp_path / "site", tmp_path / "cache", select_formats(["pdf", "slides2"]), execute=False)
    report = build_site([lesson], options)
    assert [warning.partition(":")[0] for warning in report.warnings][1:] == ["slides2 is left out"]
    assert report.warnings[0].startswith("pdf is printed by ")
    printed = PdfReader(tmp_path / "site/notebooks/01_data.pdf")
    # the letters fi are one sign in print
    text = normalize("NFKC", "".join("".join(page.extract_text() for page in printed.pages).split()))
    assert "".join(lesson.title.split()) in text
    assert "Whatisnext" in text


def test_a_page_is_printed_and_a_browser_that_prints_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(PdfReader(io.BytesIO(browser.print_to_pdf("<title>t</title><p>text"))).pages) == 1
    told: Any = pytest.raises(browser.BuildError, match=r"printed nothing; install typst and tylax")
    monkeypatch.setattr(browser, "find_chromium", lambda: "true")
    with told:
        browser.print_to_pdf("<p>text")
    monkeypatch.setattr(browser, "find_chromium", lambda: None)
    with pytest.raises(browser.MissingDependencyError, match="PDF needs typst and tylax, or a browser"):
        browser.print_to_pdf("<p>text")
