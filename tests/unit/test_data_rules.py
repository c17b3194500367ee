"""The relations between columns that the public months show, on a generated month read back as text."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame

from course.generator.acts import acts
from course.generator.month import month_file
from course.generator.schema import COLUMNS, NULLABLE

Flags: TypeAlias = "pd.Series[bool]"

ROWS = 100_000
MEASURES = ("ACT_COG", "ACT_NBR", "ACT_QTE", "DEP_MNT", "PAI_MNT", "REM_MNT")
SUPPLEMENTS = [str(code) for code in range(2, 7)]
DEDUCTIBLES = ["1951", "1952", "1971", "1972", "1974", "1975", "1976"]
HOSPITAL_DEDUCTIBLES = ["2282", "2285"]
CASH = ["6111", "6112", "6115", "6121", "7111", "8111", "4511"]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    path = tmp_path_factory.mktemp("month") / "A201612.csv"
    month_file(path, rows=ROWS)
    return pd.read_csv(path, sep=";", dtype=str, keep_default_na=False, usecols=list(COLUMNS))


@pytest.fixture(scope="module")
def hundredths(month: DataFrame) -> DataFrame:
    """Measures and rate in hundredths, as integers; a missing count is a missing value."""
    names = [name for name in COLUMNS if name.startswith(("PRS_", "FLT_")) and name[4:] in (*MEASURES, "REM_BSE")]
    numbers = month[[*names, "PRS_REM_TAU"]].apply(pd.to_numeric)
    rounded: DataFrame = (numbers * 100).round().astype("Int64")
    return rounded


@pytest.fixture(scope="module")
def masked(month: DataFrame) -> Flags:
    return month["TOP_PS5_TRG"] == "9"


@pytest.fixture(scope="module")
def inside(month: DataFrame) -> Flags:
    """Rows executed in an establishment."""
    return month["ETE_TYP_SNDS"] != "99"


@pytest.fixture(scope="module")
def supplementary(month: DataFrame) -> Flags:
    return month["PRS_REM_TYP"].isin(SUPPLEMENTS)


def share(rows: Flags) -> float:
    """Percent of the rows."""
    return 100 * float(rows.mean())


def within(rows: Flags, percent: float, tolerance: float) -> bool:
    return abs(share(rows) - percent) <= tolerance


SHARES = {  # percent of the rows: of the extract for the ages, of the public months for the regions and the acts
    "AGE_BEN_SNDS": {"0": 10.42, "20": 10.95, "30": 10.87, "40": 11.96, "50": 14.48, "60": 15.66, "70": 13.22,
                     "80": 12.28, "99": 0.16},
    "BEN_RES_REG": {"99": 8.5, "11": 11.31, "84": 9.11, "93": 8.32, "76": 8.82, "75": 8.09, "32": 7.48, "44": 8.42,
                    "52": 5.92, "28": 5.40, "53": 5.01, "27": 5.25, "5": 3.48, "24": 4.89},
}  # fmt: skip


@pytest.mark.parametrize("column", SHARES)
def test_ages_and_regions_have_their_shares(month: DataFrame, column: str) -> None:
    found = month[column].value_counts(normalize=True).mul(100)
    assert set(found.index) == set(SHARES[column])
    assert all(abs(found[code] - percent) < 0.4 for code, percent in SHARES[column].items())


def test_women_are_54_percent_and_children_under_twenty_only(month: DataFrame) -> None:
    assert within(month["BEN_SEX_COD"] == "2", 53.5, 1)
    children = month["BEN_QLT_COD"] == "3"
    assert set(month.loc[children, "AGE_BEN_SNDS"]) == {"0"}
    assert within(children[month["AGE_BEN_SNDS"] == "0"], 62, 3)


def test_masked_rows_have_their_share_and_are_masked_in_seven_columns_at_once(month: DataFrame, masked: Flags) -> None:
    unknown = {"BEN_CMU_TOP": "9", "CPT_ENV_TYP": "9", "DRG_AFF_NAT": "99", "EXO_MTF": "99", "MTM_NAT": "9",
               "PRS_REM_TYP": "99"}  # fmt: skip
    for name, code in unknown.items():
        assert ((month[name] == code) == masked).all(), name
    assert (month.loc[masked, "DDP_SPE_COD"] == "0").all()
    for top, percent, tolerance in (("9", 40.5, 0.7), ("1", 55.5, 0.7), ("0", 4.1, 0.5)):
        assert within(month["TOP_PS5_TRG"] == top, percent, tolerance)


def test_masked_rows_are_small_cells(hundredths: DataFrame, masked: Flags) -> None:
    quantity = hundredths.loc[masked, "PRS_ACT_QTE"].abs() / 100
    assert quantity.max() == 5
    assert 1.1 < quantity.mean() < 1.3
    paid = hundredths["FLT_REM_MNT"] / 100
    assert paid[masked].mean() < 45
    assert paid[~masked].mean() > 250


def test_discipline_is_undetermined_outside_hospitals(month: DataFrame, masked: Flags) -> None:
    visible = month.loc[~masked, "DDP_SPE_COD"]
    assert within(visible == "121", 85, 3)
    assert within(visible == "0", 10, 3)
    assert {int(code) for code in visible} - {0, 121} <= set(range(11, 111))


def test_no_establishment_shows_in_five_columns_at_once(month: DataFrame, inside: Flags) -> None:
    for name, code in {"ETE_CAT_SNDS": "9999", "ETE_REG_COD": "99", "MFT_COD": "99", "ETE_IND_TAA": "9"}.items():
        assert ((month[name] == code) == ~inside).all(), name
    assert (month.loc[~inside, "MDT_TYP_COD"] == "9").all()
    assert (month.loc[~inside, "PRS_PPU_SEC"] == "2").all()
    assert within(~inside, 80.7, 2)


def test_an_establishment_is_a_package_of_codes(month: DataFrame, inside: Flags) -> None:
    columns = ["ETE_CAT_SNDS", "ETE_TYP_SNDS", "MFT_COD", "ETE_IND_TAA"]
    packages = month.loc[inside, columns].value_counts(normalize=True)
    assert packages[("1102", "1", "3", "1")] > 0.2
    assert packages[("1110", "4", "7", "2")] > 0.2
    assert packages[("2206", "6", "36", "0")] > 0.1
    assert len(packages) < 25
    rows = month[inside]
    assert share((rows["PRS_PPU_SEC"] == "1") == rows["ETE_TYP_SNDS"].isin(["1", "2", "3"])) > 95
    assert (rows["PSE_ACT_CAT"] == "0").all()
    assert set(rows["PSE_STJ_SNDS"]) == {"2", "9"}
    assert within(rows["EXE_INS_REG"] == "99", 90, 2)


def test_other_schemes_send_no_count_and_no_status(month: DataFrame) -> None:
    assert {name for name in COLUMNS if (month[name] == "").any()} == NULLABLE
    other = month["PRS_ACT_NBR"] == ""
    assert within(other, 10.05, 0.4)
    assert (month.loc[other, "PSE_STJ_SNDS"] == "9").all()
    assert (month.loc[other, "PSP_STJ_SNDS"] == "9").all()
    without_schedule = month["PRS_FJH_TYP"] == "8"
    assert other[without_schedule].all()
    assert within(without_schedule[other], 86, 3)


def test_the_prescriber_is_self_employed_or_in_an_establishment_or_none(month: DataFrame) -> None:
    own = month["PRE_INS_REG"] != "99"
    employed = month["ETP_CAT_SNDS"] != "9999"
    assert (employed == (month["ETP_REG_COD"] != "99")).all()
    assert within(own & ~employed, 49, 4)
    assert within(~own & employed, 44, 4)
    assert within(~own & ~employed, 7, 1.5)
    assert share(own & employed) < 1
    for kind, categories, statuses in (
        (own, {"1", "4", "5"}, {"1", "9"}),
        (employed & ~own, {"0"}, {"2", "9"}),
        (~own & ~employed, {"99"}, {"8", "9"}),
    ):
        assert set(month.loc[kind, "PSP_ACT_CAT"]) == categories
        assert set(month.loc[kind, "PSP_STJ_SNDS"]) == statuses


def test_the_category_of_the_executant_implies_the_activity(month: DataFrame) -> None:
    allowed = {"0": {"0", "19", "24", "30"}, "1": {"0"}, "2": {"50", "55", "60"}, "3": {"24", "30"}, "4": {"19"},
               "5": {"21"}, "6": {"24"}, "7": {"26"}, "8": {"27"}, "9": {"28", "29"}, "99": {"0"}}  # fmt: skip
    found = month.groupby("PSE_ACT_CAT")["PSE_ACT_SNDS"].agg(set).to_dict()
    assert found == allowed
    assert set(month.loc[month["PSE_SPE_SNDS"] != "0", "PSE_ACT_CAT"]) == {"0", "1"}


def test_filtered_columns_follow_the_type_of_reimbursement(
    month: DataFrame, masked: Flags, supplementary: Flags
) -> None:
    same = DataFrame({name: month[f"PRS_{name}"] == month[f"FLT_{name}"] for name in MEASURES})
    zero = DataFrame({name: month[f"FLT_{name}"] == "0" for name in MEASURES})
    kind = month["PRS_REM_TYP"]
    assert same[kind == "0"].all(axis=None)
    assert same.loc[kind == "1", "REM_MNT"].all()
    assert zero.loc[kind == "1", list(MEASURES[:-1])].all(axis=None)
    assert zero[supplementary].all(axis=None)
    either = same.all(axis=1) | zero.all(axis=1)
    assert either[masked].all()
    assert within(zero.all(axis=1)[masked], 10, 1.5)
    assert within(kind[kind.isin(["0", "1"])] == "1", 3, 0.7)
    # where the row is filtered out the count is zero, not empty
    other = month["PRS_ACT_NBR"] == ""
    assert set(month.loc[other & supplementary, "FLT_ACT_NBR"]) == {"0"}
    assert set(month.loc[other & (kind == "0"), "FLT_ACT_NBR"]) == {""}
    assert within(month["FLT_ACT_NBR"] == "", 9.16, 0.4)


def filtered_out(hundredths: DataFrame) -> Flags:
    """Supplementary shares, shown or masked: their base is zero and nothing passes the filter."""
    paid = hundredths["PRS_PAI_MNT"] != 0
    return paid & (hundredths["FLT_REM_MNT"] == 0) & (hundredths["PRS_REM_BSE"] == 0)


def test_reimbursement_is_base_times_rate_except_where_there_is_no_base(
    month: DataFrame, hundredths: DataFrame
) -> None:
    exact = (hundredths["PRS_REM_BSE"] * hundredths["PRS_REM_TAU"] / 10_000).astype(float)
    holds = (hundredths["PRS_REM_MNT"] - exact).abs() <= 0.5
    assert within(holds, 78, 2)
    without_base = month["PRS_NAT"].isin([*DEDUCTIBLES, *HOSPITAL_DEDUCTIBLES, *CASH]) | filtered_out(hundredths)
    assert holds[~without_base].all()
    assert (hundredths.loc[without_base, "PRS_REM_BSE"] == 0).all()


def test_a_deductible_is_a_negative_reimbursement_without_expense(month: DataFrame, hundredths: DataFrame) -> None:
    unit = {str(act.code): act.unit for act in acts() if act.amount.endswith("deductible")}
    assert set(unit) == {*DEDUCTIBLES, *HOSPITAL_DEDUCTIBLES}
    rows = month["PRS_NAT"].isin(list(unit))
    assert (hundredths.loc[rows, ["PRS_PAI_MNT", "PRS_REM_BSE", "PRS_DEP_MNT"]] == 0).all(axis=None)
    assert (month.loc[rows, "PRS_REM_TAU"] == "100").all()
    quantity = pd.to_numeric(month.loc[rows, "PRS_ACT_QTE"])
    assert (hundredths.loc[rows, "PRS_REM_MNT"] == -quantity * month.loc[rows, "PRS_NAT"].map(unit)).all()
    negative = hundredths["PRS_REM_MNT"] < 0
    assert share(rows[negative]) > 90
    assert within(hundredths["FLT_REM_MNT"] < 0, 15.28, 1.5)


def test_a_supplementary_share_has_its_codes_and_is_what_the_usual_rate_leaves(
    month: DataFrame, hundredths: DataFrame, supplementary: Flags
) -> None:
    for name, code in {"TOP_PS5_TRG": "0", "CPT_ENV_TYP": "7"}.items():
        assert (supplementary == (month[name] == code)).all()
    for name, code in {"BEN_CMU_TOP": "1", "DRG_AFF_NAT": "35"}.items():
        assert (month.loc[supplementary, name] == code).all()
    rows = hundredths[supplementary]
    exact = (rows["PRS_PAI_MNT"] * rows["PRS_REM_TAU"] / 10_000).astype(float)
    assert (rows["PRS_REM_BSE"] == 0).all()
    assert ((rows["PRS_REM_MNT"] - exact).abs() <= 0.5).all()
    assert {3000, 3500, 4000, 7000} < set(rows["PRS_REM_TAU"])
    assert share(rows["PRS_REM_TAU"] % 100 != 0) > 10


def test_expense_is_base_plus_overrun_except_for_devices_and_without_base(
    month: DataFrame, hundredths: DataFrame
) -> None:
    holds = hundredths["PRS_PAI_MNT"] == hundredths["PRS_REM_BSE"] + hundredths["PRS_DEP_MNT"]
    assert within(holds, 87, 3)
    devices = [str(act.code) for act in acts() if act.excess in ("device", "optics")]
    exceptions = month["PRS_NAT"].isin([*devices, *CASH]) | filtered_out(hundredths)
    assert holds[~exceptions].all()
    kept = month["PRS_NAT"].isin(devices) & ~filtered_out(hundredths)
    assert (hundredths.loc[kept, "PRS_PAI_MNT"].abs() >= hundredths.loc[kept, "PRS_REM_BSE"].abs()).all()
    assert (hundredths.loc[kept, "PRS_DEP_MNT"] == 0).all()


def test_cash_allowances_have_no_base(month: DataFrame, hundredths: DataFrame) -> None:
    rows = hundredths[month["PRS_NAT"].isin(CASH)]
    assert (rows["PRS_REM_BSE"] == 0).all()
    assert (rows["PRS_REM_MNT"] == rows["PRS_PAI_MNT"]).all()
    assert set(rows["PRS_REM_TAU"]) == {0, 10_000}


def test_care_comes_before_its_treatment(month: DataFrame) -> None:
    assert set(month["FLX_ANN_MOI"]) == {"201612"}
    assert set(month["SOI_ANN"].str.len()) == {4}
    assert set(month["SOI_MOI"].str.len()) == {2}
    care = month["SOI_ANN"] + month["SOI_MOI"]
    assert (care <= month["FLX_ANN_MOI"]).all()
    assert within(care == "201612", 48.1, 0.7)
    assert within(care == "201611", 27.9, 0.7)
    assert 0 < share(care == "000000") < 0.1
    assert set(care[month["PRS_NAT"].isin(["7111", "8111"])]) == {"000000"}


def test_long_illness_is_reimbursed_in_full(month: DataFrame, masked: Flags) -> None:
    ill = month["EXO_MTF"].isin([str(code) for code in range(41, 47)])
    assert set(month.loc[ill, "PRS_REM_TAU"]) == {"100"}
    assert within(month["PRS_REM_TAU"] == "100", 52, 3)
    visible = month.loc[~masked, "EXO_MTF"]
    assert within(visible == "0", 36, 5)
    assert within(visible == "42", 22, 3)


def test_usual_rates_are_those_of_the_acts(month: DataFrame) -> None:
    plain = month[(month["EXO_MTF"] == "0") & (month["MTM_NAT"] == "0") & (month["PRS_REM_TYP"] == "0")]
    for act, rates in {"1111": {"70", "30"}, "3111": {"60"}, "3313": {"65"}, "3312": {"30"}, "4214": {"65"}}.items():
        assert set(plain.loc[plain["PRS_NAT"] == act, "PRS_REM_TAU"]) == rates, act
    outside = month["PRS_PDS_QCP"].isin(["22", "23", "24"])
    consultation = (month["PRS_NAT"] == "1111") & (month["PRS_REM_TAU"] == "30") & (month["PRS_REM_TYP"] == "0")
    assert outside[consultation].all()


def test_coefficient_is_the_quantity_except_for_lettered_acts(month: DataFrame, hundredths: DataFrame) -> None:
    same = hundredths["PRS_ACT_COG"] == hundredths["PRS_ACT_QTE"]
    assert within(same, 82, 3)
    plain = [str(act.code) for act in acts() if act.coefficient == "one"]
    assert same[month["PRS_NAT"].isin(plain)].all()
    fractional = hundredths["PRS_ACT_COG"] % 100 != 0
    assert set(month.loc[fractional, "PRS_NAT"]) >= {"3111", "3125", "3132"}
    counted = month["PRS_ACT_NBR"] != ""
    assert within((month["PRS_ACT_NBR"] == month["PRS_ACT_QTE"])[counted], 81, 3)


def test_cancellations_exist_in_every_family_and_empty_cells_too(month: DataFrame, hundredths: DataFrame) -> None:
    cancelled = hundredths["PRS_PAI_MNT"] < 0
    assert within(cancelled, 0.78, 0.15)
    assert month.loc[cancelled, "PRS_NAT"].str[:2].nunique() > 10
    measures = [f"{side}_{name}" for side in ("PRS", "FLT") for name in MEASURES if name != "ACT_NBR"]
    assert ((hundredths.loc[cancelled, measures] <= 0) | hundredths.loc[cancelled, measures].isna()).all(axis=None)
    empty = month["PRS_ACT_QTE"] == "0"
    assert within(empty, 0.25, 0.1)
    assert (hundredths.loc[empty, measures] == 0).all(axis=None)


def test_quantiles_of_reimbursements_have_the_shape_of_the_public_months(hundredths: DataFrame) -> None:
    amounts = hundredths["PRS_REM_MNT"].to_numpy(dtype=np.int64) / 100
    low, median, high = np.quantile(amounts, [0.25, 0.5, 0.75])
    assert 0.5 < low < 2.5
    assert 7 < median < 17
    assert 40 < high < 70
    assert 200 < amounts.mean() < 450
    assert amounts.std() > 1_000


def test_mean_by_age_follows_the_extract(tmp_path: Path) -> None:
    report = month_file(tmp_path / "A201612.parquet", rows=400_000)
    expected = {0: 250.13, 20: 156.64, 30: 310.74, 40: 273.44, 50: 346.22, 60: 384.80, 70: 324.00, 80: 340.49}
    for age, mean in expected.items():
        assert 0.6 < float(report.answer[age]) / report.rows_by_age[age] / mean < 1.6, age


def test_acts_come_with_the_shares_of_their_families(month: DataFrame) -> None:
    expected = {"33": 23, "31": 14, "19": 14, "35": 11, "13": 7, "32": 5, "14": 4, "18": 3, "42": 2.5}
    found = month["PRS_NAT"].str[:2].value_counts(normalize=True).mul(100)
    assert all(abs(found[family] - percent) < 2 for family, percent in expected.items())
    assert set(month["PRS_NAT"]) == {str(act.code) for act in acts()}


def test_places_agree_with_the_home_of_the_beneficiary(month: DataFrame) -> None:
    known = (month["ORG_CLE_REG"] != "99") & (month["BEN_RES_REG"] != "99")
    assert within((month["ORG_CLE_REG"] == month["BEN_RES_REG"])[known], 92.5, 1)
    assert within(month["ORG_CLE_REG"] == "99", 10.5, 1.5)
    assert within(month["EXE_INS_REG"] == "99", 16, 3)
    assert within(month["EXE_INS_REG"] == month["BEN_RES_REG"], 75, 4)
