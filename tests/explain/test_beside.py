"""What the page of a spell says of exclusion, best practice, payments and dated periods."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Explain, section, squeezed

STEPS = "Price: step by step"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            {"treatment_function": "424"},
            "episode 1 (treatment function 424, healthy baby, cost in the delivery)",
        ),
        (
            {"administrative_category": "02"},
            "episode 1 (administrative category 02, private patient)",
        ),
        (
            {"commissioning_serial_number": "A1="},
            "episode 1 (serial number with the mark =)",
        ),
    ],
)
def test_an_exclusion_names_the_episode_and_the_reason(
    explain: Explain, values: dict[str, str], reason: str
) -> None:
    steps = squeezed(section(explain("S1", rows=[values]), STEPS))
    assert f"Exclusion every episode {reason}" in steps
    assert "the local price path" in steps


def test_of_several_episodes_the_excluded_ones_are_named(explain: Explain) -> None:
    rows = [{}, {"episode_order": 2, "treatment_function": "319"}]
    steps = squeezed(section(explain("S1", rows=rows), STEPS))
    assert "some episodes episode 2 (treatment function 319, respite care)" in steps
    assert "episode 1" not in steps


STROKE = {"billed_hrg": "AA35A", "diag_01": "I639"}


def test_payments_are_told_one_by_one_with_their_sum(explain: Explain) -> None:
    row = {**STROKE, "best_practice_payments": "IMAGING ALTEPLASE"}
    steps = squeezed(section(explain("S1", rows=[row]), STEPS))
    assert "Payment IMAGING £438.00 Acute stroke care: Rapid brain imaging" in steps
    assert "Payment ALTEPLASE £921.00 Acute stroke care: Alteplase" in steps
    assert "Best practice payments £1,359.00 sum of the payments" in steps
    assert "STROKE_UNIT" not in steps


def test_a_best_practice_price_that_is_the_list_price_replaces_nothing(explain: Explain) -> None:
    steps = squeezed(section(explain("S1", rows=[{**STROKE, "billed_hrg": "EB03A"}]), STEPS))
    assert "as the list price" in steps
    assert "in place of" not in steps
    ketoacidosis = {**STROKE, "billed_hrg": "KB01C", "best_practice_flags": "BP52"}
    assert "in place of £" in squeezed(section(explain("S1", rows=[ketoacidosis]), STEPS))


def test_grouping_goes_by_counts_and_price_by_periods(explain: Explain, tmp_path: Path) -> None:
    periods = tmp_path / "periods.csv"
    periods.write_text(
        "provider,spell_id,kind,start_date,end_date\nR1H,S1,critical_care,2022-05-02,2022-05-03\n"
    )
    row = {"critical_care_days": 4}
    sentence = (
        "The grouping goes by the counts of the episodes; the price goes by the dated periods"
    )
    page = explain("S1", "--periods", str(periods), rows=[row])
    assert sentence in squeezed(section(page, "Stay"))
    assert sentence not in squeezed(explain("S1", rows=[row]))
