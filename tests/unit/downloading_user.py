"""A user of ``download`` whose course files are on the local server."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

from misbehaving_server import IMPATIENT, Server

from course.downloads import download, resuming, retrieval

if TYPE_CHECKING:
    import pytest

TEXT = b"AGE_BEN_SNDS;PRS_REM_MNT;\n" + b"60;.51;\n" * 5000
GZIP = gzip.compress(TEXT, mtime=0)
SMALL = "A201612_small.csv.gz"
MONTH = "A201612.csv.gz"


class Course:
    """A user: a folder, a cache, addresses that point at the local server, and what the user was told."""

    def __init__(self, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.cache = tmp_path / "data", tmp_path / "cache"
        self.told: list[str] = []
        monkeypatch.setenv("BIGDATA_COURSE_DATA", str(self.cache))
        monkeypatch.setattr(resuming, "RETRY", IMPATIENT)
        monkeypatch.setattr(retrieval, "SEED_SITE", f"{server.url}/seed/")
        monkeypatch.setattr(retrieval, "LEXICON_COPY", f"{server.url}/copy/Lexique%20open-DAMIR.xls")
        monkeypatch.setattr(retrieval, "MONTHS_PAGE", f"{server.url}/list.php?Dir_Rep=Open_DAMIR&Annee={{year}}")
        monkeypatch.setattr(retrieval, "small_file", synthetic)

    def get(self, name: str, **options: object) -> Path:
        return download(name, self.folder, say=self.told.append, **options)  # type: ignore[arg-type]

    def files(self) -> dict[str, bytes]:
        """Return what a user would take for finished files."""
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in visible(self.folder)}

    def part(self) -> Path:
        """Return what came of a broken transfer."""
        (part,) = (path for path in self.cache.rglob("*.part") if path.is_file())
        return part


def visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def temporary(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.endswith(".part") or path.name.startswith("tmp")]


def synthetic(folder: Path, *, generated: bool) -> Path:
    assert generated  # also where a real month is at hand: what is called synthetic is
    path = folder / "A201612_small.csv"
    path.write_bytes(b"made up\n")
    return path
