"""The file as a server serves it, kept in the cache of the user with its receipt."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from course.downloads.archive import archive_suffix
from course.downloads.partial import PartialFile
from course.downloads.receipts import FileRecord, Receipt
from course.downloads.transfer import ResumingDownloader
from course.errors import DownloadError
from course.files import make_folder

if TYPE_CHECKING:
    from course.downloads.patience import Patience
    from course.downloads.registry import Resource


class WrongHashError(DownloadError):
    """The file came whole and its hash is not the one that was announced."""


@dataclass(frozen=True)
class ServedFile:
    """A resource and its place in the cache.

    Attributes:
        resource: what is wanted.
        path: where it is kept, under its own name.
        patience: time-outs and attempts.
    """

    resource: Resource
    path: Path
    patience: Patience

    def receipt(self) -> Receipt | None:
        """Return the receipt of the cached file if that file is intact and has the hash that is wanted."""
        receipt = Receipt.read(self.path.parent, self.path.name)
        if receipt is None or not receipt.is_intact(self.path.parent, thorough=True):
            return None
        return receipt if self.has_known_hash(receipt) else None

    def sha256(self) -> str:
        """Return the hash noted when the file was fetched."""
        receipt = Receipt.read(self.path.parent, self.path.name)
        return receipt.sha256 if receipt is not None else ""

    def has_known_hash(self, receipt: Receipt) -> bool:
        """Tell whether the file a receipt speaks of, here or decompressed elsewhere, is the one with the known hash."""
        known_hash = self.resource.known_hash
        if known_hash is None:
            return True
        if known_hash.startswith("sha256:"):
            return known_hash == f"sha256:{receipt.sha256}"
        return receipt.sha256 == self.sha256() and self._has_hash(known_hash)

    def _has_hash(self, known_hash: str) -> bool:
        import pooch

        algorithm, _, digest = known_hash.partition(":")
        return self.path.is_file() and pooch.file_hash(str(self.path), alg=algorithm) == digest

    def forget(self) -> None:
        """Remove the file and its receipt from the cache."""
        Receipt.path(self.path.parent, self.path.name).unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def fetch(self, *, again: bool) -> bool:
        """Make sure that the file is in the cache; another process that fetches it too is waited for.

        Args:
            again: fetch it whatever is in the cache, from its first byte.

        Returns:
            Whether the file was fetched now and came in one piece.

        Raises:
            DownloadError: it cannot be fetched, or is not what was expected.
            OutputError: the disk is full or the cache cannot be written.
        """
        from filelock import FileLock

        make_folder(self.path.parent)
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            if not again and self.receipt() is not None:
                return False
            partial = PartialFile(self.path)
            if again:
                partial.discard()
            return self._fetch_from_first(partial)

    def _fetch_from_first(self, partial: PartialFile) -> bool:
        """Fetch from the first address that gives the file."""
        *first, last = self.resource.locate(self.patience)
        for url in first:
            try:
                return self._fetch_from(url, partial)
            except DownloadError:
                partial.discard()
        return self._fetch_from(last, partial)

    def _fetch_from(self, url: str, partial: PartialFile) -> bool:
        verifiable = bool(self.resource.known_hash or archive_suffix(self.resource.name))
        downloader = ResumingDownloader(partial, self.patience, verifiable)
        try:
            self._retrieve(url, downloader)
        except WrongHashError:
            if not downloader.resumed:
                raise
            # the pieces may be of two versions
            downloader = ResumingDownloader(partial, self.patience)
            self._retrieve(url, downloader)
        self._record()
        return not downloader.resumed

    def _retrieve(self, url: str, downloader: ResumingDownloader) -> None:
        import pooch

        known_hash, fresh = self.resource.known_hash, self.path.with_name(f".{self.path.name}.fresh")
        fresh.unlink(missing_ok=True)
        with _quiet(pooch.get_logger()):
            try:
                pooch.retrieve(url, known_hash, fname=fresh.name, path=fresh.parent, downloader=downloader)
            except ValueError as error:
                raise WrongHashError(
                    f"what came for {self.resource.source} has not the hash {known_hash}: "
                    "the file has changed, or the hash is wrong"
                ) from error
        fresh.replace(self.path)

    def _record(self) -> None:
        folder = self.path.parent
        record = FileRecord.of(folder, self.path)
        receipt = Receipt(self.resource.source, "download", record.sha256, record.path, (record,))
        receipt.write(folder, self.path.name)


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Silence the lines pooch logs for every file: the course has its own progress bar."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
