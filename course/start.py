"""A student's own copy of the lessons: filled, brought up to date, and never robbed of what the student wrote."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from course.errors import BadArgumentError
from course.files import file_digest, make_folder, replacing

RECORD = ".bigdata-course.json"
"""File of the working folder that says what was delivered: the SHA-256 of each file, by name."""


@dataclass
class Delivery:
    """What a delivery did, by name of file.

    Attributes:
        added: files that were not there.
        renewed: files that the student had not changed, replaced by a newer edition.
        kept: files that the student changed; the newer edition stands beside each, under the second name.
    """

    added: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)


def deliver(source: Path, folder: Path, *, update: bool = False) -> Delivery:
    """Copy into ``folder`` the files of ``source`` that it lacks; with ``update``, bring newer editions too.

    A file that is not as it was delivered is the student's: its newer edition is written beside it, as
    ``NAME.new.ipynb``. Files in hidden folders, ``data/`` and what Python leaves are not delivered.

    Raises:
        BadArgumentError: the folder's record of deliveries cannot be read.
        OutputError: the folder cannot be written.
    """
    make_folder(folder)
    record = _read_record(folder)
    delivery = Delivery()
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and not any(part.startswith(".") or part in {"data", "__pycache__"} for part in name.parts):
            _deliver_one(path, name.as_posix(), folder, record, delivery, update=update)
    with replacing(folder / RECORD) as temporary:
        text = json.dumps({"delivered": record}, indent=1, sort_keys=True)
        temporary.write_text(text + "\n", encoding="utf-8", newline="\n")
    return delivery


def _deliver_one(
    path: Path, name: str, folder: Path, record: dict[str, str], delivery: Delivery, *, update: bool
) -> None:
    target, edition = folder / name, file_digest(path)
    if not target.exists():
        delivery.added.append(name)
    elif not update or edition in (record.get(name), file_digest(target)):
        return
    elif file_digest(target) == record.get(name):
        delivery.renewed.append(name)
    else:
        beside = _name_beside(name, edition, folder, record)
        delivery.kept.append((name, beside))
        target = folder / beside
        record[beside] = edition
    with replacing(target) as temporary:
        shutil.copyfile(path, temporary)
    record[name] = edition


def _name_beside(name: str, edition: str, folder: Path, record: dict[str, str]) -> str:
    """Return the first of NAME.new.ipynb, NAME.new2.ipynb… that is free, or that the student left as delivered."""
    stem, _, suffix = name.rpartition(".")
    for number in itertools.count(1):
        beside = f"{stem}.new{number if number > 1 else ''}.{suffix}"
        path = folder / beside
        if not path.exists() or file_digest(path) in (record.get(beside), edition):
            return beside
    raise AssertionError("numbers do not end")


def _read_record(folder: Path) -> dict[str, str]:
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): str(edition) for name, edition in record["delivered"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadArgumentError(f"{path} is damaged; delete it, your notebooks stay as they are") from error
