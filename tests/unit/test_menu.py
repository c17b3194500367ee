"""The menu shows every heading of its levels once, and every link lands on it in nbconvert's HTML."""

from __future__ import annotations

import json
import string
import tempfile
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from nbconvert import HTMLExporter
from notebook_writer import code, text
from notebook_writer import write_notebook as write_cells

from course.errors import BadArgumentError
from course.menu import NotebookMenu, add_notebook_menu
from course.publish.execute import ExecutedNotebook, execute_notebooks
from course.publish.lessons import read_lesson
from course.publish.markdown import DropMenu, is_menu


def write_notebook(path: Path, *sources: str) -> Path:
    """Write a notebook: the menu, then one markdown cell for each source."""
    menu = code("from course.menu import add_notebook_menu\nadd_notebook_menu()")
    return write_cells(path, menu, *map(text, sources))


@pytest.fixture(autouse=True)
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


@pytest.fixture
def menu_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def menu_of(*sources: str, **options: Any) -> BeautifulSoup:
        path = write_notebook(tmp_path / "lesson.ipynb", *sources)
        monkeypatch.setenv("JPY_SESSION_NAME", str(path))
        return BeautifulSoup(str(add_notebook_menu(raw=True, **options)), "html.parser")

    return menu_of


def labels(menu: BeautifulSoup) -> list[str]:
    return [link.get_text() for link in menu.find_all("a")]


def nesting(items: Tag) -> list[Any]:
    """Return a ``<ul>`` as nested Python lists: each heading, followed by the list under it."""
    tree: list[Any] = []
    for item in items.find_all("li", recursive=False):
        tree.append(item.find_all("a")[0].get_text())
        tree += [nesting(inner) for inner in item.find_all("ul", recursive=False)]
    return tree


ITEMS = ("### before", "## A", "### A1", "## B\n\n### B1", "## C")
CODE = "```\n## fenced\n```\n\n    ## indented\n\n~~~python\n## fenced too\n~~~\n"


@pytest.mark.parametrize(
    ("sources", "options", "expected"),
    [
        (("# Title", "## A\n\n### A1\n\ntext\n\n#### A1x\n\n##### too deep", "## B"), {}, ["A", ["A1", ["A1x"]], "B"]),
        (("# Title\n\n## A\n\n### A1",), {"first_level": 1, "last_level": 2}, ["Title", ["A"]]),
        # a skipped level nests by one list
        (
            ("#### deep first", "## A", "#### skips 3", "### back to 3", "## B"),
            {},
            ["deep first", "A", ["skips 3", "back to 3"], "B"],
        ),
        (ITEMS, {"keep_item": 1}, ["B", ["B1"]]),
        (ITEMS, {"keep_item": 2}, ["C"]),
        # code is not a heading, underlined and quoted headings are
        ((CODE, "Under\n-----\n\n> ## Quoted"), {}, ["Under", "Quoted"]),
    ],
)
def test_shows_the_headings_of_its_levels_one_list_inside_the_other(
    menu_of: Any, sources: tuple[str, ...], options: dict[str, int], expected: list[Any]
) -> None:
    menu = menu_of(*sources, menu_id="m", **options)
    assert nesting(menu.nav.ul) == expected
    assert menu.nav["id"] == f"m{options.get('keep_item', '')}"
    assert all(items.parent.name in {"nav", "li"} for items in menu.find_all("ul"))
    assert all(item.parent.name == "ul" for item in menu.find_all("li"))


def test_labels_keep_code_and_emphasis_and_lose_links_images_and_tags(menu_of: Any) -> None:
    menu = menu_of("## Read `x_y` with *care*, [docs](http://a.fr) ![plot](p.png) and <b>more</b> ~~or less~~")
    assert "".join(map(str, menu.a.contents)) == (
        "Read <code>x_y</code> with <em>care</em>, docs plot and more <s>or less</s>"
    )


def test_text_is_escaped_everywhere_and_a_header_makes_the_menu_fold(menu_of: Any) -> None:
    assert menu_of("## A").find("details") is None
    menu = menu_of('## A & B < C &eacute; `<script>` "q"', header="<script>1</script>", menu_id='"><script>')
    assert labels(menu) == ['A & B < C é <script> "q"']
    assert menu.find("script") is None
    assert menu.nav.details.has_attr("open")
    assert menu.summary.get_text() == "<script>1</script>"
    assert menu.nav["id"] == '"><script>'


def test_a_notebook_without_headings_says_what_to_do(menu_of: Any) -> None:
    menu = menu_of("only text")
    assert menu.find("ul") is None
    assert "save the notebook" in menu.nav.get_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "rst"}, 'use format="html"'),
        ({"format": "pdf"}, "unknown"),
        ({"first_level": 3, "last_level": 2}, "first_level <= last_level"),
        ({"first_level": 0}, "1 <= first_level"),
        ({"last_level": 7}, "last_level <= 6"),
        ({"keep_item": -1}, "negative"),
        ({"keep_item": 3}, "3 headings of level 2"),
    ],
)
def test_bad_arguments_say_what_to_do(menu_of: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadArgumentError, match=message):
        menu_of(*ITEMS, **options)


