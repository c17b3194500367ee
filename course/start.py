"""A student's own copy of the lessons: filled, brought up to date, and never robbed of what the student wrote."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from course.errors import BadArgumentError
from course.files import file_digest, make_folder, recover, replacing

RECORD = ".bigdata-course.json"
"""File of the working folder that says what was delivered: the SHA-256 of each file, by name.

What a delivery is about to write stands in it first: one that is killed leaves no file that would count as changed.
"""

# what the kernel of IPython says of itself, the version apart; and what stands in the lessons, for every Python
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
_STORED_LANGUAGE = b'"language_info": {\n   "name": "python"\n  }'


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


def contents(source: Path, folder: Path) -> dict[str, Path | bytes]:
    """Return what goes into a working folder, by name: a file of the course, or bytes. Every edition decides it here.

    Files of ``source`` in hidden folders, in ``data/`` and what Python leaves are not part of it.
    """
    paths = {path.relative_to(source): path for path in sorted(source.rglob("*")) if path.is_file()}
    lessons = {name.as_posix(): _content(path) for name, path in paths.items() if _is_delivered(name)}
    return {"README.md": _readme(folder).encode(), **lessons}


def _content(path: Path) -> Path | bytes:
    """Return a file; a notebook says which Python it runs on, as JupyterLab writes: else it is unsaved once opened."""
    if path.suffix != ".ipynb":
        return path
    language = json.dumps(LANGUAGE | {"version": platform.python_version()}, indent=1)
    text = language.replace("\n", "\n  ")
    return path.read_bytes().replace(_STORED_LANGUAGE, f'"language_info": {text}'.encode())


def _is_delivered(name: Path) -> bool:
    return not any(part.startswith(".") or part in {"data", "__pycache__"} for part in name.parts)


def _readme(folder: Path) -> str:
    start, clean = (_command(name, folder) for name in ("start", "clean"))
    return f"""# Your working folder

**Begin with `00_start.ipynb`**, then take the lessons in their order. This opens JupyterLab here again, today or next
week; put ` --lesson 5` after it to open lesson 5:

    {start}

- **Yours**: the notebooks, and every file that you add. What you change is never overwritten: `--update` after the
  command above brings newer editions, and where you changed a lesson the newer one stands beside, as `NAME.new.ipynb`.
- **Generated**: what the lessons write in `data/`. They write it again when they need it. This shows what it takes, and
  deletes it if you agree; what you changed there and what you added stay:

      {clean}

Save your own results under names of your own: a lesson that runs again replaces the files that it wrote.
"""


def _command(name: str, folder: Path) -> str:
    """Return a command of the course on a folder, to be pasted in a shell wherever it stands."""
    words = [sys.executable, "-m", "course", name, str(folder.absolute())]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def deliver(files: Mapping[str, Path | bytes], folder: Path, *, update: bool = False) -> Delivery:
    """Copy into ``folder`` those of ``files`` (see ``contents``) that it lacks; with ``update``, newer editions too.

    A file that is not as it was delivered is the student's: its newer edition is written beside it, as
    ``NAME.new.ipynb``.

    Raises:
        BadArgumentError: the folder's record of deliveries cannot be read.
        OutputError: the folder cannot be written.
    """
    make_folder(folder)
    record = _read_record(folder)
    delivery = Delivery()
    editions = {name: _digest(content) for name, content in files.items()}
    _write_record(folder, delivered=record, coming=editions)
    for name, edition in editions.items():
        recover(folder / name)
        place = _place_of(name, edition, folder, record, delivery, update=update)
        if place:
            with replacing(folder / place) as temporary:
                content = files[name]
                temporary.write_bytes(content) if isinstance(content, bytes) else shutil.copyfile(content, temporary)
            record[place] = record[name] = edition
    _write_record(folder, delivered=record)
    return delivery


def _digest(content: Path | bytes) -> str:
    return hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else file_digest(content)


def _place_of(
    name: str, edition: str, folder: Path, record: dict[str, str], delivery: Delivery, *, update: bool
) -> str:
    """Return the name under which an edition of a file is to be written, empty if it is not."""
    target = folder / name
    there = file_digest(target) if target.is_file() else ""  # of a folder or a link to nothing, which is the student's
    if there == edition:
        record[name] = edition  # whoever put it there
        return ""
    if not os.path.lexists(target):
        delivery.added.append(name)
    elif not update or edition == record.get(name):
        return ""
    elif there == record.get(name):
        delivery.renewed.append(name)
    else:
        beside = _name_beside(name, edition, folder, record)
        delivery.kept.append((name, beside))
        return beside
    return name


def _name_beside(name: str, edition: str, folder: Path, record: dict[str, str]) -> str:
    """Return the first of NAME.new.ipynb, NAME.new2.ipynb… that is free, or that the student left as delivered."""
    stem, _, suffix = name.rpartition(".")
    for number in itertools.count(1):
        beside = f"{stem}.new{number if number > 1 else ''}.{suffix}"
        path = folder / beside
        if not os.path.lexists(path) or (path.is_file() and file_digest(path) in (record.get(beside), edition)):
            return beside
    raise AssertionError("numbers do not end")


def _read_record(folder: Path) -> dict[str, str]:
    path = folder / RECORD
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        record = {str(name): str(edition) for name, edition in known["delivered"].items()}
        coming = {str(name): str(edition) for name, edition in known.get("coming", {}).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadArgumentError(f"{path} is damaged; delete it, your notebooks stay as they are") from error
    places = {name: folder / name for name in coming}
    arrived = {name for name, place in places.items() if place.is_file() and file_digest(place) == coming[name]}
    return record | {name: coming[name] for name in arrived}


def _write_record(folder: Path, **known: dict[str, str]) -> None:
    with replacing(folder / RECORD) as temporary:
        text = json.dumps(known, indent=1, sort_keys=True)
        temporary.write_text(text + "\n", encoding="utf-8", newline="\n")
