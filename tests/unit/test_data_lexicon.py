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


def test_labels_are_the_official_ones() -> None:
    assert label("BEN_SEX_COD", 1) == "MASCULIN"
    assert label("AGE_BEN_SNDS", 80) == "80 ANS ET +"
    assert label("BEN_RES_REG", 76) == "Languedoc-Roussillon-Midi-Pyrénées"


def test_codes_of_the_seed_rows_that_the_2015_lexicon_lacks_have_a_label() -> None:
    assert label("PRS_NAT", 3380)
    assert label("ETE_CAT_SNDS", 2206) == "CENTRES DE SANTE"
    assert label("ETE_TYP_SNDS", 99) == "VALEUR INCONNUE"


def test_a_code_read_as_float_finds_its_label() -> None:
    assert label("BEN_SEX_COD", 2.0) == "FEMININ"


def test_a_code_with_decimals_is_refused_and_not_truncated() -> None:
    with pytest.raises(BadArgumentError, match="no code"):
        label("BEN_SEX_COD", 1.5)


def test_label_of_2015_wins_over_the_one_of_2025() -> None:
    assert label("PRS_REM_TYP", 5) == "TICKET MODERATEUR  CMU"


def test_unknown_variable_suggests_a_close_one() -> None:
    with pytest.raises(BadArgumentError, match="did you mean BEN_SEX_COD"):
        label("BEN_SEX", 1)


def test_the_caller_cannot_change_the_lexicon() -> None:
    codes = lexicon("BEN_SEX_COD")
    codes.loc[1] = "?"
    assert label("BEN_SEX_COD", 1) == "MASCULIN"


def test_lexicon_has_the_55_variables() -> None:
    variables = lexicon()
    assert len(variables) == 55
    assert variables["AGE_BEN_SNDS"] == "Tranche d'Age Bénéficiaire au moment des soins"


def test_skiprows_2_eats_the_first_variable(workbook: Path) -> None:
    eaten = pd.read_excel(workbook, skiprows=2)
    assert eaten.columns[0] == "AGE_BEN_SNDS"
    assert len(eaten) == 54


def test_skiprows_1_reads_the_55_variables(workbook: Path) -> None:
    variables = pd.read_excel(workbook, skiprows=[1])
    assert list(variables.columns) == ["Variable", "Libellé"]
    assert variables["Variable"].tolist() == lexicon().index.tolist()


def test_workbook_has_a_sheet_per_code_list(workbook: Path) -> None:
    sheets = pd.read_excel(workbook, sheet_name=None)
    lists = code_list("codes_2015")["variable"].unique().tolist()
    assert list(sheets) == [VARIABLES_SHEET, AXES_SHEET, *lists]
    assert len(lists) == 31
    assert sum(len(sheets[variable]) for variable in lists) == 997


def test_codes_are_numbers_but_on_two_sheets(workbook: Path) -> None:
    sheets = openpyxl.load_workbook(workbook)
    assert sheets["BEN_SEX_COD"]["A2"].value == 0
    assert sheets["BEN_CMU_TOP"]["A2"].value == "0"
    assert sheets["DRG_AFF_NAT"]["A3"].value == "11"


def test_blank_codes_stay_blank(workbook: Path) -> None:
    assert pd.read_excel(workbook, sheet_name="ETE_TYP_SNDS")["ETE_TYP_SNDS"].isna().sum() == 2


def test_an_existing_workbook_is_kept(workbook: Path) -> None:
    before = workbook.stat().st_mtime_ns
    assert lexicon_file(workbook.parent) == workbook
    assert workbook.stat().st_mtime_ns == before


def test_a_file_that_is_no_workbook_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / WORKBOOK_NAME).write_text("mine")
    with pytest.raises(ExistingFileError, match="not a workbook"):
        lexicon_file(tmp_path)
    assert (tmp_path / WORKBOOK_NAME).read_text() == "mine"


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        lexicon_file(tmp_path / "data")
