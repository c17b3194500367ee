"""A build makes again what changed and nothing else; whatever happens to it, a whole site stays in place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from notebook_writer import QUICK, TABLE, code, contents, text, write_notebook

from course.errors import BuildError, ExistingFileError, OutputError, UnknownFormatError
from course.files import recover
from course.publish import build
from course.publish.build import BuildOptions, BuildReport, build_site
from course.publish.cache import (
    Cache,
    conversion_key,
    course_code_digest,
    execution_key,
    publish_code_digest,
    tree_digest,
    versions,
)
from course.publish.convert import FORMATS, Converter, select_formats
from course.publish.lessons import (
    companions,
    copy_companions,
    dead_links,
    digest,
    discover_lessons,
    foreign_language,
    read_lesson,
)
from course.publish.site import RECORD

COUNT = "from pathlib import Path\nwith Path({path!r}).open('a') as stream:\n    stream.write('1')\n"


class Course:
    """A course of two lessons in a folder, with a count of the executions of each."""

    def __init__(self, folder: Path) -> None:
        self.notebooks = folder / "notebooks"
        self.counts = {name: folder / f"{name}.count" for name in ("01_first", "02_second")}
        self.options = BuildOptions(folder / "build" / "site", folder / "build" / "cache", QUICK)
        (self.notebooks / "images").mkdir(parents=True)
        (self.notebooks / "images" / "dot.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
        for name in self.counts:
            self.write(name, "1 + 1")

    def write(self, name: str, source: str) -> None:
        title, count = text(f"# Title of {name}\n\n![dot](images/dot.svg)"), COUNT.format(path=str(self.counts[name]))
        write_notebook(self.notebooks / f"{name}.ipynb", title, code(count), code(source))

    def build(self, **changes: object) -> BuildReport:
        return build_site(discover_lessons(self.notebooks), replace(self.options, **changes))  # type: ignore[arg-type]

    @property
    def executions(self) -> dict[str, int]:
        return {name: len(path.read_text()) for name, path in self.counts.items()}

    @property
    def site(self) -> dict[str, bytes]:
        return contents(self.options.output)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Return a course that was built once; each test leaves its site good."""
    course = Course(tmp_path_factory.mktemp("course"))
    report = course.build(formats=TABLE)
    assert report.executed == ("01_first", "02_second")
    return course


def left_overs(course: Course) -> list[str]:
    """Return what a build may leave that is neither the site nor the cache."""
    build = course.options.output.parent
    return [one.name for one in (*build.iterdir(), *build.glob("work/*")) if one.name not in ("site", "cache", "work")]


def test_every_link_of_the_site_leads_to_a_file(built: Course) -> None:
    built.build(formats=TABLE)
    site = built.options.output
    found = 0
    for page in site.rglob("*.html"):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        for link in [*soup.select("a[href]"), *soup.select("img[src]")]:
            target = unquote(str(link.get("href") or link.get("src"))).partition("#")[0]
            if target and not target.startswith(("http", "data:")):
                found += 1
                assert (page.parent / target).is_file(), f"{page.name}: {target}"
    assert found >= 2 * len(TABLE) + 2


def test_only_what_changed_is_executed_and_no_cache_executes_all(built: Course) -> None:
    site, executions = built.build(formats=TABLE) and built.site, built.executions
    report = built.build(formats=TABLE)
    assert (report.executed, built.executions, built.site, left_overs(built)) == ((), executions, site, [])
    built.write("02_second", "2 + 2")
    assert built.build().executed == ("02_second",)
    assert built.executions == executions | {"02_second": executions["02_second"] + 1}
    assert b'"4"' in built.site["notebooks/02_second.ipynb"]
    assert len(built.build(read_cache=False).executed) == 2


