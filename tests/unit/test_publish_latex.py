"""Where neither Typst nor a browser is there, the LaTeX of the machine sets the lessons."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from course.publish.formats import select_formats
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pypdf import PdfReader

from course.diagnosis.facts import BROWSERS
from course.errors import BuildError
from course.publish.build import BuildOptions, build_site
from course.publish.latex import LatexPDFExporter
from course.publish.lessons import read_lesson

ROOT = Path(__file__).parents[2]
PROGRAMS = ("xelatex", "pandoc", "bibtex")
has_latex = pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason="needs xelatex, bibtex and pandoc")


@has_latex
def test_a_lesson_is_set_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    which = shutil.which
    monkeypatch.setattr("course.publish.formats.missing_modules", lambda one: ["typst"] if one.requires else [])
    monkeypatch.setattr("shutil.which", lambda name: None if name in BROWSERS else which(name))
    lesson = read_lesson(ROOT / "notebooks/01_data.ipynb")
    options = BuildOptions(tmp_path / "site", tmp_path / "cache", select_formats(["pdf"]), execute=False)
    assert build_site([lesson], options).warnings[0] == "pdf is printed by xelatex: install typst"
    made = PdfReader(tmp_path / "site/notebooks/01_data.pdf")
    text = "".join("".join(page.extract_text() for page in made.pages).split())
    assert "".join(lesson.title.split()) in text
    assert "Whatisnext" in text


@has_latex
def test_what_the_fonts_lack_is_told_and_a_wrong_formula_is_an_error() -> None:
    told: dict[str, Any] = {"metadata": {"name": "lesson"}}
    LatexPDFExporter().from_notebook_node(new_notebook(cells=[new_code_cell("snow = '☃'")]), told)
    assert told["course_warnings"] == ["the fonts of LaTeX lack ☃"]
    wrong = new_notebook(cells=[new_markdown_cell(r"$\unknown{x}$")])
    with pytest.raises(BuildError, match=r"LaTeX refuses the lesson: ! Undefined control sequence"):
        LatexPDFExporter().from_notebook_node(wrong, {"metadata": {"name": "lesson"}})


FAKE_LATEX = """#!{python}
import pathlib, sys
page = pathlib.Path(sys.argv[1])
if "refused" in page.read_text(encoding="utf-8"):
    sys.exit("This is a test\\n! Undefined control sequence.\\nl.1")
page.with_suffix(".log").write_text("Missing character: There is no \N{SNOWMAN} (U+2603) in font x!", encoding="utf-8")
page.with_suffix(".pdf").write_bytes(b"%PDF-")
"""


@pytest.fixture
def fake_latex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that answers as LaTeX does, for machines that have none."""
    for name in ("xelatex", "bibtex"):
        program = tmp_path / name
        program.write_text(FAKE_LATEX.format(python=sys.executable), encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program on Windows")
@pytest.mark.usefixtures("fake_latex")
def test_what_latex_says_is_passed_on() -> None:
    told: dict[str, Any] = {"metadata": {"name": "lesson"}}
    pdf, _ = LatexPDFExporter().from_notebook_node(new_notebook(cells=[new_code_cell("1")]), told)
    assert (pdf, told["course_warnings"]) == (b"%PDF-", ["the fonts of LaTeX lack ☃"])
    with pytest.raises(BuildError, match=r"^LaTeX refuses the lesson: ! Undefined control sequence\.; install typst"):
        LatexPDFExporter().from_notebook_node(new_notebook(cells=[new_code_cell("refused")]), told)
