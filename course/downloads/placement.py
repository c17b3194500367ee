"""Bring finished files into a folder, all complete, without destroying a file that came from elsewhere."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course.downloads.archive import CorruptArchiveError, archive_suffix
from course.downloads.receipts import FileRecord, Receipt, sha256_of
from course.errors import ExistingFileError, OutputError
from course.files import make_folder


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Yield a hidden empty folder inside ``folder``, removed with what is left in it, whatever happens."""
    path = folder / f".{secrets.token_hex(4)}.part"
    make_folder(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def place(
    staged: Path, folder: Path, name: str, receipt: Receipt | None, *, force: bool, answer: Path | None = None
) -> tuple[str, list[FileRecord]]:
    """Move the files of ``staged`` into ``folder``: one file as it is, several in a folder named as the archive.

    Args:
        staged: a folder on the same disk.
        folder: where the files are wanted.
        name: name of the archive.
        receipt: what an earlier request wrote, and may be replaced.
        force: replace files that came from elsewhere too.
        answer: the file of ``staged`` that was asked for, the others going with it; by default it depends on their
            number.

    Returns:
        What to answer, and a record per file, all relative to ``folder``.

    Raises:
        CorruptArchiveError: there is no file.
        ExistingFileError: a different file is in the way; nothing has been moved.
        OutputError: the folder cannot be written.
    """
    paths = sorted(path for path in staged.rglob("*") if path.is_file())
    if not paths:
        raise CorruptArchiveError(f"{name} holds no file")
    if answer is None:
        asked, targets = _targets(paths, staged, folder, name)
    else:
        asked, targets = answer.name, {path: folder / path.relative_to(staged) for path in paths}
    hashes = {path: sha256_of(path) for path in paths}
    ours = {folder / record.path for record in receipt.files} if receipt else set()
    for path, target in targets.items():
        if not force and target not in ours and not _may_take_place(target, path, hashes[path]):
            raise ExistingFileError(
                f"{target} is there and is another file than the one asked for: "
                "give force to replace it, or another folder"
            )
    for path, target in targets.items():
        _move(path, target)
    return asked, [FileRecord.of(folder, target, hashes[path]) for path, target in targets.items()]


def _targets(paths: list[Path], staged: Path, folder: Path, name: str) -> tuple[str, dict[Path, Path]]:
    if len(paths) == 1:
        return paths[0].name, {paths[0]: folder / paths[0].name}
    answer, root = name.removesuffix(archive_suffix(name)), _common_folder(staged)
    return answer, {path: folder / answer / path.relative_to(root) for path in paths}


def _common_folder(staged: Path) -> Path:
    """Return the folder inside which an archive keeps everything, the staging folder itself if there is none."""
    inside = list(staged.iterdir())
    return inside[0] if len(inside) == 1 else staged


def _may_take_place(target: Path, path: Path, sha256: str) -> bool:
    if not target.exists():
        return True
    same_size = target.is_file() and target.stat().st_size == path.stat().st_size
    return same_size and sha256_of(target) == sha256


def _move(path: Path, target: Path) -> None:
    make_folder(target.parent)
    try:
        path.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror}; choose another folder") from error
