"""Titles are read as the pages read them, whatever stands around them."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebook_writer import published, text, write_notebook

from course.headings import headings
from course.publish.lessons import read_lesson
from course.publish.page_html import HTMLPageExporter

NO_TITLES = [
    "<!--\n# no\n-->", "<!--\n\n# no\n\n## no\n-->", "<pre>\n\n# no\n</pre>", "<script>\n# no\n\n# no\n</script>",
    "<textarea>\n# no\n\n# no\n</textarea>", "<div>\n# no\n</div>", "<p>x\n# no\n</p>", "<style>\n# no\n</style>",
    "<pre>\n<h1>no</h1>\n</pre>", "<!-- <h1>no</h1> -->", "```\n# no\n```", "~~~\n# no\n~~~",
    "````\n```\n# no\n```\n````",
    "text\n\n    # no", "- a\n  ```\n  # no\n  ```", "$$\n# no\n$$", "\\begin{align}\n# no\n\\end{align}", "####### no",
    "|a|\n|-|\n|# no|", "\\# no", "#", "# ![](no.png)",
]  # fmt: skip


@pytest.mark.parametrize("before", NO_TITLES)
def test_what_only_looks_like_a_title_is_none(before: str) -> None:
    found = [heading.text for heading in headings(f"{before}\n\n# Real") if heading.text.strip()]
    assert found == ["Real"]


TITLES = {
    "# Real": "Real",
    "Real\n====": "Real",
    "Real\nname\n====": "Real name",
    "Real\n---\n\n# Title": "Title",
    "#Real": "Real",
    "# Real ##": "Real",
    "# Two\n\n# Titles": "Two",
    "> # Real": "Real",
    "# *Real* `x` <b>y</b> [z](http://a)": "Real x y z",
    "# Real &amp; \\* \\\\N": "Real & * \\N",
    "<h1 align='center'>Real <em>x</em> &amp;</h1>\n\ntext": "Real x &",
    "<h2>Real</h2>\n\n# Title": "Title",
    "#\n\n# Title": "Title",
    "---\ntitle: no\n---\n# Real": "Real",
    "no title": "01_a",
}


@pytest.mark.parametrize("source", TITLES)
def test_the_lesson_and_its_page_have_one_title(source: str, tmp_path: Path) -> None:
    lesson = read_lesson(write_notebook(tmp_path / "01_a.ipynb", text(source)))
    page, _ = published(HTMLPageExporter(), text(source), metadata={"name": "01_a", "path": str(tmp_path)})
    assert page.title is not None
    assert (lesson.title, page.title.get_text()) == (TITLES[source], TITLES[source])


def test_what_is_hidden_does_not_come_before_a_title() -> None:
    hidden, shown = headings("<!-- plan -->\n\n# Real"), headings("text\n\n# Real")
    assert [one.starts_cell for one in (*hidden, *shown)] == [True, False]
