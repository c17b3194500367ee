"""A build executes what changed only, and whatever happens to it, a whole site stays in place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup
from notebook_writer import QUICK, TABLE, code, contents, text, write_notebook

from course.errors import BuildError, OutputError, UnknownFormatError
from course.publish.build import BuildOptions, BuildReport, build_site, recover_folder, replacing_folder, scratch_folder
from course.publish.cache import Cache
from course.publish.convert import FORMATS, Converter, select_formats
from course.publish.lessons import discover_lessons

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
import os, sys
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
    "between the two moves": ("Path.rename", "arguments[0].name.endswith('.new') and os._exit(9)"),
    "before the old site is removed": (
        "build.replacing_folder.__wrapped__.__globals__['shutil'].rmtree",
        "str(arguments[0]).endswith('.new') and os._exit(9)",
    ),
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
    with pytest.raises(KeyboardInterrupt):
        write_half(built.options.output)
    assert built.site == site
    assert left_overs(built) == []


def write_half(folder: Path) -> None:
    """Begin to replace a folder, and be interrupted."""
    with replacing_folder(folder) as new:
        (new / "a").write_text("half")
        raise KeyboardInterrupt


def test_a_folder_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    with replacing_folder(folder) as new:
        (new / "a").write_text("first")
    with pytest.raises(KeyboardInterrupt):
        write_half(folder)
    assert contents(tmp_path) == {"site/a": b"first"}
    with replacing_folder(folder) as new:
        (new / "b").write_text("second")
    assert contents(tmp_path) == {"site/b": b"second"}


def test_the_newest_of_the_folders_left_aside_comes_back(tmp_path: Path) -> None:
    for age, name in enumerate(["newest", "older", "oldest"]):
        aside = tmp_path / f".site.{99 - age}-x.old"
        aside.mkdir()
        (aside / name).touch()
        os.utime(aside, (1000 - age, 1000 - age))
    recover_folder(tmp_path / "site")
    assert list(contents(tmp_path)) == ["site/newest"]


def test_what_a_running_process_makes_is_not_removed(tmp_path: Path) -> None:
    running = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    (tmp_path / f"{running.pid}-x.scratch").mkdir()
    try:
        with scratch_folder(tmp_path):
            assert (tmp_path / f"{running.pid}-x.scratch").exists()
    finally:
        running.communicate(b"\n")
    with scratch_folder(tmp_path):
        assert not (tmp_path / f"{running.pid}-x.scratch").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_site_that_cannot_be_written_is_an_output_error(tmp_path: Path, built: Course) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write in"):
        built.build(output=tmp_path / "file" / "site")


def test_two_notebooks_of_the_same_name_are_refused(built: Course) -> None:
    lessons = discover_lessons(built.notebooks)
    with pytest.raises(BuildError, match="two notebooks would be published as notebooks/01_first"):
        build_site([*lessons, lessons[0]], built.options)


def test_formats_are_chosen_in_the_order_of_the_table_and_each_has_an_exporter_of_its_own_suffix(
    tmp_path: Path,
) -> None:
    assert select_formats(["script", "notebook"]) == QUICK == (FORMATS[0], FORMATS[3])
    with pytest.raises(UnknownFormatError, match=r"unknown format: docx; choose among notebook, html"):
        select_formats(["html", "docx"])
    converter = Converter(FORMATS, Cache(tmp_path))
    for one in FORMATS:
        assert one.suffix.endswith(converter.exporter(one).file_extension)
        assert converter.exporter(one) is converter.exporter(one)
