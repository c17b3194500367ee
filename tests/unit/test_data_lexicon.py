"""The lexicon says what the official lists say, and the workbook has the shape of the official one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openpyxl
import pandas as pd
import pytest

from course.codes import AXES_SHEET, VARIABLES_SHEET, WORKBOOK_NAME, code_list, label, lexicon, lexicon_file
from course.errors import BadArgumentError, ExistingFileError, OutputError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lexicon_file(tmp_path_factory.mktemp("lexicon"))


@pytest.mark.parametrize(
    ("variable", "code", "expected"),
    [
        ("BEN_SEX_COD", 1, "MASCULIN"),
        ("BEN_SEX_COD", 2.0, "FEMININ"),  # a code read as float
        ("AGE_BEN_SNDS", 80, "80 ANS ET +"),
        ("BEN_RES_REG", 76, "Languedoc-Roussillon-Midi-Pyrénées"),
        ("PRS_REM_TYP", 5, "TICKET MODERATEUR  CMU"),  # the label of 2015 wins over the one of 2025
        ("ETE_CAT_SNDS", 2206, "CENTRES DE SANTE"),  # of the seed's rows, not in the lexicon of 2015
        ("ETE_TYP_SNDS", 99, "VALEUR INCONNUE"),
    ],
)
def test_labels_are_the_official_ones(variable: str, code: float, expected: str) -> None:
    assert label(variable, code) == expected
    assert label("PRS_NAT", 3380)


@pytest.mark.parametrize(
    ("variable", "code", "message"),
    [
        ("BEN_SEX_COD", 1.5, "no code"),
        ("BEN_SEX", 1, "did you mean BEN_SEX_COD"),
        ("?", 1, r"course.lexicon\(\) lists"),
    ],
)
def test_an_unknown_code_or_variable_is_refused(variable: str, code: float, message: str) -> None:
    with pytest.raises(BadArgumentError, match=message):
        label(variable, code)


def test_the_caller_cannot_change_the_lexicon() -> None:
    codes = lexicon("BEN_SEX_COD")
    codes.loc[1] = "?"
    assert label("BEN_SEX_COD", 1) == "MASCULIN"


def test_the_55_variables_are_read_with_skiprows_1_and_skiprows_2_eats_the_first(workbook: Path) -> None:
    assert len(lexicon()) == 55
    assert lexicon()["AGE_BEN_SNDS"] == "Tranche d'Age Bénéficiaire au moment des soins"
    eaten = pd.read_excel(workbook, skiprows=2)
    assert (eaten.columns[0], len(eaten)) == ("AGE_BEN_SNDS", 54)
    variables = pd.read_excel(workbook, skiprows=[1])
    assert list(variables.columns) == ["Variable", "Libellé"]
    assert variables["Variable"].tolist() == lexicon().index.tolist()


def test_workbook_has_a_sheet_per_code_list(workbook: Path) -> None:
    sheets = pd.read_excel(workbook, sheet_name=None)
    lists = code_list("codes_2015")["variable"].unique().tolist()
    assert list(sheets) == [VARIABLES_SHEET, AXES_SHEET, *lists]
    assert len(lists) == 31
    assert sum(len(sheets[variable]) for variable in lists) == 997
    assert sheets["ETE_TYP_SNDS"]["ETE_TYP_SNDS"].isna().sum() == 2  # blank codes stay blank


def test_codes_are_numbers_but_on_two_sheets(workbook: Path) -> None:
    sheets = openpyxl.load_workbook(workbook)
    assert [sheets[name]["A3"].value for name in ("BEN_SEX_COD", "BEN_CMU_TOP", "DRG_AFF_NAT")] == [1, "1", "11"]


def test_an_existing_workbook_is_kept_and_another_file_too(workbook: Path, tmp_path: Path) -> None:
    before = workbook.stat().st_mtime_ns
    assert lexicon_file(workbook.parent) == workbook
    assert workbook.stat().st_mtime_ns == before
    (tmp_path / WORKBOOK_NAME).write_text("mine")
    with pytest.raises(ExistingFileError, match="not a workbook"):
        lexicon_file(tmp_path)
    assert (tmp_path / WORKBOOK_NAME).read_text() == "mine"


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        lexicon_file(tmp_path / "data")
