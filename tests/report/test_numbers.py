"""Numbers as people read them, and the axes on which they stand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_modern.report._numbers import (
    decimals_for,
    duration,
    fixed,
    p_value,
    percent,
    short,
    signed,
    span,
)
from sklearn_modern.report._scales import Scale, limits_without_outliers

MINUS, DASH, GAP = "\N{MINUS SIGN}", "\N{EN DASH}", "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (fixed(1234.5, 1), "1,234.5"),
        (fixed(-0.4219, 2), f"{MINUS}0.42"),
        (fixed(0.00012, 2), f"1.20e{MINUS}4"),
        (fixed(0.0, 2), "0.00"),
        (fixed(None, 2), DASH),
        (fixed(math.nan, 2), DASH),
        (fixed(-math.inf, 2), f"{MINUS}infinite"),
        (signed(0.034, 2), "+0.03"),
        (signed(-0.001, 2), "0.00"),
        (signed(0.001, 2), "0.00"),
        (signed(-2e12, 2), f"{MINUS}2.00e12"),
        (short(0.000012), f"1.20e{MINUS}5"),
        (short(-28739.4), f"{MINUS}28,739"),
        (short(0.5), "0.5"),
        (short(1000), "1,000"),
        (span([0.4, 0.45], 2), "0.40 to 0.45"),
        (span([-0.4, 0.45], 1, sign=True), f"{MINUS}0.4 to +0.5"),
        (span([None, 0.45], 1), DASH),
        (span(None, 1), DASH),
        (percent(0), f"0{GAP}%"),
        (percent(0.0004), f"< 0.1{GAP}%"),
        (percent(0.9996), f"> 99.9{GAP}%"),
        (percent(0.0432), f"4.3{GAP}%"),
        (percent(0.9), f"90{GAP}%"),
        (p_value(0.0004), "< 0.001"),
        (p_value(0.0312), "0.031"),
        (p_value(0.5), "0.50"),
        (p_value(0.0996), "0.100"),
        (duration(0.004), f"< 0.01{GAP}s"),
        (duration(9.96), f"10.0{GAP}s"),
        (duration(59.6), f"1{GAP}min"),
        (duration(3599.7), f"1{GAP}h"),
        (duration(7500), f"2{GAP}h 5{GAP}min"),
        (decimals_for([0.025]), 3),
        (decimals_for([345.0, None, 0.0]), 0),
        (decimals_for([1e-30]), 6),
        (decimals_for([]), 3),
    ],
)
def test_written(written, expected):
    assert written == expected


@given(st.lists(st.floats(-1e290, 1e290), max_size=5))
def test_a_scale_holds_its_numbers_and_has_a_few_round_ticks_in_order(numbers):
    scale = Scale.over(numbers)
    assert all(scale.holds(n) and 0 <= scale.place(n) <= 100 for n in numbers)
    ticks = scale.ticks()
    places = [place for place, _ in ticks]
    assert 2 <= len(ticks) <= 8
    assert places == sorted(places)
    assert all(0 <= place <= 100 for place in places)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.38, 0.72, ["0.4", "0.5", "0.6", "0.7"]),
        (0.0, 1.0, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        (-0.3, 0.02, [f"{MINUS}0.3", f"{MINUS}0.2", f"{MINUS}0.1", "0.0"]),
        (0.0, 4.1e6, ["0", "1e6", "2e6", "3e6", "4e6"]),
        (0, 4100, ["0", "1,000", "2,000", "3,000", "4,000"]),
    ],
)
def test_ticks(low, high, expected):
    assert [written for _, written in Scale(low, high).ticks()] == expected


def test_only_what_went_astray_is_left_out():
    models = [(0.42, 0.40, 0.44), (0.68, 0.66, 0.70), (0.681, 0.66, 0.70), (0.69, 0.66, 0.72)]
    assert set(limits_without_outliers(models, 0.69)) >= {0.42, 0.40, 0.68, 0.69, 0.72}
    assert max(limits_without_outliers([*models, (1e6, -1e6, 2e6)], 0.69)) < 1
    assert limits_without_outliers([(0.69, 0.6, 0.7)], 0.69) == [0.69, 0.69, 0.6, 0.7]
    assert limits_without_outliers([(None, None)], 0.69) == [0.69]
