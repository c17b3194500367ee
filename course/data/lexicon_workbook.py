"""Write ``Lexique_open-DAMIR.xlsx`` in the shape of the official workbook, its oddities included.

The shape is that of the workbook published by the CNAM in January 2015: an empty second row on the sheet of
variables, a second sheet by axis of analysis, a sheet per code list, codes stored as numbers except on two sheets,
and six code cells left blank.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from course.data.lexicon import code_list
from course.errors import ExistingFileError
from course.files import replacing

if TYPE_CHECKING:
    import pandas as pd
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

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
    path = Path(folder) / WORKBOOK_NAME
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
