"""A result is used again if and only if nothing it was made from changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notebook_writer import code, text, write_notebook

from course.publish.cache import (
    Cache,
    conversion_key,
    course_code_digest,
    execution_key,
    publish_code_digest,
    tree_digest,
    versions,
)
from course.publish.lessons import companions, copy_companions, digest, read_lesson


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


def test_an_execution_key_follows_source_neighbours_data_code_and_versions(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data.csv"
    changes: list[Callable[[], object]] = [
        lambda: data.write_text("1"),
        lambda: data.write_text("2"),
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
        seen.add(execution_key(read_lesson(notebook), [data]))
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
    # a link between lessons leads somewhere or not
    write_notebook(notebook.parent / "02_b.ipynb")
    keys.add(conversion_key(lesson, "a", "html", {"home": "x"}))
    assert len(keys) == 9


def test_code_of_the_pages_is_not_code_of_the_lessons() -> None:
    assert course_code_digest() != publish_code_digest()
    assert versions()["python"].startswith("3.")
    assert {"pandas", "nbclient", "ipykernel"} <= set(versions())
    assert "pytest" not in versions()


def test_a_record_is_found_under_its_key_only(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    assert cache.find_record("lesson", "key") is None
    cache.store_record("lesson", "key", {"seconds": 1.5})
    assert cache.find_record("lesson", "key") == {"seconds": 1.5}
    assert cache.find_record("lesson", "other") is None
    assert Cache(tmp_path / "cache", read=False).find_record("lesson", "key") is None


def test_a_file_that_was_altered_is_not_found(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    stored = cache.store_file("page.html", "key", b"page", warnings=["one"])
    assert cache.find_file("page.html", "key") == stored
    assert stored[1]["warnings"] == ["one"]
    (tmp_path / "page.html").write_bytes(b"pag")
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
