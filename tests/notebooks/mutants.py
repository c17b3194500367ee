"""Break one computing line of a lesson at a time, and count the breaks that nbval does not see: ``make mutants``.

``mutations.py`` says what is broken: an operator, a sign, a constant by 1, a comparison, ``min`` for ``max``, ``sum``
for ``mean``, a flag, a column for another of the schema, in Python and in SQL, or the first item of a loop is dropped.
The order is drawn with ``SEED``, and every kind of every lesson has its turn.

The broken lesson runs under nbval as ``make notebooks`` runs it, in a folder of its own, up to its first red cell,
while ``probe.py`` writes a digest of each value that a cell names, shows or prints. The rule: a mutation **changes a
value** if one of these digests, in its cell or a later one, is not that of the lesson as stored. Digests that differ
between two runs of the lesson as stored (times) tell nothing: a statement that gives such a value always counts as
changing it. So does other code in a function. Not counted are mutations that change no value (``same``), those whose
own cell raises, other than by an assertion (``stops``: any net holds them), and runs that were twice red before the
broken cell (``early``). The others are ``red`` or, not seen, ``green``.

Results are kept in build/mutants.jsonl by the digests of the lesson, of the code of the course and of the mutation, so
that a run which was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any

import nbformat
from mutations import Mutation, mutations

from course.publish.cache import course_code_digest
from course.publish.lessons import copy_companions, digest

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "build" / "mutants.jsonl"
OUTCOMES = ("red", "green", "same", "stops", "early")


def in_turn(found: list[Mutation], seed: int) -> list[Mutation]:
    """Return mutations in an order drawn with ``seed``, in which every kind of every lesson has its turn."""
    chance = random.Random(seed)
    chance.shuffle(found)
    seen: Counter[tuple[Path, str]] = Counter()
    turns = []
    for mutation in found:
        turns.append((seen[mutation.lesson, mutation.kind], chance.random(), mutation))
        seen[mutation.lesson, mutation.kind] += 1
    return [mutation for _, _, mutation in sorted(turns, key=lambda turn: turn[:2])]


def run(notebook: NotebookNode, name: str) -> tuple[bool, list[dict[str, Any]], str]:
    """Run a lesson under nbval: return whether it is green, what the probe wrote of each cell, and what nbval said."""
    with TemporaryDirectory(prefix="mutants-") as work:
        folder, record = Path(work, "notebooks"), Path(work, "record.jsonl")
        folder.mkdir()
        copy_companions(ROOT / "notebooks", folder)
        nbformat.write(notebook, folder / name)
        startup = Path(work, "ipython", "profile_default", "startup", "probe.py")
        startup.parent.mkdir(parents=True)
        probe = str(Path(__file__).with_name("probe.py"))
        call = f"runpy.run_path({probe!r})['watch'](get_ipython(), {str(record)!r})"
        startup.write_text(f"import runpy\n{call}\ndel runpy\n", encoding="utf-8")
        environment = os.environ | {"IPYTHONDIR": f"{work}/ipython", "PYTHONHASHSEED": "0", "TMPDIR": work}
        options = ["-p", "conftest", "-p", "no:cacheprovider", "-c", "pyproject.toml", "-q", "-x", "--nbval"]
        command = [sys.executable, "-m", "pytest", *options, folder / name]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
        wrote = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    return done.returncode == 0, [json.loads(line) for line in wrote], done.stdout


class Stored:
    """A lesson as stored, and what each of its cells gave in two runs."""

    def __init__(self, lesson: Path) -> None:
        self.notebook = nbformat.read(lesson, as_version=4)
        self.order = [index for index, cell in enumerate(self.notebook.cells) if cell.cell_type == "code"]
        runs = [run(self.notebook, lesson.name) for _ in range(2)]
        if wrong := [said for is_green, _, said in runs if not is_green]:
            raise RuntimeError(f"{lesson.stem} is red as it is stored: {wrong[0]}")
        self.once, self.again = (wrote for _, wrote, _ in runs)

    def changes(self, mutation: Mutation, wrote: list[dict[str, Any]]) -> bool:
        """Return whether a mutation changes a value, by the rule at the head of this file."""
        first = self.order.index(mutation.cell)
        once, again = self.once[first]["values"], self.again[first]["values"]
        if any(once[name] != again.get(name) for name in set(mutation.gives) & set(once)):
            return True
        return any(
            value == self.again[at]["values"].get(name) != wrote[at]["values"].get(name)
            for at in range(first, len(wrote))
            for name, value in self.once[at]["values"].items()
        )

    def outcome(self, mutation: Mutation) -> str:
        """Return what nbval makes of a mutation; a red that changed no value, or came before it, is run once more."""
        first = self.order.index(mutation.cell)
        broken = nbformat.from_dict(self.notebook)
        broken.cells[mutation.cell].source = mutation.applied(broken.cells[mutation.cell].source)
        for _ in range(2):
            is_green, wrote, _ = run(broken, mutation.lesson.name)
            if is_green:
                return "green" if self.changes(mutation, wrote) else "same"
            if len(wrote) <= first:
                continue
            if wrote[first]["error"] not in {None, "AssertionError", self.once[first]["error"]}:
                return "stops"
            if self.changes(mutation, wrote):
                return "red"
        return "red" if len(wrote) > first else "early"


class Table:
    """The results so far, one per line of a file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        self.path, self.lock, self.locks = path, Lock(), defaultdict[Path, Lock](Lock)
        self.stored: dict[Path, Stored] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.rows = {row["key"]: row for row in map(json.loads, lines)}

    def row(self, mutation: Mutation) -> dict[str, Any]:
        """Return what is known of a mutation, trying it out if nothing is."""
        place = f"{mutation.cell} {mutation.start} {mutation.end} {mutation.new}"
        key = digest(mutation.lesson.read_text(encoding="utf-8"), course_code_digest(), place)
        if key not in self.rows:
            with self.locks[mutation.lesson]:
                lesson = self.stored.get(mutation.lesson) or Stored(mutation.lesson)
                self.stored[mutation.lesson] = lesson
            old, new = mutation.line(lesson.notebook.cells[mutation.cell].source)
            row = {"key": key, "outcome": lesson.outcome(mutation), "lesson": mutation.lesson.stem}
            row |= {"cell": mutation.cell, "kind": mutation.kind, "old": old, "new": new}
            with self.lock, self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            self.rows[key] = row
        return self.rows[key]


