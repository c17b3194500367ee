"""The check of an answer rings for every fault, names them all, and for nothing else."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import course
from course.errors import BadArgumentError, WrongAnswerError
from course.generator.answer import MonthReport

INTEGERS = ["int8", "int16", "uint8", "int64", "Int64", "int32[pyarrow]", "object", "category"]
truths = st.dictionaries(st.integers(0, 99), st.integers(-(10**12), 10**12), min_size=1, max_size=12)


def report(cents: dict[int, int], rows: int = 100) -> MonthReport:
    return MonthReport(Path("a.csv"), ".csv", rows, 1, 1, dict.fromkeys(cents, 1), cents)


def euros(cents: dict[int, int]) -> pd.Series[float]:
    return pd.Series(cents, dtype="int64") / 100


def message(answer: Any, truth: Any, **options: Any) -> str:
    with pytest.raises(WrongAnswerError) as caught:
        course.check_answer(answer, truth, **options)
    return str(caught.value)


@given(truths, st.sampled_from(INTEGERS), st.randoms(use_true_random=False))
def test_any_order_and_any_type_of_integer_is_right(cents: dict[int, int], kind: str, random: Any) -> None:
    order = list(cents)
    random.shuffle(order)
    answer = euros({age: cents[age] for age in order})
    answer.index = answer.index.astype(kind)
    # what a sum of floats loses is no fault
    course.check_answer(answer + 0.004, report(cents), rows=100)
    for same in (euros(cents), euros(cents).to_dict(), list(report(cents).answer.items())):
        course.check_answer(same, answer)
        course.check_answer(answer, same)


@given(truths, st.sampled_from([1, -1]), st.sampled_from([np.nan, None, pd.NA, "1"]), st.data())
def test_every_fault_rings_and_all_are_named(
    cents: dict[int, int], sign: int, nothing: Any, data: st.DataObject
) -> None:
    answer, age = euros(cents), data.draw(st.sampled_from(list(cents)))
    faults = {
        f"class {age} missing": answer.drop(age),
        "class 100 not known": pd.concat([answer, pd.Series({100: 0.0})]),
        f"class {age} there more than once": pd.concat([answer, answer.loc[[age]]]),
        f"class {age} not right, by 0.01 at most": answer.where(answer.index != age, answer + sign * 0.01),
        f"class {age} without a number": {**answer.astype(object), age: nothing},
        "not an integer": answer.set_axis(answer.index.astype(float)),
        f"class {age} not an integer": {**answer.drop(age), str(age): 0.0},
    }
    for fault, wrong in faults.items():
        assert fault in message(wrong, report(cents))
    assert message(answer, report(cents), rows=99) == "the answer is wrong: 99 rows were read, not 100"


def test_one_message_names_all_faults() -> None:
    answer = [(20, 1.0), (20, 1.0), (30, 5.5), (30.5, 1), (40, np.float32("nan")), (1, 1), (2, 2)]
    truth = {20: Decimal(1), 30: 3000.75, 40: 0, 99: 7}
    assert message(answer, truth, rows=(10_000, 9_999)) == (
        "the answer is wrong: class 99 missing; 3 classes (30.5, 1, 2) not known; class 20 there more than once; "
        "class 30.5 not an integer; class 40 without a number; class 30 not right, by 2,995.25 at most; "
        "10,000 rows were read, not 9,999"
    )
    assert "14 classes (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …) missing" in message({}, dict.fromkeys(range(14), 1))


def test_what_is_right_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    # a class without rows is in no answer
    known = MonthReport(Path("a"), ".csv", 3, 1, 1, {0: 2, 20: 1, 99: 0}, {0: 150, 20: -1, 99: 0})
    course.check_answer({20: -0.01, 0: 1.5}, known)
    course.check_answer({20: -0.01, 0: 1.5}, known, rows=np.int64(3))
    course.check_answer({"a": 1}, {"a": 1}, rows=(99_999, 99_999))
    assert capsys.readouterr().out.splitlines() == [
        "2 classes, each right to the cent",
        "3 rows, 2 classes, each right to the cent",
        "99,999 rows, 1 class, each right to the cent",
    ]


@pytest.mark.parametrize(
    ("answer", "truth", "rows", "said"),
    [
        (pd.DataFrame({"a": [1.0]}), {0: 1}, None, "pick the column"),
        ({0: 1}, 1, None, "a mapping or a list"),
        ({}, {}, None, "one class or more"),
        ({0: 1}, {0: np.nan}, None, "one number for each class"),
        ({0: 1}, pd.Series([1, 1], index=[0, 0]), None, "one number for each class"),
        ({0: 1}, {0: 1}, 7, "rows=\\(read, expected\\)"),
    ],
)
def test_what_cannot_be_checked_is_refused(answer: Any, truth: Any, rows: Any, said: str) -> None:
    with pytest.raises(BadArgumentError, match=said):
        course.check_answer(answer, truth, rows=rows)
