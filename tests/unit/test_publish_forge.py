"""A page links to its notebook on the forge of the checkout that holds it, and to nothing that is not there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from email.message import Message
from pathlib import Path

import pytest
from notebook_writer import TABLE, code, run, stream, text, write_notebook

from course.publish.build import BuildOptions, BuildReport, build_site
from course.publish.forge import FORGES, read_address, source_links
from course.publish.lessons import discover_lessons
from course.shipped import shipped_lessons

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="asks git")
ORIGIN = "https://github.com/team/course"


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be someone whose git is configured by nothing, and whose course names no repository."""
    (tmp_path / "gitconfig").write_text("[user]\nname = A\nemail = a@example.org\n[init]\ndefaultBranch = main\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    name_repository(monkeypatch)


def name_repository(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    metadata = Message()
    for url in urls:
        metadata["Project-URL"] = url
    monkeypatch.setattr("course.publish.forge.importlib.metadata.metadata", lambda _: metadata)


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, message: str = "c") -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def push(folder: Path, branch: str = "main") -> None:
    """Let the branch of the forge be where this one is."""
    git(folder, "update-ref", f"refs/remotes/origin/{branch}", "HEAD")


def checkout(folder: Path, origin: str = ORIGIN, name: str = "notebooks/01_a.ipynb") -> Path:
    """Make a repository with one notebook, committed and not pushed; return the notebook."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    git(folder, "remote", "add", "origin", origin)
    path = write_notebook(folder / name, text("# A"))
    commit(folder)
    return path


def link(path: Path) -> tuple[str, str] | None:
    return source_links([path]).get(path)


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("https://github.com/team/course.git", "https://github.com/team/course"),
        ("https://GitHub.COM/Team/Course.JL/", "https://github.com/Team/Course.JL"),
        ("https://user:s3cret@github.com/team/course", "https://github.com/team/course"),
        ("https://s3cret@www.github.com/team/.github.git/", "https://github.com/team/.github"),
        ("git@github.com:team/course.git", "https://github.com/team/course"),
        ("github.com:/team/course", "https://github.com/team/course"),
        ("ssh://git@ssh.github.com:443/team/course.git", "https://github.com/team/course"),
        ("ssh://git@gitlab.com:22/group/sub/course.git", "https://gitlab.com/group/sub/course"),
        ("git@codeberg.org:team/course.git", "https://codeberg.org/team/course"),
        *((bad, None) for bad in (
            "", "/srv/course.git", "../course", "file:///srv/github.com/a/b", "C:/team/course", "C:\\team\\course",
            "https://git.example.org/team/course", "git@forge:team/course", "http://github.com/team/course",
            "git://github.com/team/course", "https://github.com", "https://github.com/team", "https://github.com/a/b/c",
            "https://codeberg.org/a/b/c", "https://github.com/../course", "https://github.com/team/co urse",
            "https://evil.org/github.com/team", "https://github.com.evil.org/a/b", "https://github.com@evil.org/a/b",
            "https://[", "https://github.com/team/<b>", "javascript://github.com/a/b", "https://gist.github.com/a/b",
        )),
    ],
)  # fmt: skip
def test_an_address_of_a_forge_leads_to_the_page_of_the_repository(address: str, page: str | None) -> None:
    found = read_address(address)
    assert (found.page if found else None) == page


@pytest.mark.parametrize(
    ("host", "name", "at_commit", "at_branch", "at_head"),
    [
        ("github.com", "GitHub", "blob/{}", "blob/dev/a%23b", "blob/HEAD"),
        ("gitlab.com", "GitLab", "-/blob/{}", "-/blob/dev/a%23b", "-/blob/HEAD"),
        ("codeberg.org", "Codeberg", "src/commit/{}", "src/branch/dev/a%23b", "src/commit/HEAD"),
    ],
)
def test_a_commit_of_a_remote_branch_is_linked_to_else_the_default_branch(
    tmp_path: Path, host: str, name: str, at_commit: str, at_branch: str, at_head: str
) -> None:
    path = checkout(tmp_path / "in é", f"https://u:s3cret@{host}/team/course.git", "été 1/01_a b.ipynb")
    folder, page, place = tmp_path / "in é", f"https://{host}/team/course", "%C3%A9t%C3%A9%201/01_a%20b.ipynb"
    assert link(path) == (name, f"{page}/{at_head}/{place}")
    push(folder, "dev/a#b")
    pushed = git(folder, "rev-parse", "HEAD")
    assert link(path) == (name, f"{page}/{at_commit.format(pushed)}/{place}")
    git(folder, "checkout", "--quiet", "--detach")
    assert link(path) == (name, f"{page}/{at_commit.format(pushed)}/{place}")
    commit(folder, "not pushed")
    assert link(path) == (name, f"{page}/{at_head}/{place}")
    git(folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/dev/a#b")
    assert link(path) == (name, f"{page}/{at_branch}/{place}")
    git(folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone")
    assert link(path) == (name, f"{page}/{at_head}/{place}")
    assert FORGES[host].name == name


def test_what_is_not_on_the_forge_has_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = checkout(tmp_path / "work")
    folder = tmp_path / "work"
    push(folder)
    git(folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    (folder / ".gitignore").write_text("student/\n")
    ignored = write_notebook(folder / "student" / "01_a.ipynb", text("# A"))
    new = write_notebook(folder / "notebooks" / "02_b[1].ipynb", text("# B"))
    git(folder, "add", "-A")
    assert [link(one) is not None for one in (path, new, ignored)] == [True, False, False]  # added, not committed
    commit(folder)
    assert [link(one) is not None for one in (path, new, ignored)] == [True, False, False]  # committed, not pushed
    push(folder)
    assert [link(one) is not None for one in (path, new, ignored)] == [True, True, False]
    assert link(write_notebook(tmp_path / "plain" / "01_a.ipynb", text("# A"))) is None
    unborn = tmp_path / "unborn"
    git(tmp_path, "init", "--quiet", str(unborn))
    git(unborn, "remote", "add", "origin", ORIGIN)
    assert link(write_notebook(unborn / "01_a.ipynb", text("# A"))) is None
    git(folder, "remote", "set-url", "origin", "https://git.example.org/team/course")
    assert link(path) is None
    git(folder, "config", "url.git@github.com:.insteadOf", "https://git.example.org/")
    assert "https://github.com/team/course/blob/" in str(link(path))
    git(folder, "remote", "rename", "origin", "upstream")
    assert link(path) is None


def test_a_worktree_a_submodule_and_a_link_are_in_their_own_repository(tmp_path: Path) -> None:
    checkout(tmp_path / "work")
    git(tmp_path / "work", "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "tree"))
    in_tree = tmp_path / "tree" / "notebooks" / "01_a.ipynb"
    sha = commit(tmp_path / "tree")
    push(tmp_path / "tree", "other")
    assert link(in_tree) == ("GitHub", f"{ORIGIN}/blob/{sha}/notebooks/01_a.ipynb")
    checkout(tmp_path / "inner", "git@gitlab.com:group/sub/inner.git")
    words = ("-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(tmp_path / "inner"), "inner")
    git(tmp_path / "work", *words)
    git(tmp_path / "work" / "inner", "remote", "set-url", "origin", "git@gitlab.com:group/sub/inner.git")
    inside = link(tmp_path / "work" / "inner" / "notebooks" / "01_a.ipynb")
    assert inside is not None
    assert inside[1].startswith("https://gitlab.com/group/sub/inner/-/blob/")
    git(tmp_path, "clone", "--quiet", "--depth=1", (tmp_path / "inner").as_uri(), "shallow")
    git(tmp_path / "shallow", "remote", "set-url", "origin", "git@gitlab.com:group/sub/inner.git")
    shallow = link(tmp_path / "shallow" / "notebooks" / "01_a.ipynb")
    assert shallow == inside
    if sys.platform != "win32":
        (tmp_path / "01_a.ipynb").symlink_to(in_tree)
        assert link(tmp_path / "01_a.ipynb") == link(in_tree)


@pytest.mark.skipif(sys.platform == "win32", reason="programs of POSIX")
def test_git_that_is_absent_slow_or_led_elsewhere_gives_no_wrong_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = checkout(tmp_path / "work"), checkout(tmp_path / "other", "git@gitlab.com:a/b.git", "01_a.ipynb")
    with monkeypatch.context() as changed:
        changed.setenv("GIT_DIR", str(other.parent / ".git"))  # as in a hook of the other repository
        assert "github.com" in str(link(path))
    ran = tmp_path / "ran"
    (tmp_path / "hook").write_text(f"#!/bin/sh\ntouch '{ran}'\n")
    (tmp_path / "hook").chmod(0o755)
    git(tmp_path / "work", "config", "core.fsmonitor", str(tmp_path / "hook"))
    assert link(path)
    assert not ran.exists()
    with monkeypatch.context() as changed:
        changed.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git refuses the repositories of others
        assert link(path) is None
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert link(path) is None
    (tmp_path / "bin" / "git").write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setattr("course.publish.forge.TIME_LIMIT", 0.1)
    assert link(path) is None


@pytest.mark.parametrize("label", ["Repository", "Source", "source code", "Source-Code"])
def test_only_what_comes_with_the_course_is_linked_to_in_its_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, label: str
) -> None:
    name_repository(
        monkeypatch, "Homepage, https://github.com/no/no", f"{label}, https://u:s3cret@codeberg.org/t/course/"
    )
    shipped = tmp_path / "course" / "notebooks"
    monkeypatch.setattr("course.publish.forge.shipped_folder", lambda name: shipped.parent / name)
    original = write_notebook(shipped / "01_a.ipynb", code("1"), text("# A"))
    copied, edited = tmp_path / "student" / "01_a.ipynb", tmp_path / "edited" / "01_a.ipynb"
    write_notebook(copied, run("1", stream("what it printed")), text("# A"))
    write_notebook(edited, code("2"), text("# A"))
    own = write_notebook(copied.parent / "02_mine.ipynb", code("1"))
    expected = ("Codeberg", "https://codeberg.org/t/course/src/commit/HEAD/notebooks/01_a.ipynb")
    assert source_links([original, copied, edited, own]) == {original: expected, copied: expected}
    # a self-hosted origin is no forge's; a draft in a checkout of the course does not come with it
    git(shipped.parent, "init", "--quiet")
    git(shipped.parent, "remote", "add", "origin", "https://git.example.org/a/b")
    commit(shipped.parent)
    draft = write_notebook(shipped / "03_draft.ipynb", code("1"))
    assert source_links([original, draft]) == {original: expected}
    # a fork links to itself
    git(shipped.parent, "remote", "set-url", "origin", ORIGIN)
    assert "github.com/team" in str(link(original))


def test_the_lessons_of_the_course_are_known_to_come_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name_repository(monkeypatch, f"Source, {ORIGIN}")
    copy = Path(shutil.copy(shipped_lessons()[0], tmp_path))
    assert link(copy) == ("GitHub", f"{ORIGIN}/blob/HEAD/notebooks/00_start.ipynb")


@pytest.fixture
def build(tmp_path: Path) -> Callable[[Path], tuple[BuildReport, str, dict[str, int]]]:
    def build_once(folder: Path) -> tuple[BuildReport, str, dict[str, int]]:
        """Return the report, the bar of the page, and when each form of the lesson was made."""
        options = BuildOptions(tmp_path / "site", tmp_path / "cache", TABLE, execute=False)
        report = build_site(discover_lessons(folder), options)
        page = (tmp_path / "site" / "notebooks" / "01_a.html").read_text(encoding="utf-8")
        bar = re.search('<nav class="links".*?</nav>', page, re.DOTALL)
        made = {
            one.name: one.stat().st_mtime_ns for one in (tmp_path / "cache").rglob("01_a.*") if one.suffix != ".json"
        }
        return report, bar[0] if bar else "", made

    return build_once


def test_a_page_made_before_gets_its_new_link_and_the_other_forms_stay(
    tmp_path: Path, build: Callable[[Path], tuple[BuildReport, str, dict[str, int]]]
) -> None:
    folder = checkout(tmp_path / "work").parent
    shutil.move(folder.parent / ".git", tmp_path / "hidden")
    report, bar, made = build(folder)
    assert (report.unlinked, "https:" in bar) == (("01_a",), False)
    shutil.move(tmp_path / "hidden", folder.parent / ".git")
    push(folder)
    report, bar, again = build(folder)
    sha = git(folder, "rev-parse", "HEAD")
    assert (report.unlinked, report.warnings) == ((), ())
    assert bar.rstrip().endswith(f'<a href="{ORIGIN}/blob/{sha}/notebooks/01_a.ipynb">GitHub</a></li>\n</ul>\n</nav>')
    assert {name for name in made if made[name] != again[name]} == {"01_a.html"}
    sha = commit(folder)
    push(folder)
    assert f"/blob/{sha}/" in build(folder)[1]
    assert build(folder)[2] == build(folder)[2]