def report(rows: list[dict[str, Any]]) -> str:
    """Return the table of the lessons, then each mutation that nbval did not see."""
    lines = [f"{'lesson':14}{'N':>6}" + "".join(f"{outcome:>8}" for outcome in OUTCOMES)]
    for lesson in [*sorted({row["lesson"] for row in rows}), "all"]:
        count = Counter(row["outcome"] for row in rows if lesson in {"all", row["lesson"]})
        lines.append(f"{lesson:14}{count['red'] + count['green']:6}" + "".join(f"{count[one]:8}" for one in OUTCOMES))
    counts = Counter(row["outcome"] for row in rows)
    counted = counts["red"] + counts["green"]
    lines.append(f"{counts['red']} of {counted} red: {100 * counts['red'] / max(counted, 1):.1f} %")
    unseen = [row for row in rows if row["outcome"] == "green"]
    lines += [f"{row['lesson']}[{row['cell']}] {row['kind']}\n  - {row['old']}\n  + {row['new']}" for row in unseen]
    return "\n".join(lines)


def main() -> None:
    """Try mutations out, two at a time, until N of them have changed a value."""
    parser = argparse.ArgumentParser(prog="make.py mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="how their names begin, such as 02; all if none is named")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "1")))
    parser.add_argument("-n", type=int, default=int(os.environ.get("N", "60")), help="mutations that change a value")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    paths = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    chosen = [path for path in paths if path.stem.startswith(tuple(asked.lessons) or "")]
    turns = iter(in_turn([mutation for path in chosen for mutation in mutations(path)], asked.seed))
    table, rows, counted = Table(TABLE), [], 0
    with ThreadPoolExecutor(asked.workers) as pool:
        waiting = deque(pool.submit(table.row, mutation) for mutation in islice(turns, asked.workers))
        while waiting and counted < asked.n:
            row = waiting.popleft().result()
            rows.append(row)
            counted += row["outcome"] in {"red", "green"}
            sys.stdout.write(f"{counted:4} {row['outcome']:6} {row['lesson']}[{row['cell']}] {row['new']}\n")
            sys.stdout.flush()
            waiting.extend(pool.submit(table.row, mutation) for mutation in islice(turns, 1))
    sys.stdout.write(report(rows) + "\n")


if __name__ == "__main__":
    main()
