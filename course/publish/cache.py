"""Keep a result until one of the things it was made from changes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from course.files import file_digest, replacing

# Bumped when the meaning of a stored record changes.
_RECORD_FORMAT = 1


class Cache:
    """A folder of results, each with the key of what it was made from; an entry with another key is not found.

    One entry per name is kept: the folder does not grow with the number of builds.
    """

    def __init__(self, folder: Path, *, read: bool = True) -> None:
        """Use ``folder``, created when first written; with ``read`` false nothing is found and all is renewed."""
        self.folder = folder
        self.read = read

    def find_record(self, name: str, key: str) -> dict[str, Any] | None:
        """Return the record stored under ``name`` with the same ``key``, or None."""
        if not self.read:
            return None
        try:
            record = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        is_current = isinstance(record, dict) and record.get("format") == _RECORD_FORMAT and record.get("key") == key
        return record["value"] if is_current else None

    def store_record(self, name: str, key: str, value: dict[str, Any]) -> None:
        """Store a record of JSON values under ``name``, in place of any other."""
        record = {"format": _RECORD_FORMAT, "key": key, "value": value}
        with replacing(self.folder / f"{name}.json") as temporary:
            temporary.write_text(json.dumps(record), encoding="utf-8", newline="\n")

    def find_file(self, name: str, key: str) -> tuple[Path, dict[str, Any]] | None:
        """Return the file stored under ``name`` with the same ``key``, and its record, or None."""
        record = self.find_record(name, key)
        path = self.folder / name
        if record is None or not path.is_file() or file_digest(path) != record["sha256"]:
            return None
        return path, record

    def store_file(self, name: str, key: str, content: bytes, **record: Any) -> tuple[Path, dict[str, Any]]:
        """Store a file and its record under ``name``; return them as ``find_file`` would."""
        path = self.folder / name
        with replacing(path) as temporary:
            temporary.write_bytes(content)
        value = {"sha256": hashlib.sha256(content).hexdigest(), **record}
        self.store_record(name, key, value)
        return path, value