def test_the_cache_of_another_version_is_renewed_without_a_word(built: Course) -> None:
    built.build()
    pages = contents(built.options.output / "notebooks")
    for number, path in enumerate(sorted(built.options.cache.rglob("*.json"))):
        entry = json.loads(path.read_text())
        values = [entry | {"key": "of another version"}, entry | {"format": 0, "value": "?"}, ["?"]]
        path.write_text(json.dumps(values[number % 3]))
    report = built.build()
    assert (report.executed, report.warnings) == (("01_first", "02_second"), ())
    assert contents(built.options.output / "notebooks") == pages


def test_a_failing_cell_leaves_the_site_byte_for_byte(built: Course) -> None:
    built.build()
    site = built.site
    built.write("02_second", "1 / 0")
    place = r"02_second\.ipynb, cell 3 of 3 under “Title of 02_second”"
    with pytest.raises(BuildError, match=rf"{place}.*ZeroDivisionError"):
        built.build()
    assert (built.site, left_overs(built)) == (site, [])
    built.write("02_second", "1 + 1")


def test_stored_outputs_are_published_without_execution(built: Course) -> None:
    built.build()
    before = built.executions
    stored = {"output_type": "stream", "name": "stdout", "text": "as stored"}
    cell = code("1") | {"outputs": [stored], "execution_count": 1}
    write_notebook(built.notebooks / "01_first.ipynb", text("# T"), cell)
    report = built.build(execute=False)
    assert (report.executed, built.executions) == ((), before)
    assert b"as stored" in built.site["notebooks/01_first.ipynb"]
    assert b"to run" not in built.site["index.html"]
    built.write("01_first", "1 + 1")


def test_warnings_come_back_even_from_the_cache_and_strict_keeps_the_previous_site(built: Course) -> None:
    built.write("02_second", "1 + 1")
    built.build()
    site = built.site
    built.write("02_second", "import asyncio\nawait asyncio.sleep(0)")
    told: list[str] = []
    with pytest.raises(BuildError, match=r"1 warning.*--strict"):
        build_site(discover_lessons(built.notebooks), replace(built.options, strict=True), on_warning=told.append)
    assert [warning.partition(": the script does")[0] for warning in told] == ["02_second.ipynb: script"]
    assert built.site == site
    assert built.build(execute=False).warnings == built.build(execute=False).warnings == tuple(told)
    built.write("02_second", "1 + 1")


