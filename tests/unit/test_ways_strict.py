"""On any file all ways give the answer of Python's csv module, or one error of the course that says where and what."""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import re
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from course.errors import CourseError
from course.ways import FORMATS, WAYS, answer, convert, is_installed

AGE, AMOUNT = "AGE_BEN_SNDS", "PRS_REM_MNT"
HEADER = f"{AGE};X;{AMOUNT};\n"
FILES = int(os.environ.get("BIGDATA_COURSE_FILES", "12"))
"""How many files the law is tried on; thousands, once in a while."""
HERE = [way.name for way in WAYS.values() if is_installed(way.library)]

# --- what a file means, in a few plain lines ------------------------------------------------------------------------


def meaning(content: bytes) -> dict[int, float] | None:
    """Return the sums by age of a file, by the csv module and the two grammars; None if the file is against the rules.

    >>> meaning(b"AGE_BEN_SNDS;PRS_REM_MNT;\\n20;1.5\\n\\n20;-.5;\\n;7\\n")
    {20: 1.0}
    """
    try:
        text = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True) if row]
    except (UnicodeDecodeError, csv.Error, EOFError, OSError):
        return None
    names = rows[0] if rows else []
    while names and not names[-1]:
        names.pop()
    if "\0" in text or [names.count(AGE), names.count(AMOUNT)] != [1, 1]:
        return None
    amounts: defaultdict[int, list[float]] = defaultdict(list)
    for row in rows[1:]:
        if not is_good(row, names):
            return None
        if years := row[names.index(AGE)]:
            amounts[int(years)].append(float(row[names.index(AMOUNT)] or 0))
    return {age: math.fsum(some) for age, some in amounts.items()} if all(map(has_sum, amounts.values())) else None


def has_sum(amounts: list[float]) -> bool:
    """Tell whether the sum is finite and does not depend on the order."""
    total = sum(map(abs, amounts))
    return total < math.inf and 4e-15 * total <= tolerance(math.fsum(amounts))


def tolerance(euros: float) -> float:
    return max(0.004, 1e-9 * abs(euros))


def is_good(row: list[str], names: list[str]) -> bool:
    if len(row) < len(names) or any(row[len(names) :]):
        return False
    age, amount = row[names.index(AGE)], row[names.index(AMOUNT)]
    if not re.fullmatch("([+-]?[0-9]+)?", age) or abs(int(age or 0)) >= 2**63:
        return False
    number = re.fullmatch(r"([+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?)?", amount)
    return number is not None and abs(float(amount or 0)) < math.inf


def outcomes(path: Path, folder: Path) -> dict[str, Any]:
    """Return what each way answers, or the error; each format is made once."""
    made: dict[str, Any] = {}
    found: dict[str, Any] = {}
    for name in HERE:
        form = WAYS[name].format
        try:
            if form not in made:
                try:
                    made[form] = convert(form, path, folder / f"made{FORMATS[form].suffix}")
                except CourseError as error:
                    made[form] = error
            if isinstance(made[form], CourseError):
                raise made[form]
            found[name] = answer(name, made[form]).to_dict()
        except CourseError as error:
            found[name] = error
    return found


def check(content: bytes, name: str = "file.csv") -> str:
    """Compare all ways on a file with its meaning; return what the error says, nothing if there is an answer."""
    expected = meaning(content)
    place = Path(tempfile.mkdtemp())
    path = place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    try:
        found = outcomes(path, path.parent)
    finally:
        shutil.rmtree(place)
    for way, one in found.items():
        if expected is None:
            assert isinstance(one, CourseError), (way, one)
            assert str(path) in str(one), (way, one)
        else:
            assert not isinstance(one, CourseError), (way, one)
            assert one.keys() == expected.keys(), (way, one, expected)
            assert all(abs(one[age] - expected[age]) <= tolerance(expected[age]) for age in one), (way, one, expected)
    messages = {str(one) for one in found.values() if isinstance(one, CourseError)}
    assert len(messages) <= 1, messages
    return next(iter(messages), "")


# --- the law, on files of every kind --------------------------------------------------------------------------------

