"""The tool that breaks lessons: what it changes, and what it says of a change that nbval sees, or does not."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from mutants import Table, in_turn
from mutations import Mutation, mutations

CELLS = {
    "x = a + b * -c": ["x = a - b * -c", "x = a + b / -c", "x = a + b * +c"],
    "x = é > 1": ["x = é >= 1", "x = é > (1 - 1)"],
    "x = [y for y in ys if y == z and y]": [
        "x = [y for y in list(ys)[1:] if y == z and y]",
        "x = [y for y in ys if y == z or y]",
        "x = [y for y in ys if y != z and y]",
    ],
    'x = min(y).sort(ascending=True).agg("sum")': [
        'x = max(y).sort(ascending=True).agg("sum")',
        'x = min(y).sort(ascending=False).agg("sum")',
        'x = min(y).sort(ascending=True).agg("mean")',
    ],
    'x = table["PRS_REM_MNT"]': ['x = table["PRS_PAI_MNT"]'],
    '%%measure "a"\n%%memory_cap 1MiB\nx = 1': ["x = (1 + 1)"],
    "%%SQL -o x\nSELECT SUM(y) FROM t WHERE z >= 2": [
        "SELECT AVG(y) FROM t WHERE z >= 2",
        "SELECT SUM(y) FROM t WHERE z > 2",
        "SELECT SUM(y) FROM t WHERE z >= (2 + 1)",
    ],
    'x = %SQL SELECT MAX(y) AS "over 1" FROM t\n%measure 1 + 1': ['x = %SQL SELECT MIN(y) AS "over 1" FROM t'],
    'x = ask("SELECT y FROM t WHERE z < 3")': [
        'x = ask("SELECT y FROM t WHERE z <= 3")',
        'x = ask("SELECT y FROM t WHERE z < (3 + 1)")',
    ],
    'x = """\nimport y\nz = a - b\n"""': ["z = a + b"],
    "import x\nassert 1 < 2\nplt.plot(1)\nfigure, left = plt.subplots(2)\nleft.bar(3)\nread(chunksize=4)": [],
}


def notebook(folder: Path, *sources: str) -> Path:
    path = folder / "99_broken.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources]), path)
    return path


@pytest.mark.parametrize(("source", "expected"), CELLS.items(), ids=range(len(CELLS)))
def test_computing_lines_are_broken_and_nothing_else(tmp_path: Path, source: str, expected: list[str]) -> None:
    found = mutations(notebook(tmp_path, source))
    assert {mutation.line(source)[1] for mutation in found} == set(expected)
    assert len(found) == len(expected)


def test_every_kind_has_its_turn_and_a_seed_gives_one_order(tmp_path: Path) -> None:
    found = mutations(notebook(tmp_path, "x = 1 + 2 + 3 + 4 > 5", "y = -z"))
    assert {mutation.kind for mutation in in_turn(found.copy(), 1)[:4]} == {
        "constant",
        "operator",
        "comparison",
        "sign",
    }
    assert in_turn(found.copy(), 1) == in_turn(found.copy(), 1) != in_turn(found.copy(), 2)


LESSON = ["from time import time", "seen, unseen = 2 * 3, 4 * 5", "seen", "spare = min(7, 7)", "late = time() + 1"]
OUTCOMES = {"2 / 3": "red", "4 / 5": "green", "max(7, 7)": "same", "time() - 1": "green"}


def test_a_mutation_is_red_or_green_or_changes_nothing(tmp_path: Path) -> None:
    path = notebook(tmp_path, *LESSON)
    lesson = nbformat.read(path, as_version=4)
    for count, cell in enumerate(lesson.cells, 1):
        cell.execution_count = count
    lesson.cells[2].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "6"}, execution_count=3)]
    nbformat.write(lesson, path)
    wanted = {text: mutation for text in OUTCOMES for mutation in mutations(path) if is_in(mutation, lesson, text)}
    table = Table(tmp_path / "table.jsonl")
    assert {text: table.row(mutation)["outcome"] for text, mutation in wanted.items()} == OUTCOMES
    again = Table(tmp_path / "table.jsonl")
    assert {text: again.row(mutation)["outcome"] for text, mutation in wanted.items()} == OUTCOMES
    assert again.stored == {}


def is_in(mutation: Mutation, lesson: nbformat.NotebookNode, text: str) -> bool:
    return text in mutation.line(lesson.cells[mutation.cell].source)[1]
