"""The site says of each lesson what its notebook says, and every link leads to a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from notebook_writer import QUICK, TABLE, code, text, write_notebook

from course.errors import BadArgumentError
from course.publish.convert import FORMATS, Published, page_context
from course.publish.forward import NEW_NAMES, write_forwards
from course.publish.lessons import Lesson, discover_lessons, heading_above
from course.publish.safe_html import policy
from course.publish.site import build_date, format_duration, write_index


@pytest.fixture
def lessons(tmp_path: Path) -> list[Lesson]:
    notebooks = tmp_path / "notebooks"
    first = text("# Count *rows* & `<cells>`\n\nWhy [199,999](x.html) lines\nare `99,999` rows & more.\n\nMore.")
    write_notebook(notebooks / "01_first.ipynb", code("menu"), first, text("**Time to learn**: 20 minutes\n"))
    write_notebook(notebooks / "02_second.ipynb", code("1"), text("```\n# not a title\n```\n"))
    write_notebook(notebooks / "draft.ipynb", code("1"))
    write_notebook(tmp_path / "slides" / "lecture.ipynb", text("# The lecture"))
    return discover_lessons(notebooks, tmp_path / "slides")


def index(tmp_path: Path, lessons: list[Lesson]) -> BeautifulSoup:
    published = [Published(lesson, 61.0, 3 * 2**20, dict.fromkeys(TABLE, 2048)) for lesson in lessons]
    return BeautifulSoup(write_index(tmp_path, published, TABLE).read_text(encoding="utf-8"), "html.parser")


def test_lessons_come_in_order_then_decks_with_what_the_site_says_of_each(lessons: list[Lesson]) -> None:
    names = [(f"{one.folder}/{one.name}", one.is_deck) for one in lessons]
    assert names == [("notebooks/01_first", False), ("notebooks/02_second", False), ("slides/lecture", True)]
    first, second, _ = lessons
    assert (first.title, first.time_to_learn) == ("Count rows & <cells>", "20 minutes")
    assert first.description == "Why 199,999 lines are 99,999 rows & more."
    assert (second.title, second.description, second.time_to_learn) == ("02_second", "", None)


def test_a_cell_stands_under_the_last_heading_above_it() -> None:
    cells = [code("1"), text("# A\n\n## B *b*"), code("2"), text("C"), code("3")]
    assert [heading_above(cells, number) for number in (0, 2, 4)] == [None, "B b", "B b"]


def test_the_index_lists_lessons_with_facts_and_files(tmp_path: Path, lessons: list[Lesson]) -> None:
    page = index(tmp_path, lessons)
    cards = page.select("article.card")
    assert len(cards) == 3
    said = " ".join(cards[0].get_text(" ").split())
    for fact in (lessons[0].title, lessons[0].description, "20 minutes", "1 min 01 s", "3.00 MiB", "html 2.00 KiB"):
        assert fact in said
    assert "to learn" not in cards[1].get_text()
    assert [heading.get_text() for heading in page.select("h2")] == ["Lessons", "Lectures", "Built with"]
    assert re.search(r"(?:https?:)?//|@import|<script", str(page)) is None
    hrefs = {str(link["href"]) for link in page.select("main a[href]")}
    assert hrefs == {f"{one.folder}/{one.name}{form.suffix}" for one in lessons for form in TABLE}


def test_the_index_is_the_same_twice_and_dated_by_its_source_only(
    tmp_path: Path, lessons: list[Lesson], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    undated = str(index(tmp_path, lessons))
    assert str(index(tmp_path, lessons)) == undated
    assert "· built" not in undated
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1480550400")
    assert "built 2016-12-01" in str(index(tmp_path, lessons))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(BadArgumentError, match="SOURCE_DATE_EPOCH='yesterday'"):
        build_date()


def test_pages_link_to_their_formats_and_their_neighbours(lessons: list[Lesson]) -> None:
    first, second, deck = (page_context(lessons, lesson, QUICK) for lesson in lessons)
    assert first["links"] == [("notebook", "01_first.ipynb"), ("python", "01_first.py")]
    source = ("GitHub", "https://github.com/team/course/blob/HEAD/a.ipynb")
    assert page_context(lessons, lessons[0], QUICK, source)["links"] == [*first["links"], source]
    assert (first["previous"], first["next"]) == (None, ("02_second", "../notebooks/02_second.html"))
    assert second["previous"] == (lessons[0].title, "../notebooks/01_first.html")
    assert (second["next"], deck["previous"], deck["next"]) == (None, None, None)


def test_old_names_forward_to_the_new_page_where_there_is_one_and_to_no_other(tmp_path: Path) -> None:
    notebooks, site = tmp_path / "notebooks", tmp_path / "site"
    for name, title in (
        ("04_sampling", "# A `<part>` of it"),
        ("06_pickle", "# P"),
        ("04_pickle", "# Now"),
        ("01_a", "# A"),
    ):
        write_notebook(notebooks / f"{name}.ipynb", text(title))
    write_notebook(tmp_path / "slides" / "09_dask.ipynb", text("# A deck"))
    lessons = discover_lessons(notebooks, tmp_path / "slides")
    (site / "notebooks").mkdir(parents=True)
    (site / "notebooks" / "04_pickle.html").write_text("a lesson of today")
    write_forwards(site, [Published(lesson, 1.0, 1, dict.fromkeys(FORMATS, 1)) for lesson in lessons])
    made = sorted(path.name for path in (site / "notebooks").iterdir())
    assert made == ["03_sampling.html", "03_sampling.slides.html", "04_pickle.html", "04_pickle.slides.html"]
    assert (site / "notebooks" / "04_pickle.html").read_text() == "a lesson of today"
    for suffix in (".html", ".slides.html"):
        page = BeautifulSoup((site / "notebooks" / f"03_sampling{suffix}").read_text(encoding="utf-8"), "html.parser")
        link, refresh = page.select_one("main a[href]"), page.select_one("meta[http-equiv=refresh]")
        assert link is not None
        assert refresh is not None
        assert (link["href"], link.get_text()) == (f"04_sampling{suffix}", "A <part> of it")
        assert refresh["content"] == f"0; url=04_sampling{suffix}"
        head = [
            page.select_one(what)
            for what in ("html", "link[rel=canonical]", "meta[http-equiv=Content-Security-Policy]")
        ]
        told = [one and one.get(name) for one, name in zip(head, ("lang", "href", "content"), strict=True)]
        assert told == ["en", f"04_sampling{suffix}", policy()]
        assert re.search(r"(?:https?:)?//|@import|<script|<part>", str(page)) is None


def test_no_name_is_old_and_new_and_none_is_new_twice() -> None:
    assert len(set(NEW_NAMES.values())) == len(NEW_NAMES)
    assert not set(NEW_NAMES) & set(NEW_NAMES.values())
    assert [int(old[:2]) for old in NEW_NAMES] == list(range(3, 12))  # the first two have kept their names
    assert set(NEW_NAMES.values()) <= {path.stem for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb")}


def test_durations_are_said_as_people_do() -> None:
    said = [format_duration(seconds) for seconds in (0.04, 9.94, 59.6, 185)]
    assert said == ["0.0 s", "9.9 s", "1 min 00 s", "3 min 05 s"]
