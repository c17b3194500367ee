"""The wheel is whole: installed where nothing else of the course is, it starts a folder and runs a lesson."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN_A_LESSON = """
import sys
from pathlib import Path
from course.publish.execute import execute_notebooks
from course.publish.lessons import read_lesson
def say(lesson, done):
    print("run", [cell.execution_count for cell in done.notebook.cells if cell.cell_type == "code"])
execute_notebooks([read_lesson(Path(sys.argv[1]))], Path("run"), timeout=120, on_executed=say)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(words, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment that has the wheel, and the libraries of this one but not its checkout."""
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    folder, suffix = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
    python = home / folder / f"python{suffix}"
    words = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # a line in a .pth file adds a folder, and reads none of the .pth files in it: the checkout stays unknown
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python


def test_the_wheel_carries_every_lesson_every_deck_and_no_leftover(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("notebooks", "slides"):
        shipped = {f"course/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / folder).glob("*.ipynb")}
        assert shipped <= names
    assert "course/slides/theme.css" in names
    assert not [name for name in names if "/data/A2016" in name or ".ipynb_checkpoints" in name or "tests/" in name]


def test_started_from_the_wheel_a_lesson_runs_outside_any_checkout(python: Path, tmp_path: Path) -> None:
    environment = os.environ | {"BIGDATA_COURSE_PROGRESS": "off", "PYTHONPATH": ""}

    def run(*words: str) -> str:
        done = subprocess.run(
            [str(python), *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = run("-c", "import course, magics; print(course.__file__, magics.__file__)")
    assert str(ROOT) not in where
    run("-m", "course", "start", "work", "--no-lab")
    assert run("-c", RUN_A_LESSON, "work/04_sampling.ipynb").startswith("run [1, 2, 3,")
