"""The 55 columns of an Open DAMIR file of the years 2015 to 2023, and how to type them.

Source: header line of the public files ``A201501`` to ``A202307`` and the dictionary of the variables of the series
Open DAMIR published by the CNAM (2025 edition).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATOR = ";"

AGE = "AGE_BEN_SNDS"
AMOUNT = "PRS_REM_MNT"

COLUMNS: tuple[str, ...] = (
    "FLX_ANN_MOI", "ORG_CLE_REG", "AGE_BEN_SNDS", "BEN_RES_REG", "BEN_CMU_TOP", "BEN_QLT_COD", "BEN_SEX_COD",
    "DDP_SPE_COD", "ETE_CAT_SNDS", "ETE_REG_COD", "ETE_TYP_SNDS", "ETP_REG_COD", "ETP_CAT_SNDS", "MDT_TYP_COD",
    "MFT_COD", "PRS_FJH_TYP", "PRS_ACT_COG", "PRS_ACT_NBR", "PRS_ACT_QTE", "PRS_DEP_MNT", "PRS_PAI_MNT",
    "PRS_REM_BSE", "PRS_REM_MNT", "FLT_ACT_COG", "FLT_ACT_NBR", "FLT_ACT_QTE", "FLT_PAI_MNT", "FLT_DEP_MNT",
    "FLT_REM_MNT", "SOI_ANN", "SOI_MOI", "ASU_NAT", "ATT_NAT", "CPL_COD", "CPT_ENV_TYP", "DRG_AFF_NAT",
    "ETE_IND_TAA", "EXO_MTF", "MTM_NAT", "PRS_NAT", "PRS_PPU_SEC", "PRS_REM_TAU", "PRS_REM_TYP", "PRS_PDS_QCP",
    "EXE_INS_REG", "PSE_ACT_SNDS", "PSE_ACT_CAT", "PSE_SPE_SNDS", "PSE_STJ_SNDS", "PRE_INS_REG", "PSP_ACT_SNDS",
    "PSP_ACT_CAT", "PSP_SPE_SNDS", "PSP_STJ_SNDS", "TOP_PS5_TRG",
)  # fmt: skip

HEADER = SEPARATOR.join(COLUMNS) + SEPARATOR
"""The first line of a file, without its line end; like every line it ends with a separator."""
CSV_HEADER = f"{HEADER}\n".encode()

NULLABLE: frozenset[str] = frozenset({"PRS_ACT_NBR", "FLT_ACT_NBR"})
"""The only two columns that are ever empty (schemes that do not send the number of acts)."""

DECIMALS: frozenset[str] = frozenset(
    {
        "PRS_ACT_COG", "PRS_DEP_MNT", "PRS_PAI_MNT", "PRS_REM_BSE", "PRS_REM_MNT", "PRS_REM_TAU",
        "FLT_ACT_COG", "FLT_PAI_MNT", "FLT_DEP_MNT", "FLT_REM_MNT",
    }
)  # fmt: skip
"""Amounts (euros), coefficients and the rate (percent): at most two decimals, an integer when they are whole."""

COUNTS: frozenset[str] = frozenset({"PRS_ACT_NBR", "PRS_ACT_QTE", "FLT_ACT_NBR", "FLT_ACT_QTE"})
"""Numbers of acts: integers of any size, negative for a cancellation."""

ZERO_PADDED: dict[str, int] = {"SOI_ANN": 4, "SOI_MOI": 2}
"""The two columns written with a fixed number of digits, and this number."""


def pandas_dtypes() -> dict[str, str]:
    """Return the ``dtype`` argument of ``pandas.read_csv`` that reads every column without guessing.

    Codes are ``int16`` (``int32`` for the month of treatment), numbers of acts ``int32`` (``Int32``, which has a
    missing value, for the two that can be empty), amounts, coefficients and rates ``float64``. Read with
    ``usecols=COLUMNS``, or the trailing separator of each line makes a 56th column.
    """
    return {name: _pandas_dtype(name) for name in COLUMNS}


def _pandas_dtype(name: str) -> str:
    if name in DECIMALS:
        return "float64"
    if name in NULLABLE:
        return "Int32"
    return "int32" if name in COUNTS or name == "FLX_ANN_MOI" else "int16"


def arrow_schema() -> pa.Schema:
    """Return the Arrow schema of the Parquet file: the types of ``pandas_dtypes``, two fields nullable."""
    import pyarrow as pa

    return pa.schema(
        [pa.field(name, pa.type_for_alias(_pandas_dtype(name).lower()), nullable=name in NULLABLE) for name in COLUMNS]
    )
