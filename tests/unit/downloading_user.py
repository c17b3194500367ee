"""A user of ``download`` whose course files are on the local server."""

from __future__ import annotations

import gzip
from pathlib import Path

from misbehaving_server import IMPATIENT, Server

from course.downloads.downloads import download
from course.downloads.registry import Registry

TEXT = b"AGE_BEN_SNDS;PRS_REM_MNT;\n" + b"60;.51;\n" * 5000
GZIP = gzip.compress(TEXT, mtime=0)
SMALL = "A201612_small.csv.gz"
MONTH = "A201612.csv.gz"


class Course:
    """A user: a folder, a cache, a registry that points at the local server, and what the user was told."""

    def __init__(self, tmp_path: Path, server: Server) -> None:
        self.folder, self.cache = tmp_path / "data", tmp_path / "cache"
        self.told: list[str] = []
        self.registry = Registry(
            seed_site=f"{server.url}/seed/",
            lexicon_copies=(f"{server.url}/copy/Lexique%20open-DAMIR.xls",),
            months_page=f"{server.url}/list.php?Dir_Rep=Open_DAMIR&Annee={{year}}",
            synthetic={SMALL: synthetic, MONTH: synthetic},
        )

    def get(self, name: str, **options: object) -> Path:
        defaults = {"cache": self.cache, "registry": self.registry, "patience": IMPATIENT, "say": self.told.append}
        return download(name, self.folder, **{**defaults, **options})  # type: ignore[arg-type]

    def files(self) -> dict[str, bytes]:
        paths = [path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}


def synthetic(folder: Path) -> Path:
    path = folder / "A201612_small.csv"
    path.write_bytes(b"made up\n")
    return path
