"""What is installed: pins for every Python and system, extras that can be absent, a Python that will not do."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import ModuleType

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from course.shipped import install_command

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15"]
SYSTEMS = {"linux": ("Linux", "x86_64"), "darwin": ("Darwin", "arm64"), "win32": ("Windows", "AMD64")}
OF_EXTRAS = ("brotli", "flask_cors", "math_core", "moto", "s3fs", "sphinx_revealjs", "typst", "watchfiles", "ziamath")


def direct() -> Iterator[Requirement]:
    for line in chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        if not line.startswith("bigdata-course"):
            yield Requirement(line)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_direct_dependency_has_one_pin_that_suits_it(python: str, system: str) -> None:
    name, machine = SYSTEMS[system]
    known = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": system}
    known |= {"platform_system": name, "platform_machine": machine, "os_name": "nt" if name == "Windows" else "posix"}
    environment = {**default_environment(), **known, "extra": ""}

    def applies(one: Requirement) -> bool:
        return one.marker is None or one.marker.evaluate(environment)

    pins = list(filter(applies, (Requirement(line) for line in PINS.splitlines() if not line.startswith("#"))))
    for wanted in filter(applies, direct()):
        (pin,) = [one for one in pins if one.name.lower() == wanted.name.lower()]
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert wanted.specifier.contains(exact.version), wanted


def test_the_pins_name_no_place() -> None:
    assert not re.search(r"://|(?m:^-)|@| /|[\w.]/[\w.]", PINS)


def in_a_base_install(code: str) -> subprocess.CompletedProcess[str]:
    hide = f"import sys; sys.modules |= dict.fromkeys({OF_EXTRAS}); "
    return subprocess.run([sys.executable, "-c", hide + code], capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize(
    "code",
    [
        "import course, magics, course.cluster; from course.cli import main; main(['--help'])",
        # JupyterLab makes every exporter to list them, and shows none if one cannot be made
        "from nbconvert.exporters.base import *; [get_exporter(x)() for x in get_export_names() if 'course_' in x]",
        "from course.cli import main; main(['doctor'])",
    ],
)
def test_without_the_extras_the_rest_works(code: str) -> None:
    done = in_a_base_install(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("code", "extra", "said"),
    [
        (
            "from course.cli import main; main(['build', '--no-execute', '--output', 'build/absent'])",
            "publish",
            "a site needs ",
        ),
        ("from course.cluster import ObjectStore; ObjectStore()", "cluster", "the object store needs "),
    ],
)
def test_a_missing_extra_is_one_sentence_with_the_command_that_brings_it(code: str, extra: str, said: str) -> None:
    done = in_a_base_install(code)
    assert done.returncode != 0
    assert said in done.stderr
    assert done.stderr.rstrip().endswith(f"not installed here: {install_command(extra)}")
    assert not (ROOT / "build" / "absent").exists()


@pytest.mark.parametrize(("pip", "start"), [(True, "-m pip install "), (False, "uv pip install --python ")])
def test_the_command_is_one_that_this_python_has(monkeypatch: pytest.MonkeyPatch, pip: bool, start: str) -> None:
    monkeypatch.setattr("course.shipped.is_installed", lambda _: pip)
    assert start in install_command("s3")
    assert sys.executable in install_command("s3")


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """Return make.py, with an environment of its own and nothing installed really."""
    spec = importlib.util.spec_from_file_location("make", ROOT / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.VENV, module.UV, module.calls = str(tmp_path), "", []
    module.MARKER, module.PACKAGES = str(tmp_path / "installed-from"), str(tmp_path / "*.dist-info")
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(module.subprocess, "check_call", module.calls.append)
    monkeypatch.setattr(module.subprocess, "call", lambda _: 0)
    return module


@pytest.mark.parametrize("python", [(3, 10, 9), (3, 15, 2), (3, 16, 0)])
@pytest.mark.parametrize(
    ("uv", "there", "command"),
    [
        ("uv", "", "run: uv run make.py course"),
        ("", "3.13", "3.13 make.py course"),
        ("", "", "install "),
    ],
)
def test_a_python_without_wheels_is_one_sentence_and_the_command_that_works(
    make: ModuleType, monkeypatch: pytest.MonkeyPatch, python: tuple[int, ...], uv: str, there: str, command: str
) -> None:
    make.UV = uv
    monkeypatch.setattr(make.sys, "version_info", python)
    # as pyenv does for a Python that it could have: the command is there, and fails
    monkeypatch.setattr(make.subprocess, "call", lambda words, **_: not there or there not in " ".join(words))
    said = make.main(["course"])
    assert said.startswith("bigdata-course needs Python 3.11 to 3.14")
    assert command in said
    assert make.calls == []


def test_an_environment_is_made_once_and_again_when_it_changed_or_lacks_something(
    make: ModuleType, tmp_path: Path
) -> None:
    def installs(target: str) -> list[str]:
        make.calls.clear()
        assert make.main([target]) == 0
        return [call[-1] for call in make.calls[1:]] + ["anew"] * any("--clear" in call for call in make.calls)

    assert installs("start") == ["."]
    assert installs("install") == []
    assert installs("course") == [".[cluster,publish]"]
    assert installs("start") == []
    (tmp_path / "numpy-2.dist-info").mkdir()  # something else has changed what is there
    assert installs("start") == [".[cluster,publish]"]
    assert installs("lint") == [".[test]"]
    assert installs("course") == []
    (tmp_path / "pyvenv.cfg").write_text("version = 3.9.1\n")
    (tmp_path / "installed-from").write_text("0 of it")
    assert installs("start") == [".", "anew"]


@pytest.mark.parametrize("uv", ["uv", ""])
@pytest.mark.parametrize("touched", [True, False])
@pytest.mark.parametrize("cut", [subprocess.CalledProcessError(1, "pip"), KeyboardInterrupt(), SystemExit(9)])
def test_only_an_installation_that_was_cut_short_is_made_anew(
    make: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cut: BaseException, touched: bool, uv: str
) -> None:
    make.UV = uv
    assert make.main(["start"]) == 0

    def stops(words: list[str]) -> None:
        if "install" in words:
            if touched:
                (tmp_path / "numpy-2.dist-info").mkdir()
            raise cut

    monkeypatch.setattr(make.subprocess, "check_call", stops)
    with pytest.raises(type(cut)):
        make.main(["course"])
    make.calls.clear()
    monkeypatch.setattr(make.subprocess, "check_call", make.calls.append)
    assert make.main(["start"]) == 0
    # SystemExit stands for a kill: nothing else is run
    is_anew = touched or isinstance(cut, SystemExit)
    assert ["--clear" in call for call in make.calls] == ([True, False] if is_anew else [])


def test_pins_need_uv_and_say_so(make: ModuleType) -> None:
    assert "pip install uv" in make.main(["pins"])
