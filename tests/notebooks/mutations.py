"""Find what can be broken in the code cells of a lesson: one operator, constant, column, flag or loop at a time.

Left alone are imports, drawing, checks, what is inside f-strings, the small file, and settings that say how an answer
is found and not what it is (``HOW``: the rows of a chunk). Places are bytes of a cell, since ``ast`` counts bytes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from course.generator.schema import COLUMNS

PYTHON_MAGIC = re.compile(rb"%%(?:measure|memory_cap|needs|time)\b.*\n")
SQL_MAGIC = re.compile(rb"%%SQL\b.*\n")
LINE_MAGIC = re.compile(rb"^([ \t]*(?:[\w, ]+ = )?)([%!].*)$", re.MULTILINE)
DRAWING = {"plt", "figure", "axes", "axis", "panel", "panels", "show", "subplots", "add_notebook_menu"}
GIVEN = {"small_file", "use", "glob", "unlink"}
HOW = {"chunksize", "blocksize", "batch_size", "block_size", "blen", "block_rows", "row_group_size", "expectedlen"}
HOW |= {"n_workers", "num_workers", "max_workers", "threads_per_worker", "timeout", "encoding", "capacity_hint"}
HOW |= {"check", "capture_output"}


def pairs(text: str) -> dict[str, tuple[str, str]]:
    return {name: (old, new) for name, old, new in (pair.split() for pair in text.split(", "))}


ARITHMETIC = pairs("Add + -, Sub - +, Mult * /, Div / *, FloorDiv // *, Mod % //, Pow ** *, And and or, Or or and")
COMPARISON = pairs("Lt < <=, LtE <= <, Gt > >=, GtE >= >, Eq == !=, NotEq != ==")
AGGREGATE = {"sum": "mean", "mean": "sum", "min": "max", "max": "min", "count": "sum", "median": "mean", "std": "var"}
AGGREGATE |= {"idxmin": "idxmax", "idxmax": "idxmin", "nunique": "count", "cumsum": "cummax", "head": "tail"}
SQL = [(rb"\bSUM\b", "AVG"), (rb"\bAVG\b", "SUM"), (rb"\bMAX\b", "MIN"), (rb"\bMIN\b", "MAX"), (rb"\bDESC\b", "ASC")]
SQL += [(rb"(?<!SELECT) \* ", " / "), (rb" / ", " * "), (rb" \+ ", " - "), (rb" - ", " + "), (rb"\bAND\b", "OR")]
SQL += [(rb">=", ">"), (rb"<=", "<"), (rb"<>", "="), (rb"(?<![<>=])=", "<>"), (rb"(?<!<)>(?!=)", ">=")]
SQL += [(rb"<(?![=>])", "<=")]

Site = tuple[int, int, str, str, tuple[str, ...]]  # start, end, new text, kind, values of the statement
SHOWN = ("(shown)",)


@dataclass(frozen=True)
class Mutation:
    """Bytes ``start`` to ``end`` of a cell become ``new``, in a statement that gives the values called ``gives``."""

    lesson: Path
    cell: int
    start: int
    end: int
    new: str
    kind: str
    gives: tuple[str, ...]

    def applied(self, source: str) -> str:
        text = source.encode()
        return (text[: self.start] + self.new.encode() + text[self.end :]).decode()

    def line(self, source: str) -> tuple[str, str]:
        """Return the line of the cell as stored, and as it becomes."""
        text, changed = source.encode(), self.applied(source).encode()
        at, left = text.rfind(b"\n", 0, self.start) + 1, (text + b"\n").index(b"\n", self.end) - len(text)
        return tuple(one[at : left or None].decode().strip() for one in (text, changed))  # type: ignore[return-value]


def mutations(lesson: Path) -> list[Mutation]:
    """Return every mutation of a lesson, in order."""
    cells = enumerate(nbformat.read(lesson, as_version=4).cells)
    found = ((at, site) for at, cell in cells if cell.cell_type == "code" for site in sites(cell.source.encode()))
    return [Mutation(lesson, at, *site) for at, site in found]


def sites(text: bytes) -> Iterator[Site]:
    start = 0
    while magic := PYTHON_MAGIC.match(text, start):
        start = magic.end()
    if magic := SQL_MAGIC.match(text, start):
        yield from sql_sites(text, magic.end(), len(text), SHOWN)
        return
    for found in LINE_MAGIC.finditer(text, start):
        if found[2].startswith(b"%SQL "):
            gives = tuple(re.findall(r"\w+", found[1].decode())) or SHOWN
            yield from sql_sites(text, found.start(2), found.end(), gives)
    yield from python_sites(LINE_MAGIC.sub(lambda one: one[1] + b"_" + b"#" * (len(one[2]) - 1), text), start)


def sql_sites(text: bytes, start: int, end: int, gives: tuple[str, ...]) -> Iterator[Site]:
    for pattern, new in SQL:
        for found in re.compile(pattern).finditer(text, start, end):
            yield found.start(), found.end(), new, "SQL", gives
    for found in re.compile(rb"(?<![\w.'-])\d+(?:\.\d+)?(?![\w.'])").finditer(text, start, end):
        if not re.search(rb'AS "[^"\n]*$', text[: found.start()]):  # not in a label
            yield found.start(), found.end(), f"({found[0].decode()} + 1)", "SQL constant", gives
    for found in re.compile(rb"\b[A-Z]{3}_[A-Z_]+\b").finditer(text, start, end):
        if found[0].decode() in COLUMNS:
            yield found.start(), found.end(), other_column(found[0].decode(), text), "SQL column", gives


def other_column(name: str, text: bytes) -> str:
    """Return another column of the schema: one of the same cell if there is one."""
    present = [column for column in COLUMNS if column != name and column.encode() in text]
    return present[0] if present else "PRS_PAI_MNT" if name != "PRS_PAI_MNT" else "PRS_REM_BSE"


def python_sites(text: bytes, offset: int) -> Iterator[Site]:
    """Yield the mutations of Python text from byte ``offset`` on."""
    try:
        tree = ast.parse(text[offset:])
    except SyntaxError:
        return
    drawing = DRAWING.union(*(bound(node) for node in tree.body if isinstance(node, ast.Assign) and drawn(node)))
    cell = Text(text, offset)
    for top in tree.body:
        gives = bound(top) | ({"(printed)"} if "print" in names(top) else set())
        gives |= {"(shown)"} if top is tree.body[-1] and isinstance(top, ast.Expr) else set()
        for node in computing(top, drawing):
            yield from ((*site, tuple(sorted(gives))) for site in cell.sites(node))
            yield from cell.inner_sites(node, tuple(sorted(gives)))


def names(node: ast.AST) -> set[str]:
    return {getattr(one, "id", getattr(one, "attr", "")) for one in ast.walk(node)}


def drawn(node: ast.AST) -> bool:
    return "subplots" in names(node)


def bound(node: ast.AST) -> set[str]:
    """Return the names that a statement gives a value, or whose value it may change in place."""
    found = set()
    for one in ast.walk(node):
        if isinstance(one, ast.FunctionDef | ast.ClassDef):
            found.add(one.name)
        target = one.func if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) else one
        if target is not one or isinstance(getattr(one, "ctx", None), ast.Store):
            while isinstance(target, ast.Attribute | ast.Subscript):
                target = target.value
            found |= {target.id} if isinstance(target, ast.Name) else set()
    return found


def computing(node: ast.AST, drawing: set[str]) -> Iterator[ast.AST]:
    """Yield the nodes from one statement down that compute."""
    is_simple = isinstance(node, ast.stmt) and not hasattr(node, "body")
    called = names(node) if is_simple or isinstance(node, ast.FunctionDef) else set()
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Assert | ast.JoinedStr) or called & (drawing | GIVEN):
        return
    if (isinstance(node, ast.keyword) and node.arg in HOW) or any(name.startswith("assert_") for name in called):
        return
    if isinstance(node, ast.For) and all(names(one) & drawing for one in [node.iter, *node.body][-1:]):
        return
    yield node
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and field not in {"annotation", "returns", "decorator_list"}:
                yield from computing(child, drawing)


class Text:
    """Python text from byte ``offset`` on, in which the nodes of its tree are found again."""

    def __init__(self, text: bytes, offset: int) -> None:
        self.text, self.lines = text, [offset]
        for line in text[offset:].splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))

    def span(self, node: Any) -> tuple[int, int]:
        start = self.lines[node.lineno - 1] + node.col_offset
        return start, self.lines[node.end_lineno - 1] + node.end_col_offset

    def sites(self, node: Any) -> Iterator[tuple[int, int, str, str]]:
        """Yield the mutations of one node."""
        match node:
            case ast.BinOp(left=left, op=op, right=right) | ast.BoolOp(values=[left, right, *_], op=op):
                if not any(isinstance(getattr(one, "value", 0), str) for one in (left, right)):
                    yield from self.between(left, right, ARITHMETIC.get(type(op).__name__), "operator")
            case ast.Compare(left=left, ops=[op, *_], comparators=[right, *_]):
                yield from self.between(left, right, COMPARISON.get(type(op).__name__), "comparison")
            case ast.UnaryOp(op=ast.USub()):
                yield self.span(node)[0], self.span(node)[0] + 1, "+", "sign"
            case ast.For(iter=ast.expr(lineno=_) as items) | ast.comprehension(iter=items):
                start, end = self.span(items)
                yield start, end, f"list({self.text[start:end].decode()})[1:]", "dropped"
            case ast.Attribute(attr=name, ctx=ast.Load()) | ast.Name(id=("min" | "max") as name) if name in AGGREGATE:
                yield self.span(node)[1] - len(name), self.span(node)[1], AGGREGATE[name], "aggregate"
            case ast.Constant(value=value):
                yield from self.constant_sites(value, *self.span(node))

    def between(self, left: Any, right: Any, swap: tuple[str, str] | None, kind: str) -> Iterator[Any]:
        if swap:
            at = self.text.index(swap[0].encode(), self.span(left)[1], self.span(right)[0])
            yield at, at + len(swap[0]), swap[1], kind

    def constant_sites(self, value: object, start: int, end: int) -> Iterator[tuple[int, int, str, str]]:
        if isinstance(value, bool):
            yield start, end, str(not value), "flag"
        elif isinstance(value, int | float):
            yield start, end, f"({self.text[start:end].decode()} {'+-'[start % 2]} 1)", "constant"
        elif value in AGGREGATE:
            yield start, end, f'"{AGGREGATE[str(value)]}"', "aggregate"
        elif value in COLUMNS:
            yield start, end, f'"{other_column(str(value), self.text)}"', "column"

    def inner_sites(self, node: Any, gives: tuple[str, ...]) -> Iterator[Site]:
        """Yield the mutations of a text that is a statement of SQL or a program."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            start, end = self.span(node)
            segment = self.text[start:end]
            if re.match(rb"[\"'\s]*(SELECT|INSERT|CREATE)\b", segment):
                yield from sql_sites(self.text, start, end, gives)
            elif segment.startswith(b'"""') and b"import " in segment:
                yield from ((*site[:4], gives) for site in python_sites(self.text[: end - 3], start + 3))
