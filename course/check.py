"""Whether an answer is exact: the same classes, each once, each right to the cent, of all the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import isnan, nan
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeAlias

from course.errors import BadArgumentError, WrongAnswerError
from course.generator.answer import MonthReport

if TYPE_CHECKING:
    import pandas as pd

Answer: TypeAlias = "pd.Series[Any] | Mapping[Any, Any] | list[tuple[Any, Any]]"

_CENT = 0.01
_MOST_NAMES = 10


def check_answer(answer: Answer, truth: Answer | MonthReport, *, rows: int | tuple[int, int] | None = None) -> None:
    """Print that an answer is right, or raise an error that names every fault of it.

        course.check_answer(answer, course.known_answer(path))  # 9 classes, each right to the cent

    The order of the classes and their type of integer do not count. A value is right if it is less than half a cent
    from the true one; one that is not a number never is.

    Args:
        answer: a number, in euros, for each class: a Series, a mapping, or a list of pairs.
        truth: the exact numbers in the same form, or the report of the file that was read.
        rows: the number of rows read, which a report's is compared with; else ``(read, expected)``.

    Raises:
        BadArgumentError: an argument is of another kind, or what should be the truth cannot be it.
        WrongAnswerError: the answer has faults.
    """
    known_rows = None
    if isinstance(truth, MonthReport):
        known_rows, exact = truth.rows, {age: euros for age, euros in truth.answer.items() if truth.rows_by_age[age]}
    else:
        exact = dict(pairs := _pairs(truth))
        if not exact or len(exact) < len(pairs) or any(isnan(_number(value)) for value in exact.values()):
            raise BadArgumentError("the truth must hold one number for each class, and one class or more")
    read, expected = rows if isinstance(rows, tuple) else (rows, known_rows)
    if read is not None and expected is None:
        raise BadArgumentError("this truth does not know its rows: give rows=(read, expected)")
    faults = [*_class_faults(found := _pairs(answer), exact), *_value_faults(found, exact)]
    if read is not None and read != expected:
        faults.append(f"{read:,} rows were read, not {expected:,}")
    if faults:
        raise WrongAnswerError(f"the answer is wrong: {'; '.join(faults)}")
    counted = f"{read:,} rows, " if read is not None else ""
    print(f"{counted}{len(exact)} class{'es' * (len(exact) > 1)}, each right to the cent")  # noqa: T201


def _class_faults(answer: list[tuple[Any, Any]], exact: dict[Any, Any]) -> Iterable[str]:
    counts = Counter(name for name, _ in answer)
    whole = all(isinstance(name, Integral) for name in exact)
    kinds = {
        "missing": [name for name in exact if name not in counts],
        "not known": [name for name in counts if name not in exact],
        "there more than once": [name for name, count in counts.items() if count > 1],
        "not an integer": [name for name, _ in answer if whole and not isinstance(name, Integral)],
    }
    return (f"{_named(names)} {fault}" for fault, names in kinds.items() if names)


def _value_faults(answer: list[tuple[Any, Any]], exact: dict[Any, Any]) -> Iterable[str]:
    differences = [(name, abs(_number(value) - _number(exact[name]))) for name, value in answer if name in exact]
    if empty := [name for name, difference in differences if isnan(difference)]:
        yield f"{_named(empty)} without a number"
    if wrong := {name: difference for name, difference in differences if difference >= _CENT / 2}:
        yield f"{_named(list(wrong))} not right, by {max(wrong.values()):,.2f} at most"


def _named(classes: list[Any]) -> str:
    names = ", ".join(map(str, classes[:_MOST_NAMES])) + ", …" * (len(classes) > _MOST_NAMES)
    return f"class {names}" if len(classes) == 1 else f"{len(classes)} classes ({names})"


def _number(value: Any) -> float:
    return float(value) if isinstance(value, Real | Decimal) else nan


def _pairs(answer: Any) -> list[tuple[Any, Any]]:
    """Return the pairs of class and number; a Series may hold a class twice."""
    if isinstance(answer, list):
        return answer
    import pandas as pd

    if not isinstance(answer, Mapping | pd.Series):
        raise BadArgumentError(
            f"check_answer takes a Series, a mapping or a list of pairs, not {type(answer).__name__}: "
            "compute what is lazy, and pick the column of a table"
        )
    return list(answer.items())
