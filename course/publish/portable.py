"""Keep this machine's folders and process numbers out of what is published."""

from __future__ import annotations

import json
import re
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def folder_names(work: Path) -> dict[str, str]:
    """Return what each folder of this machine is called in a published output, the deepest folders first.

    Args:
        work: the folder a lesson runs in, which is published as ``.``.
    """
    project = Path(__file__).parents[2]
    paths = sysconfig.get_paths()
    names = {work: ".", Path(paths["purelib"]): "site-packages", Path(paths["platlib"]): "site-packages"}
    names |= {Path(paths["stdlib"]): "python", project: "bigdata-course", Path.home(): "~"}
    temporary = Path(tempfile.gettempdir())
    # everybody's /tmp says nothing of this machine
    names |= {temporary: "temporary"} if temporary != Path("/tmp") else {}  # noqa: S108
    spelled = {spelling: name for path, name in names.items() for spelling in _spellings(path)}
    return dict(sorted(spelled.items(), key=lambda pair: -len(pair[0])))


def _spellings(path: Path) -> Iterator[str]:
    """Yield the ways a folder is written: native, with slashes, escaped in a string, under ``~`` as IPython does."""
    for one in (path, path.resolve()):
        if one == Path(one.anchor):
            continue
        yield from (str(one), one.as_posix(), json.dumps(str(one))[1:-1])
        if one.is_relative_to(Path.home()) and one != Path.home():
            yield from (f"~/{one.relative_to(Path.home()).as_posix()}", str(Path("~") / one.relative_to(Path.home())))


def make_portable(notebook: Any, work: Path) -> None:
    """Replace, in the outputs of an executed notebook, the folders of this machine by what they are to a reader."""
    names = folder_names(work)
    folders = re.compile("|".join(rf"{re.escape(spelling)}(?![\w.-])" for spelling in names))
    # IPython compiles a cell under a name made of its process number and a hash
    cell_file = re.compile(r"[^\s\"'<>()]*ipykernel_\d+[/\\]+\d+\.py")

    def clean(text: str) -> str:
        return folders.sub(lambda found: names[found[0]], cell_file.sub("cell", text))

    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            _apply(clean, output)


def _apply(clean: Callable[[str], str], output: dict[str, Any]) -> None:
    for key in ("text", "evalue", "traceback", "data"):
        if key in output:
            output[key] = _cleaned(clean, output[key])


def _cleaned(clean: Callable[[str], str], value: Any) -> Any:
    """Clean every text of a JSON value; pictures in base 64 are left as they are."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(clean, item) for item in value]
    if isinstance(value, dict):
        is_text = {key: not key.startswith(("image/png", "image/jpeg", "application/pdf")) for key in value}
        return type(value)({key: _cleaned(clean, item) if is_text[key] else item for key, item in value.items()})
    return value