KILLED = """
import os, shutil, sys
from pathlib import Path
import course.publish.build as build
from course.publish.convert import select_formats
from course.publish.lessons import discover_lessons
notebooks, output, cache = map(Path, sys.argv[1:])
options = build.BuildOptions(output, cache, select_formats(["notebook", "script"]), execute=False)
original = {target}
def killed(*arguments, **named):
    {when}
    return original(*arguments, **named)
{target} = killed
build.build_site(discover_lessons(notebooks), options)
"""
MOMENTS = {
    "before the pages": ("build.write_index", "os._exit(9)"),
    "before the old site moves": ("Path.rename", "os._exit(9)"),
    "between the two moves": ("Path.replace", "arguments[0].name == 'site' and os._exit(9)"),
    "before the old site is removed": ("shutil.rmtree", "arguments[0].name == '.aside' and os._exit(9)"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_build_killed_at_any_moment_leaves_a_whole_site(built: Course, moment: str) -> None:
    built.build(execute=False)
    site = built.site
    target, when = MOMENTS[moment]
    program = KILLED.format(target=target, when=when)
    folders = [built.notebooks, built.options.output, built.options.cache]
    done = subprocess.run([sys.executable, "-c", program, *folders], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (9, "")
    assert built.options.output.exists() == (moment != "between the two moves")
    recover(built.options.output)
    assert built.site == site
    assert left_overs(built) == []
    built.build(execute=False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., BuildReport]:
    """Return what builds, in a project that is the current folder, a lesson without code into a named folder."""
    monkeypatch.chdir(tmp_path)
    write_notebook(tmp_path / "notebooks" / "01_one.ipynb", text("# One"))

    def build(output: object, notebooks: str = "notebooks") -> BuildReport:
        options = BuildOptions(Path(str(output)), Path("build/cache"), QUICK, execute=False)
        return build_site(discover_lessons(Path(notebooks)), options)

    return build


def link_to_page(folder: Path) -> None:
    """Make of the first page a link to one that is the same."""
    page = folder / "index.html"
    (folder.parent / "page").write_bytes(page.read_bytes() if page.exists() else b"")
    page.unlink(missing_ok=True)
    page.symlink_to(folder.parent / "page")


STRANGE: dict[str, Callable[[Path], object]] = {
    "a file": lambda folder: (folder / "thesis.txt").write_text("precious"),
    "a hidden file": lambda folder: (folder / ".gitignore").write_text("precious"),
    "a file in a folder": lambda folder: ((folder / "a" / "b").mkdir(parents=True), (folder / "a/b/c").write_text("c")),
    "a link to a folder": lambda folder: (folder / "a").symlink_to(folder.parent / "notebooks"),
    "a link to nothing": lambda folder: (folder / "a").symlink_to("nowhere"),
    "a pipe": lambda folder: os.mkfifo(folder / "a"),
    "a link in place of a page": link_to_page,
    "a record of nothing": lambda folder: (folder / RECORD).write_text("{}"),
    "a page that was changed": lambda folder: (folder / "index.html").write_text("mine"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize("is_site", [False, True], ids=["no site", "a site"])
def test_a_build_replaces_nothing_that_no_build_wrote(
    project: Callable[..., BuildReport], tmp_path: Path, strange: str, is_site: bool
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    if is_site:
        project("mine")
    STRANGE[strange](folder)
    before = sorted(folder.rglob("*")), (folder / "index.html").read_bytes() if is_site else None
    with pytest.raises(ExistingFileError, match=r"mine.* would be lost: move or delete it") as raised:
        project("mine")
    assert "\n" not in str(raised.value)
    assert before == (sorted(folder.rglob("*")), (folder / "index.html").read_bytes() if is_site else None)


@pytest.mark.parametrize("output", [".", "notebooks", "..", "/", "~", "~/..", "build", "build/cache", "notebooks/../."])
def test_a_build_replaces_no_folder_that_is_or_holds_what_it_needs(
    project: Callable[..., BuildReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(ExistingFileError, match=r"is or holds .*choose another"):
        project(Path(output).expanduser())
    assert {"home", "notebooks/01_one.ipynb"} <= {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}


def test_a_site_may_take_the_place_of_an_empty_folder_of_itself_and_of_what_a_link_leads_to(
    project: Callable[..., BuildReport], tmp_path: Path
) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "site").symlink_to("www")
    for _ in range(2):
        project("site")
        (tmp_path / "www" / "empty").mkdir()
    assert ((tmp_path / "site").is_symlink(), (tmp_path / "www" / "index.html").is_file()) == (True, True)
    (tmp_path / "other").symlink_to("not yet")
    project("other")
    assert (tmp_path / "not yet" / "index.html").is_file()
    (tmp_path / "file").touch()
    with pytest.raises(ExistingFileError, match="file was not made by a build"):
        project("file")


def test_what_comes_into_the_site_while_it_is_built_is_not_lost(
    project: Callable[..., BuildReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project("site")
    monkeypatch.setattr(build, "write_index", lambda *_: (tmp_path / "site" / "mine").write_text("precious"))
    with pytest.raises(ExistingFileError, match="mine"):
        project("site")
    assert (tmp_path / "site" / "mine").read_text() == "precious"


@pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")
def test_links_to_nothing_and_pipes_beside_the_notebooks_are_left_out(
    project: Callable[..., BuildReport], tmp_path: Path
) -> None:
    for name, to in {"dangling.png": "nowhere", "loop": ".", "itself": "itself", "picture.png": "real"}.items():
        (tmp_path / "notebooks" / name).symlink_to(to)
    os.mkfifo(tmp_path / "notebooks" / "pipe")
    (tmp_path / "notebooks" / "real").write_text("real")
    project("site")
    found = {path.name for path in (tmp_path / "site" / "notebooks").iterdir()}
    assert {"picture.png", "real"} <= found
    assert not {"dangling.png", "itself", "pipe"} & found


def test_a_place_that_cannot_be_written_and_a_name_given_twice_are_refused(tmp_path: Path, built: Course) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        built.build(output=tmp_path / "file" / "site")
    lessons = discover_lessons(built.notebooks)
    with pytest.raises(
        BuildError, match=r"01_first\.ipynb and .*01_first\.ipynb would both be published as notebooks/01_"
    ):
        build_site([*lessons, lessons[0]], built.options)


def test_formats_are_chosen_in_their_order_and_each_has_an_exporter_of_its_suffix(tmp_path: Path) -> None:
    assert select_formats(["script", "notebook"]) == QUICK == (FORMATS[0], FORMATS[3])
    with pytest.raises(UnknownFormatError, match=r"unknown format: docx; choose among notebook, html"):
        select_formats(["html", "docx"])
    converter = Converter(FORMATS, Cache(tmp_path))
    for one in FORMATS:
        assert one.suffix.endswith(converter.exporter(one).file_extension)
        assert converter.exporter(one) is converter.exporter(one)


@given(st.lists(st.text()), st.lists(st.text()))
def test_digests_are_equal_when_the_parts_are(first: list[str], second: list[str]) -> None:
    assert (digest(*first) == digest(*second)) == (first == second)


def test_a_tree_digest_follows_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    seen = {tree_digest(tmp_path)}
    (tmp_path / "a.py").write_text("2")
    seen.add(tree_digest(tmp_path))
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    seen.add(tree_digest(tmp_path))
    assert len(seen) == 3
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").touch()
    assert tree_digest(tmp_path) in seen


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    return write_notebook(tmp_path / "notebooks" / "01_a.ipynb", text("# Title"), code("1"))


def test_an_execution_key_follows_all_that_outputs_depend_on(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = [tmp_path / "data.csv"]
    changes: list[Callable[[], object]] = [
        lambda: data[0].write_text("1"),
        lambda: data[0].write_text("2"),
        lambda: data.append(data.pop().rename(tmp_path / "renamed.csv")),
        lambda: (notebook.parent / "module.py").write_text("x = 1"),
        lambda: (notebook.parent / "module.py").rename(notebook.parent / "other.py"),
        lambda: write_notebook(notebook, text("# Title"), code("2")),
        lambda: write_notebook(notebook, text("# Title"), code("2", "raises-exception")),
        lambda: monkeypatch.setattr("course.publish.cache.course_code_digest", lambda: "other code"),
        lambda: monkeypatch.setattr("course.publish.cache.versions", lambda: {"pandas": "0"}),
    ]
    seen = set()
    for change in changes:
        change()
        seen.add(execution_key(read_lesson(notebook), data))
    assert len(seen) == len(changes)


def test_an_execution_key_ignores_stored_outputs_and_made_data(notebook: Path) -> None:
    key = execution_key(read_lesson(notebook))
    output = {"output_type": "stream", "name": "stdout", "text": "1"}
    write_notebook(notebook, text("# Title"), code("1") | {"outputs": [output], "execution_count": 3})
    (notebook.parent / "data").mkdir()
    (notebook.parent / "data" / "made.csv").touch()
    assert execution_key(read_lesson(notebook)) == key


def test_a_conversion_key_follows_the_notebook_the_links_and_the_exporter(notebook: Path) -> None:
    lesson = read_lesson(notebook)
    keys = {
        conversion_key(lesson, executed, form, {"home": home})
        for executed in ("a", "b")
        for form in ("html", "pdf")
        for home in ("x", "y")
    }
    keys.add(conversion_key(read_lesson(notebook.rename(notebook.with_name("03_c.ipynb"))), "a", "html", {"home": "x"}))
    # a link between lessons leads somewhere or not
    write_notebook(notebook.parent / "02_b.ipynb")
    keys.add(conversion_key(lesson, "a", "html", {"home": "x"}))
    (notebook.parent / "p.svg").write_text("<svg/>")
    keys.add(conversion_key(lesson, "a", "html", {"home": "x"}))
    assert len(keys) == 11


def test_code_of_the_pages_is_not_code_of_the_lessons() -> None:
    assert course_code_digest() != publish_code_digest()
    assert versions()["python"].startswith("3.")
    assert {"pandas", "nbclient", "ipykernel", "typst", "moto"} <= set(versions())
    assert "pytest" not in versions()


def test_a_record_is_found_under_its_key_only_and_a_file_as_long_as_it_is_not_altered(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    assert cache.find_record("lesson", "key") is None
    cache.store_record("lesson", "key", {"seconds": 1.5})
    assert cache.find_record("lesson", "key") == {"seconds": 1.5}
    assert cache.find_record("lesson", "other") is None
    assert Cache(tmp_path / "cache", read=False).find_record("lesson", "key") is None
    stored = cache.store_file("page.html", "key", b"page", warnings=["one"])
    assert cache.find_file("page.html", "key") == stored
    assert stored[1]["warnings"] == ["one"]
    (tmp_path / "cache" / "page.html").write_bytes(b"pag")
    assert cache.find_file("page.html", "key") is None


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff", b"[]", b'{"key": "key"}'])
def test_a_damaged_record_is_not_found(tmp_path: Path, damage: bytes) -> None:
    cache = Cache(tmp_path)
    cache.store_record("lesson", "key", {})
    (tmp_path / "lesson.json").write_bytes(damage)
    assert cache.find_record("lesson", "key") is None


def test_companions_are_what_lessons_show_and_read(tmp_path: Path) -> None:
    source, target = tmp_path / "notebooks", tmp_path / "copy"
    for name in ("a.ipynb", "images/a.png", "module.py", "data/big.csv", ".hidden/x", "__pycache__/m.pyc"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    assert [path.relative_to(source).as_posix() for path in companions(source)] == ["images/a.png", "module.py"]
    copy_companions(source, target)
    assert (target / "images" / "a.png").read_text() == "images/a.png"
    assert not (target / "data").exists()


def stored(folder: Path, *places: str, formats: str = "html,slides,script,notebook") -> tuple[Path, BuildReport]:
    """Publish the notebooks at these places of a folder as they are, and return the site and what the build says."""
    options = BuildOptions(folder / "site", folder / "cache", select_formats(formats.split(",")), execute=False)
    return folder / "site", build_site([read_lesson(folder / place) for place in places], options)


MEET = {
    "twice": ("x/a.ipynb", "x/a.ipynb", ""),
    "slides of one": ("x/a.ipynb", "x/a.slides.ipynb", ""),
    "case": ("x/a.ipynb", "x/A.ipynb", ""),
    "case of a folder": ("X/a.ipynb", "x/a.ipynb", ""),
    "spelling of an accent": ("x/\u00e9.ipynb", "x/e\u0301.ipynb", ""),
    "folders of one name": ("p/x/a.ipynb", "q/x/a.ipynb", ""),
    "a page beside": ("x/a.ipynb", "y/b.ipynb", "x/a.html"),
    "a module beside": ("x/a.ipynb", "y/b.ipynb", "x/a.py"),
    "a folder beside": ("x/a.ipynb", "y/b.ipynb", "x/a.html/dot.png"),
    "first page": ("index.html/a.ipynb", "y/b.ipynb", ""),
}


@pytest.mark.parametrize("case", MEET)
def test_files_that_would_take_one_place_are_named_before_anything_is_written(case: str, tmp_path: Path) -> None:
    first, second, beside = MEET[case]
    for place in (first, second):
        write_notebook(tmp_path / place, text("# T"))
    if beside:
        (tmp_path / beside).parent.mkdir(exist_ok=True)
        (tmp_path / beside).write_text("mine")
    with pytest.raises(BuildError, match=r"would (both )?be published as .*rename one") as caught:
        stored(tmp_path, first, second)
    named = [name for name in (first, second, beside) if str(tmp_path / name) in str(caught.value)]
    assert len(named) >= 1 + (case != "first page")
    assert not (tmp_path / "site").exists()
    assert not (tmp_path / "cache").exists()


def test_a_name_too_long_for_its_files_is_refused(tmp_path: Path) -> None:
    place = f"x/{'é' * 115}.ipynb"
    write_notebook(tmp_path / place, text("# T"))
    with pytest.raises(BuildError, match="too long; give it one of"):
        stored(tmp_path, place)
    (tmp_path / place).rename(tmp_path / f"x/{'é' * 105}.ipynb")
    site, _ = stored(tmp_path, f"x/{'é' * 105}.ipynb")
    assert len(list((site / "x").iterdir())) == 4


ODD_NAMES = [
    "C#",
    "50%",
    "a%20b",
    "a b",
    "it's",
    'say "x"',
    "é&ü",
    "<b>",
    "-dash",
    ".hidden",
    "a?b=1",
    "a:b",
    "a\\b",
    "*[1]",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_links_between_pages_of_any_name_lead_to_them(name: str, tmp_path: Path) -> None:
    links = f"[x]({quote(name)}.ipynb#T) [y]({quote(name)}.ipynb?a=1)"
    write_notebook(tmp_path / "deck #1" / "01_a.ipynb", text(f"# First\n\n{links}"))
    write_notebook(tmp_path / "deck #1" / f"{name}.ipynb", text("# T"))
    site, _ = stored(tmp_path, "deck #1/01_a.ipynb", f"deck #1/{name}.ipynb")
    page = BeautifulSoup((site / "deck #1" / "01_a.html").read_text(encoding="utf-8"), "html.parser")
    addresses = [urlsplit(str(link["href"])) for link in page.select("main a[href]")]
    found = [unquote(one.path) for one in addresses if not one.scheme and one.path]
    assert found.count(f"{name}.html") == 2
    assert f"../deck #1/{name}.html" in found
    for path in found:
        assert path == "../index.html" or (site / "deck #1" / path).is_file()


def test_lessons_whose_names_join_to_the_same_keep_their_own_outputs(tmp_path: Path) -> None:
    for place in ("a-b/c.ipynb", "a/b-c.ipynb"):
        write_notebook(tmp_path / place, text(f"# {place}"), code(f"print({place!r})"))
    lessons = [read_lesson(tmp_path / place) for place in ("a-b/c.ipynb", "a/b-c.ipynb")]
    build_site(lessons, BuildOptions(tmp_path / "site", tmp_path / "cache", QUICK))
    for lesson in lessons:
        published = (tmp_path / "site" / lesson.folder / f"{lesson.name}.ipynb").read_text(encoding="utf-8")
        assert f"{lesson.folder}/{lesson.name}.ipynb\\n" in published


@pytest.mark.parametrize("place", ["images/p.svg", "notebooks/data/p.svg", "notebooks/.kept/p.svg", "notebooks/p.svg"])
def test_a_picture_anywhere_is_made_again_when_it_changes(place: str, tmp_path: Path) -> None:
    address = os.path.relpath(tmp_path / place, tmp_path / "notebooks")
    write_notebook(tmp_path / "notebooks" / "01_a.ipynb", text(f"# T\n\n![p]({address})"))
    pages, picture = [], tmp_path / place
    for change in ("first", "second", None, "third"):
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_text(f"<svg>{change}</svg>") if change else picture.unlink()
        site, report = stored(tmp_path, "notebooks/01_a.ipynb", formats="html,pdf")
        pages.append((site / "notebooks" / "01_a.html").read_text(encoding="utf-8"))
        assert any("was not found" in warning for warning in report.warnings) == (change is None)
    assert len(set(pages)) == 4


def test_symbolic_links_are_followed_or_told(tmp_path: Path) -> None:
    folder = tmp_path / "notebooks"
    write_notebook(tmp_path / "store" / "z.ipynb", text("# Stored\n\n![p](p.svg)"))
    for name, target in {
        "01_a.ipynb": "../store/z.ipynb",
        "lib": "../lib",
        "gone": "nowhere",
        "loop": ".",
        "up": "../..",
    }.items():
        folder.mkdir(exist_ok=True)
        (folder / name).symlink_to(target)
    for name in ("lib/module.py", "notebooks/p.svg", "notebooks/in/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("<svg/>")
    (folder / "in" / "again").symlink_to("../lib2")
    (tmp_path / "notebooks" / "lib2").mkdir()
    (folder / "lib2" / "back").symlink_to("../in")
    os.mkfifo(folder / "pipe")
    assert [path.relative_to(folder).as_posix() for path in companions(folder)] == [
        "in/x", "lib/module.py", "lib2/back/x", "p.svg"
    ]  # fmt: skip
    assert [path.name for path in dead_links(folder)] == ["gone", "back", "again", "loop", "pipe", "up"]
    site, report = stored(tmp_path, "notebooks/01_a.ipynb")
    assert "data:image/svg+xml" in (site / "notebooks" / "01_a.html").read_text(encoding="utf-8")
    assert (site / "notebooks" / "lib" / "module.py").is_file()
    assert sum("is not copied" in warning for warning in report.warnings) == len(report.warnings) == 6


def test_a_folder_named_like_a_lesson_is_none_and_a_dead_lesson_is_told(tmp_path: Path) -> None:
    write_notebook(tmp_path / "notebooks" / "01_a.ipynb", text("# T"))
    (tmp_path / "notebooks" / "02_b.ipynb").mkdir()
    (tmp_path / "slides" / ".~deck.ipynb").mkdir(parents=True)
    assert [one.name for one in discover_lessons(tmp_path / "notebooks", tmp_path / "slides")] == ["01_a"]
    (tmp_path / "notebooks" / "03_c.ipynb").symlink_to("gone.ipynb")
    with pytest.raises(BuildError, match=r"cannot read .*03_c\.ipynb: No such file"):
        discover_lessons(tmp_path / "notebooks")


PYTHON, R = {"name": "python3", "display_name": "Python 3"}, {"name": "ir", "display_name": "R"}
KERNELS: list[tuple[dict[str, Any], str | None]] = [
    ({}, None),
    ({"kernelspec": PYTHON}, None),
    ({"kernelspec": {"name": "conda-env-mine-py", "display_name": "mine"}}, None),
    ({"kernelspec": {"name": "mine", "display_name": "Mine", "language": "python"}}, None),
    ({"kernelspec": {"name": "mine", "display_name": "Mine"}, "language_info": {"name": "python"}}, None),
    ({"kernelspec": {"name": "", "display_name": ""}}, None),
    ({"kernelspec": None, "language_info": []}, None),
    ({"language_info": {"name": "julia"}}, "julia"),
    ({"kernelspec": R}, "ir R"),
    ({"kernelspec": R | {"language": "R"}, "language_info": {"name": "python"}}, "R"),
    ({"kernelspec": {"name": "julia-1.9", "display_name": "Julia\n1.9"}}, "julia-1.9 Julia 1.9"),
]


@pytest.mark.parametrize(("metadata", "language"), KERNELS)
def test_a_notebook_of_another_language_is_known(metadata: dict[str, Any], language: str | None) -> None:
    assert foreign_language(metadata) == language