def test_a_heading_that_starts_its_cell_is_reached_by_the_cell(menu_of: Any) -> None:
    deep = "Text\n\n### Plain `words`: 1/2\n\n### one<br>two"
    menu = menu_of("\n## Élan vital\n\n### Twice", "## Twice", deep)
    assert [link["href"] for link in menu.find_all("a")] == [
        "#cell-id=cell-1",  # accents
        "#cell-id=cell-1",  # its anchor is that of two headings
        "#cell-id=cell-2",
        "#Plain-words:-1/2",
        "#cell-id=cell-3",  # nbconvert gives it no anchor
    ]


def test_cells_without_identifier_are_reached_by_anchors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = ["## Élan `a b`", '## "50 %" [x]', "## Plot ![alt](p.png) and <b>bold</b>", "## $x^2$ &eacute;"]
    path = write_notebook(tmp_path / "old.ipynb", *sources)
    notebook = json.loads(path.read_text(encoding="utf-8")) | {"nbformat_minor": 4}
    for cell in notebook["cells"]:
        del cell["id"]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    page = exported(path)
    menu = BeautifulSoup(str(add_notebook_menu(raw=True)), "html.parser")
    assert [link["href"][1:] for link in menu.find_all("a")] == [h["id"] for h in page.find_all("h2")]


def exported(path: Path, template: str = "lab") -> BeautifulSoup:
    """Return nbconvert's page for a notebook."""
    return BeautifulSoup(HTMLExporter(template_name=template).from_filename(str(path))[0], "html.parser")


SPECIAL = ["é", "œuvre…", "&", "a<b", "(1/2):", "it's", "`c_d`", "*em*", "**st**", "50", "%", "[a]", "«q»"]
WORDS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=6) | st.sampled_from(SPECIAL)
HEADING = st.tuples(
    st.integers(1, 6), st.lists(WORDS, min_size=1, max_size=4).map(lambda words: f"w {' '.join(words)}")
)
NOTEBOOK = st.lists(st.lists(HEADING, min_size=1, max_size=4), min_size=1, max_size=5)


@pytest.mark.parametrize("template", ["lab", "classic"])
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would export hundreds of pages
)
@given(cells=NOTEBOOK, before=st.booleans())
def test_each_heading_appears_once_and_its_link_exists_in_the_page(
    template: str, cells: list[list[tuple[int, str]]], before: bool
) -> None:
    sources = ["text\n\n" * before + "\n\n".join(f"{'#' * level} {text}" for level, text in cell) for cell in cells]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = write_notebook(Path(folder) / "law.ipynb", *sources)
        patch.setenv("JPY_SESSION_NAME", str(path))
        menu = BeautifulSoup(str(add_notebook_menu(raw=True)), "html.parser")
        page = exported(path, template)
    in_page = [h for h in page.find_all(["h2", "h3", "h4"]) if h.get("id")]
    assert labels(menu) == [h.get_text().removesuffix("¶") for h in in_page]
    for link, heading in zip(menu.find_all("a"), in_page, strict=True):
        target = page.find(id=link["href"][1:])
        assert any(target is element for element in [heading, *heading.parents])


def test_text_is_short_and_the_output_never_changes(menu_of: Any) -> None:
    menu_of("## A", "### B")
    first, second = add_notebook_menu(), add_notebook_menu()
    assert isinstance(first, NotebookMenu)
    assert first == second
    assert repr(first) == "Menu of the notebook: 2 headings"


def test_the_file_is_told_by_the_server_or_by_vscode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from IPython.testing.globalipapp import get_ipython

    write_notebook(tmp_path / "lesson.ipynb", "## Found")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JPY_SESSION_NAME", "folder/of/server/lesson.ipynb")
    assert "Found" in str(add_notebook_menu(raw=True))
    path = write_notebook(tmp_path / "vscode.ipynb", "## In VS Code")
    monkeypatch.setitem(get_ipython().user_ns, "__vsc_ipynb_file__", str(path))
    assert "In VS Code" in str(add_notebook_menu(raw=True))


@pytest.mark.parametrize("session", [None, "console-1", "gone.ipynb"])
def test_without_a_file_one_line_says_so(session: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if session:
        monkeypatch.setenv("JPY_SESSION_NAME", session)
    menu = add_notebook_menu(menu_id="plan", first_level=3, header="<Plan>", keep_item=2)
    assert repr(menu) == "No menu: the file of this notebook is unknown."
    assert add_notebook_menu(raw=True) == f"<p>{menu!r}</p>"


def test_a_real_kernel_stores_the_menu_marked_so_that_exporters_drop_it(tmp_path: Path) -> None:
    lesson = read_lesson(write_notebook(tmp_path / "kernel.ipynb", "## First", "## Second"))
    found: list[ExecutedNotebook] = []
    execute_notebooks([lesson], tmp_path / "work", on_executed=lambda _, done: found.append(done))
    notebook = found[0].notebook
    (output,) = notebook.cells[0].outputs
    assert output.metadata == {"course": {"menu": True}}
    assert set(output.data) == {"text/html", "text/plain"}
    assert output.data["text/plain"] == "Menu of the notebook: 2 headings"
    assert is_menu(output)
    kept, _ = DropMenu().preprocess(notebook, {})
    assert [cell.cell_type for cell in kept.cells] == ["markdown", "markdown"]