words = str.split
FIVE = "\u0665"  # ARABIC-INDIC
GOOD_AGES = words(f"20 30 0 99 -1 +20 020 32768 -32768 -2147483648 9007199254740993 {2**63 - 1} {1 - 2**63}")
BAD_AGES = [*words(f"20.5 NA 1_000 {FIVE} true 0x14 {2**63} {-(2**63)} 2e1 nan --1 - +"), " 20", "20 "]
GOOD_AMOUNTS = words("1.5 2 -3.25 .5 5. -.5 +4 1e3 1E-2 -0 12345678.25 -123456789.01 0.015 00000000.5 99999999999 1e16")
BAD_AMOUNTS = [
    " 5",
    "5 ",
    *words(f"NaN inf - 1,5 1..5 . 1e400 1_000 true 0x14 {FIVE} 1e --5 NA -inf ..5 null 5d 2e308"),
]
LARGE_AMOUNTS = words("1e300 -1e300 1.7e308 1.7976931348623157e308 5e-324 1e15 -1e15 123456789012345.67 1e12")
CELLS = [*words("7 a é a;b # NA ' 1.5 -32768 \\ true 70000 nan '' / 00 \ufeff"), "", " ", "\t", "\u2028"]
CELLS += ['a"b', "a\nb", "a\rb", "a\r\n20;1;9\r\n", "x" * 200_000]
NAMES = [*words(f'X SOI_ANN PRS_ACT_NBR x é a/b .. # class SELECT a"b a;b index X COLUMN_2 _c rowid {AGE.lower()}')]
NAMES += ["", "a b", "n" * 300]
PLACES = words("file.csv file m[12].csv m*.csv a?b.csv {a,b}.csv 100%.csv file.csv.gz file.zip c[24]/m.csv */m.csv")
PLACES += ["a b/c d.csv", *words("q?/m.csv é/%41.csv file.parquet a#b.csv 'a'.csv $HOME.csv ~.csv")]
SPOILED = {
    "latin-1": lambda text: text + b"\xe9;\xe9;\xe9\n",
    "zeros": lambda text: text + b"\0\0",
    "an open quote": lambda text: text + b'"20;1',
    "a quote within": lambda text: text.replace(b"20", b'2"0"', 1),
    "a short line": lambda text: text + b"20\n",
    "a field more": lambda text: text.replace(b"\n", b";9\n", 2),
    "spaces": lambda text: text + b" \n",
    "a header twice": lambda text: text + text[: text.find(b"\n") + 1],
    "text after quotes": lambda text: text + b'"20"x;1;1\n',
    "cut gzip": lambda text: gzip.compress(text)[:-9],
    "gzip twice": lambda text: gzip.compress(gzip.compress(text)),
    "UTF-16": lambda text: text.decode(errors="replace").encode("utf-16"),
    "nothing": lambda text: b"",
    "blank": lambda text: b"\n\n",
}


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Write a file that is good, plain or not, four times in five."""

    def often(usual: Any, *rest: Any) -> Any:
        return draw(st.sampled_from([*[usual] * 3, *rest]))

    others = draw(st.lists(st.sampled_from(NAMES), max_size=3))
    names = draw(st.permutations([AGE, AMOUNT, *others]))
    bad = draw(st.sampled_from([None] * 6 + [AGE, AMOUNT]))
    cells = {name: CELLS if draw(st.booleans()) else ["7", "", "1"] for name in others} | {
        AGE: GOOD_AGES,
        AMOUNT: GOOD_AMOUNTS + often([], LARGE_AMOUNTS),
    }
    rows = [[draw(st.sampled_from(cells[name])) for name in names] for _ in range(draw(st.integers(0, 6)))]
    if bad and rows:
        rows[-1][names.index(bad)] = draw(st.sampled_from({AGE: BAD_AGES, AMOUNT: BAD_AMOUNTS}[bad]))
    filler = [["20" if name == AGE else "1.25" if name == AMOUNT else "7" for name in names]]
    rows[:0] = filler * often(0, 0, 0, 200, 21_000)
    end = often("\n", "\r\n", "\r", "mixed")
    header_end, row_end = draw(st.sampled_from([("", ""), (";", ";"), (";", ""), ("", ";")]))
    quoting = often(csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
    blank = often("", "between", "before", "after")
    out = io.StringIO(newline="")
    for number, row in enumerate([names, *rows]):
        line = io.StringIO(newline="")
        csv.writer(line, delimiter=";", quoting=quoting, lineterminator="").writerow(row)
        finish = (
            draw(st.sampled_from(["\n", "\r\n", "\r"])) if end == "mixed" and number < 9 else end.replace("mixed", "\n")
        )
        out.write(finish if blank == "before" and not number else "")
        out.write(line.getvalue() + (row_end if number else header_end) + finish * (2 if blank == "between" else 1))
    text = out.getvalue() + ("\n\n" if blank == "after" else "")
    text = text if draw(st.booleans()) else text.rstrip("\r\n")
    content = (often("", "\ufeff") + text).encode()
    if draw(st.integers(0, 9)) == 9:
        content = SPOILED[draw(st.sampled_from(sorted(SPOILED)))](content)
    return gzip.compress(content, 1) if often(False, False, True) else content


# not shrunk: a step is twenty ways
@settings(
    max_examples=FILES, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(content=files(), name=st.sampled_from(PLACES))
@example(content=f"{AGE};{AMOUNT}\n20;1e300\n30;1.7e308\n".encode(), name="file.csv")
@example(content=f"{AGE};{AMOUNT}\n20;1e15\n20;2e15\n20;.5\n".encode(), name="file.csv")
@example(content=f"{AGE};{AMOUNT}\n20;1e300\n20;1\n20;-1e300\n".encode(), name="file.csv")
@example(content=f"{AGE};{AMOUNT}\n20;1.7e308\n20;1.7e308\n".encode(), name="file.csv")
@example(content=f"{AGE};{AMOUNT}\n20;1.5\n".encode(), name="file.zip")
@example(content=f"{AGE};{AMOUNT}\n20;1.5\n".encode(), name="file.csv.GZ")
@example(content=f"{AGE};{AMOUNT}\n20;1.5\n".encode(), name="file.zst")
def test_every_way_answers_as_the_csv_module_or_all_refuse(content: bytes, name: str) -> None:
    check(content, name)
