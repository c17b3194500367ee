"""Laws of the pieces of the generator: text of amounts, tables of outcomes, quantiles, segments."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.generator.encoding import USUAL_COUNTS, USUAL_HUNDREDTHS, Places, pieces, zeroed
from course.generator.layout import hundredths_text, layout
from course.generator.quantities import ONE, QUANTITIES, SPREADS, lognormal_quantiles
from course.generator.random_stream import apportion, draw_lanes, outcome_table, raw_words
from course.generator.schema import COLUMNS, DECIMALS, HEADER, arrow_schema, pandas_dtypes

ORACLE = re.compile(r"0|-?(?:[1-9]\d*)?\.\d?[1-9]|-?[1-9]\d*")
HUNDREDTHS = st.integers(-(10**12), 10**12)
EDGES = [bound + step for usual in (USUAL_HUNDREDTHS, USUAL_COUNTS) for bound in (usual.start, usual.stop)
         for step in (-1, 0, 1)]  # fmt: skip
COLUMN = st.lists(st.one_of(HUNDREDTHS, st.integers(-6_000, 6_000), st.sampled_from(EDGES)), min_size=1)


@given(HUNDREDTHS)
def test_text_of_an_amount_gives_it_back_without_a_useless_zero(number: int) -> None:
    assert Decimal(hundredths_text(number)) * 100 == number
    assert ORACLE.fullmatch(hundredths_text(number))


@pytest.mark.parametrize(
    ("number", "text"), [(51, ".51"), (-50, "-.5"), (440, "4.4"), (7_000, "70"), (0, "0"), (-1, "-.01"), (3220, "32.2")]
)
def test_amounts_are_written_as_in_the_public_files(number: int, text: str) -> None:
    assert hundredths_text(number) == text


@given(COLUMN, COLUMN)
def test_columns_of_a_block_share_one_table_and_have_the_text_of_each(amounts: list[int], counts: list[int]) -> None:
    places = Places()
    first = places.hundredths(np.array(amounts, dtype=np.int64))
    second = places.counts(np.array(counts, dtype=np.int64))
    assert places.texts().take(first).to_pylist() == [hundredths_text(number) + ";" for number in amounts]
    assert places.texts().take(second).to_pylist() == [f"{number};" for number in counts]


def test_zero_replaces_a_number_and_an_empty_field() -> None:
    table, places = pieces(), Places()
    found = places.counts(np.array([7, 8, 90_000], dtype=np.int64))
    found[0] = table.empty
    assert places.texts().take(found).to_pylist() == [";", "8;", "90000;"]
    kept = zeroed(found, table.zero_count, np.array([False, True, True]))
    assert places.texts().take(kept).to_pylist() == ["0;", "8;", "90000;"]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40).filter(any), st.integers(1, 70_000))
def test_shares_add_up_and_stay_within_one_of_the_exact_ones(weights: list[int], places: int) -> None:
    shares = apportion(weights, places)
    assert sum(shares) == places
    assert all(abs(share - weight * places / sum(weights)) < 1 for share, weight in zip(shares, weights, strict=True))


def test_a_table_of_outcomes_gives_each_its_share() -> None:
    assert np.bincount(outcome_table([1, 0, 3])).tolist() == [16_384, 0, 49_152]


def test_the_random_stream_is_pcg64_as_published() -> None:
    # first words of numpy's PCG64 seeded by SeedSequence([2016, 12]); a change of stream would change every file
    assert raw_words(2016, 12, 2).tolist() == [18101342320630840084, 6751561487126582379]


def test_draws_are_uniform_independent_of_each_other_and_of_the_machine() -> None:
    lanes = draw_lanes(1, 0, 65_536, 6)
    raw = raw_words(1, 0, 65_536 * 2)
    assert [int(lane[5]) for lane in lanes[:4]] == [int(raw[5]) >> shift & 0xFFFF for shift in (0, 16, 32, 48)]
    for lane in lanes:
        counts = np.bincount(lane >> 8, minlength=256)
        chi_square = float(((counts - 256) ** 2 / 256).sum())
        assert 170 < chi_square < 350
    correlations = np.corrcoef(np.array(lanes, dtype=float))
    assert np.abs(correlations - np.eye(6)).max() < 0.02


@pytest.mark.parametrize(
    ("scale", "sigma"), [*QUANTITIES.values(), *((ONE, spread) for spread in SPREADS.values() if spread)]
)
def test_no_quantile_is_so_near_a_tie_that_a_last_bit_could_move_it(scale: float, sigma: float) -> None:
    values = np.array(lognormal_quantiles(scale, sigma))
    distance = np.abs(values % 1 - 0.5) / values
    assert distance.min() > 1e-12


def test_segments_and_numbers_are_the_columns_in_file_order() -> None:
    names = [name for segment in layout().values() for name in segment.columns]
    amounts = {"PRS_DEP_MNT", "PRS_PAI_MNT", "PRS_REM_BSE", "PRS_REM_MNT"}
    assert names == [name for name in COLUMNS if not name.startswith(("PRS_ACT", "FLT_")) and name not in amounts]


def test_a_combination_of_a_segment_has_the_text_of_its_codes() -> None:
    for segment in layout().values():
        for row in (0, len(segment.text) // 3, len(segment.text) - 1):
            fields = segment.text[row].as_py().rstrip("\n").rstrip(";").split(";")
            factors = [100 if name in DECIMALS else 1 for name in segment.columns]
            values = [Decimal(field) * factor for field, factor in zip(fields, factors, strict=True)]
            assert values == segment.codes[row].tolist()


def test_the_schema_names_55_columns_and_types_them_all() -> None:
    assert len(COLUMNS) == len(set(COLUMNS)) == 55
    assert ";".join(COLUMNS) + ";" == HEADER
    assert list(pandas_dtypes()) == list(COLUMNS) == arrow_schema().names
    assert pandas_dtypes()["PRS_ACT_NBR"] == "Int32"
    assert str(arrow_schema().field("PRS_REM_MNT").type) == "double"
