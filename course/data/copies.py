"""Copies of objects on this machine and of files in an object store, for what cannot read or write elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from course.data.paths import Location, explained, file_system, located, name_of
from course.progress import progress_bar

if TYPE_CHECKING:
    from fsspec.callbacks import Callback


@contextmanager
def fetched(path: Path | str) -> Iterator[Path]:
    """Give the path of a file of this machine, or that of a copy of an object, removed at the end of the block.

    An address that ends no object but begins several, as that of a zarr group does, is copied as a folder.

    Raises:
        BadArgumentError: nothing is known of this kind of address.
        DownloadError: no credentials, or no server answers.
        FileNotFoundError: there is no such object.
        MissingDependencyError: the library for this kind of address is not installed.
    """
    place = located(path)
    with _here(place) as copy:
        if isinstance(place, str):
            _fetch(place, copy)
        yield copy


def _fetch(address: str, copy: Path) -> None:
    system, key = file_system(address)
    with explained(address):
        if not system.exists(key):
            raise FileNotFoundError(f"there is no object at {address}")
        single = system.isfile(key)
        with progress_bar(description=f"fetching {copy.name}", unit="B" if single else "objects") as bar:
            if single:
                system.get_file(key, str(copy), callback=_shown_by(bar))
            else:
                system.get(key, str(copy), recursive=True, callback=_shown_by(bar))


@contextmanager
def stored(place: Path | str) -> Iterator[Path]:
    """Give a path of this machine to write a file or a folder at; a store receives it when the block succeeds.

    An object appears whole or not at all; a folder appears object by object, in place of what was there.

    Raises:
        BadArgumentError: nothing is known of this kind of address.
        DownloadError: no credentials, or no server answers.
        MissingDependencyError: the library for this kind of address is not installed.
    """
    place = located(place)
    with _here(place) as written:
        yield written
        if isinstance(place, str):
            _store(written, place)


@contextmanager
def _here(place: Location) -> Iterator[Path]:
    """Give a path of this machine: that of the file itself, or one in a temporary folder for an address."""
    if isinstance(place, Path):
        yield place
        return
    with TemporaryDirectory(prefix="bigdata-course-") as folder:
        yield Path(folder) / name_of(place)


def _store(written: Path, address: str) -> None:
    system, key = file_system(address)
    with explained(address):
        if written.is_dir() and system.exists(key):
            system.rm(key, recursive=True)
        with progress_bar(description=f"storing {written.name}", unit="objects" if written.is_dir() else "B") as bar:
            if written.is_dir():
                system.put(str(written), key, recursive=True, callback=_shown_by(bar))
            else:
                system.put_file(str(written), key, callback=_shown_by(bar))


def _shown_by(bar: Any) -> Callback:
    """Return what tells a progress bar how much there is and how much is done."""
    from fsspec.callbacks import Callback

    def show(size: int | None, done: int) -> None:
        bar.total = size
        bar.update(done - bar.n)

    return Callback(hooks={"bar": show})
