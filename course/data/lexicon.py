"""The official lexicon of Open DAMIR: what each variable and each code means.

The labels are those of the *Lexique open-DAMIR* (CNAM, January 2015), completed by the official
dictionary (CNAM, 11 February 2025) for the codes that came later and for the regions of 2016.
"""

from __future__ import annotations

import difflib
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from course.errors import BadArgumentError

if TYPE_CHECKING:
    import pandas as pd


@cache
def code_list(name: str) -> pd.DataFrame:
    """Return one of the packaged lists, ``variables_2015``, ``codes_2015`` or ``codes_2025``, every cell as text."""
    import pandas as pd

    with as_file(files("course.data") / "code_lists" / f"{name}.csv") as path:
        return pd.read_csv(path, sep=";", dtype=str, keep_default_na=False)


def lexicon(variable: str | None = None) -> pd.Series[str]:
    """Return the labels of the 55 variables of the lexicon, or those of the codes of one variable.

    Args:
        variable: a column of the data such as ``"BEN_SEX_COD"``, or None for the variables themselves.

    Returns:
        A Series of labels in French, indexed by variable name (str), or by code (int).

    Raises:
        BadArgumentError: the variable has no list of codes.
    """
    if variable is None:
        variables = code_list("variables_2015").set_index("variable")["label"]
        return variables.rename_axis("Variable").rename("Libellé")
    return _codes(variable).copy()


def label(variable: str, code: float) -> str:
    """Return the official label, in French, of one code of one variable: ``label("BEN_SEX_COD", 1)`` is ``"MASCULIN"``.

    Raises:
        BadArgumentError: the variable has no list of codes, or the code is not in it.
    """
    labels = _codes(variable)
    if code not in labels.index:
        raise BadArgumentError(
            f"{variable} has no code {code}: it has {len(labels)} codes, see course.lexicon({variable!r})"
        )
    return str(labels.loc[int(code)])


@cache
def _codes(variable: str) -> pd.Series[str]:
    import pandas as pd

    lists = pd.concat([code_list("codes_2015"), code_list("codes_2025")])
    if variable not in set(lists["variable"]):
        raise BadArgumentError(f"{variable} has no list of codes{_suggestion(variable, lists['variable'])}")
    rows = lists[(lists["variable"] == variable) & (lists["code"] != "")].drop_duplicates("code")
    codes = pd.Index(rows["code"].astype("int64"), name=variable)
    return pd.Series(rows["label"].to_numpy(), index=codes, name="Libellé").sort_index()


def _suggestion(variable: str, known: pd.Series[str]) -> str:
    close = difflib.get_close_matches(variable, known.unique(), n=1)
    return f": did you mean {close[0]}?" if close else "; course.lexicon() lists the variables"
