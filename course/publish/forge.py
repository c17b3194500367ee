"""Link a notebook to its source on a forge: in the checkout that holds it, else in the repository of the course.

Git is asked, never the network. The link shows what was committed; what was changed since is not there yet.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from course.errors import MissingDependencyError
from course.shipped import DISTRIBUTION, shipped_folder

Link = tuple[str, str]
"""The name of a forge, and an address there."""
TIME_LIMIT = 10.0  # seconds that git may take for one answer
# the labels of [project.urls] that mean the sources (https://packaging.python.org/specifications/well-known-project-urls)
SOURCE_LABELS = ("repository", "source", "sourcecode", "github")
# variables by which git, when it runs a build, says which repository it is in: the notebooks may be in another
LOCAL = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE",
         "GIT_PREFIX", "GIT_ALTERNATE_OBJECT_DIRECTORIES"}  # fmt: skip
# git asks nobody, fetches nothing (a partial clone would) and takes no lock; what is asked of it runs no hook
QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}


@dataclass(frozen=True)
class Forge:
    """A forge, and what stands in its addresses between a repository and the path of a file; ``{}`` is the revision."""

    name: str
    at_commit: str
    at_branch: str
    groups: bool = False  # whether a repository may be in groups within groups


FORGES = {
    "github.com": Forge("GitHub", "blob/{}", "blob/{}"),
    "gitlab.com": Forge("GitLab", "-/blob/{}", "-/blob/{}", groups=True),
    "codeberg.org": Forge("Codeberg", "src/commit/{}", "src/branch/{}"),
}


@dataclass(frozen=True)
class Repository:
    """A repository on a forge, and the address of its page, without credentials."""

    forge: Forge
    page: str

    def link(self, path: str, *, commit: str = "HEAD", branch: str = "") -> Link:
        """Return the link to a file at a commit, or on a branch; by default on the branch that the forge calls HEAD."""
        place = self.forge.at_branch.format(branch) if branch else self.forge.at_commit.format(commit)
        # a path is bytes for git, and may not be text
        return self.forge.name, f"{self.page}/{quote(os.fsencode(f'{place}/{path}'))}"


def read_address(address: str) -> Repository | None:
    """Return the repository that an address leads to, as git or a person writes it; None if not by https or ssh."""
    if "://" not in address:
        # git's short form of ssh, user@host:path
        address = re.sub(r"^(?:[^/:]*@)?([^/:]+):", r"ssh://\1/", address)
    try:
        parts = urlsplit(address)
        host = re.sub(r"^(?:www|ssh|altssh)\.", "", parts.hostname or "")
    except ValueError:  # https://[
        return None
    forge, path = FORGES.get(host), parts.path.strip("/").removesuffix(".git")
    if forge is None or parts.scheme not in {"https", "ssh", "git+https", "git+ssh"}:
        return None
    names = path.split("/")
    is_named = all(re.fullmatch(r"(?!\.\.?$)[\w.-]+", name, re.ASCII) for name in names)
    right = is_named and (len(names) == 2 or (forge.groups and len(names) > 2))
    return Repository(forge, f"https://{host}/{path}") if right else None


def source_links(notebooks: Iterable[Path]) -> dict[Path, Link]:
    """Return the links to notebooks that have one, by their paths.

    One that is committed in a checkout whose ``origin`` is on a forge is linked to there: at the commit checked out if
    it is on a branch of ``origin``, else on the default branch. Of the others, those that come with the course are
    linked to in the repository that its ``[project.urls]`` name.
    """
    links: dict[Path, Link] = {}
    of_folder, of_course = cache(_checkout_links), cache(_course_repository)
    for notebook in notebooks:
        path = notebook.resolve()
        found = of_folder(path.parent).get(path.name) or _course_link(path, of_course())
        if found:
            links[notebook] = found
    return links


def _checkout_links(folder: Path) -> dict[str, Link]:
    """Return the links to what a folder holds that git has committed, by name; none without an origin on a forge."""
    repository = read_address(_git(folder, "remote", "get-url", "origin").strip())
    if repository is None:
        return {}
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD").strip()
    pushed = commit and _git(folder, "for-each-ref", "--count=1", f"--contains={commit}", "refs/remotes/origin")
    default = "refs/remotes/origin/HEAD"
    if pushed:
        return {Path(path).name: repository.link(path, commit=commit) for path in _committed(folder, commit)}
    # nothing if no clone or fetch has told which branch it is, or if that branch is gone
    branch = _git(folder, "for-each-ref", "--format=%(symref:lstrip=3)", default).strip()
    paths = _committed(folder, default if branch else "HEAD")
    return {Path(path).name: repository.link(path, branch=branch) for path in paths}


def _committed(folder: Path, revision: str) -> list[str]:
    """Return the paths, from the top of a repository, of what a folder of its holds in a revision."""
    listed = _git(folder, "ls-tree", "-z", "--name-only", "--full-name", revision)
    return [path for path in listed.split("\0") if path]


def _git(folder: Path, *words: str) -> str:
    """Return what git answers of a folder; nothing if it refuses, is absent or takes too long."""
    environment = {name: value for name, value in os.environ.items() if name not in LOCAL} | QUIET
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=TIME_LIMIT, check=False)  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if done.returncode else os.fsdecode(done.stdout)


def _course_repository() -> Repository | None:
    """Return the repository that the ``[project.urls]`` of the installed course name, if it is on a forge."""
    try:
        urls = importlib.metadata.metadata(DISTRIBUTION).get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    known = {re.sub(r"[\W_]", "", label).lower(): address for label, _, address in (url.partition(",") for url in urls)}
    found = (read_address(known.get(label, "").strip()) for label in SOURCE_LABELS)
    return next((one for one in found if one), None)


def _course_link(path: Path, repository: Repository | None) -> Link | None:
    """Return the link to a notebook that comes with the course, or of which it is a copy, outputs apart."""
    folders: tuple[Literal["notebooks", "slides"], ...] = ("notebooks", "slides")
    for name in folders if repository else ():
        with suppress(MissingDependencyError):
            original = shipped_folder(name) / path.name
            if original.is_file() and _texts(original) == _texts(path):
                # in a checkout of the course, what is not committed does not come with it
                committed = [Path(one).name for one in _committed(original.parent, "HEAD")]
                if repository and (not committed or original.name in committed):
                    return repository.link(f"{name}/{original.name}")
    return None


def _texts(path: Path) -> list[tuple[str, str]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
