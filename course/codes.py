r"""What the variables and the codes of Open DAMIR mean, as tables and as the official workbook.

The labels are those of the *Lexique open-DAMIR* (CNAM, January 2015), completed by the official dictionary
(CNAM, 11 February 2025) for the codes that came later and for the regions of 2016. ``lexicon_file`` writes them in
the shape of the workbook of 2015, its oddities included: an empty second row on the sheet of variables, a second
sheet by axis of analysis, a sheet per code list, codes stored as numbers except on two sheets, six blank code cells.
"""

from __future__ import annotations

import difflib
import zipfile
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from course.errors import BadArgumentError, ExistingFileError
from course.files import expanded, recover, replacing

if TYPE_CHECKING:
    import pandas as pd
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet


@cache
def code_list(name: str) -> pd.DataFrame:
    """Return one of the packaged lists, ``variables_2015``, ``codes_2015`` or ``codes_2025``, every cell as text."""
    import pandas as pd

    with as_file(files("course") / "code_lists" / f"{name}.csv") as path:
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


WORKBOOK_NAME = "Lexique_open-DAMIR.xlsx"
VARIABLES_SHEET = "Variables ordre alphabétique"
AXES_SHEET = "Variables par axe analyse"
# the official workbook stores the codes of these two sheets as text
TEXT_CODES = frozenset({"BEN_CMU_TOP", "DRG_AFF_NAT"})


def lexicon_file(folder: Path | str = "data") -> Path:
    """Write the lexicon workbook in ``folder`` unless it is there, and return its path.

    Raises:
        ExistingFileError: a file of that name is there and is not a workbook.
        OutputError: the folder cannot be written.
    """
    path = expanded(folder) / WORKBOOK_NAME
    recover(path)
    if path.exists():
        if not zipfile.is_zipfile(path):
            raise ExistingFileError(f"{path} is not a workbook: remove it and ask again")
        return path
    workbook = _workbook()
    with replacing(path) as temporary:
        workbook.save(temporary)
    return path


def _workbook() -> Workbook:
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    _write_variables(workbook.create_sheet(VARIABLES_SHEET))
    _write_axes(workbook.create_sheet(AXES_SHEET))
    for variable, rows in code_list("codes_2015").groupby("variable", sort=False):
        _write_codes(workbook.create_sheet(str(variable)), str(variable), rows)
    return workbook


def _write_variables(sheet: Worksheet) -> None:
    sheet.append(["Variable", "Libellé"])
    sheet.append([])
    for row in code_list("variables_2015").itertuples():
        sheet.append([row.variable, row.label])


def _write_axes(sheet: Worksheet) -> None:
    for axis, rows in code_list("variables_2015").groupby("axis", sort=False):
        sheet.append([axis])
        for row in rows.itertuples():
            sheet.append([None, row.variable, row.label])


def _write_codes(sheet: Worksheet, variable: str, rows: pd.DataFrame) -> None:
    sheet.append([variable, f"Libellé {variable}"])
    for row in rows.itertuples():
        code = str(row.code)
        sheet.append([_cell(code, as_text=variable in TEXT_CODES), row.label])


def _cell(code: str, *, as_text: bool) -> str | int | None:
    if not code:
        return None
    return code if as_text else int(code)
