"""How spells are assembled, their days, and what counts as billed (docs/grouping.md, money.md)."""

from __future__ import annotations

from datetime import date
from itertools import combinations, permutations

import pytest

from tariff.engine.run import Run
from tests.engine.extracts import (
    DZ11T,
    Row,
    as_csv,
    bill,
    found,
    one,
    run,
    spell,
    stay,
)


def two(first: Row | None = None, last: Row | None = None) -> list[Row]:
    """A spell of two episodes: three days and four."""
    early = {"episode_start_date": "2022-05-03", "episode_end_date": "2022-05-06"}
    late = {"episode_start_date": "2022-05-06", "episode_end_date": "2022-05-10"}
    return [
        stay(episode_order="1", **early, **(first or {})),
        stay(episode_order="2", **late, **(last or {})),
    ]


def wards(done: Run) -> list[str]:
    """Treatment functions of the episodes in the order they stand in."""
    assert done.episodes is not None
    return done.episodes["treatment_function"].to_pylist()


# ---------------------------------------------------------------- which rows make a spell


def test_rows_in_any_order_give_the_same_bytes() -> None:
    rows = [
        *two({"diag_02": "E119"}, {"diag_01": "N390", **DZ11T}),
        stay(spell_id="B", patient_id="P2"),
        stay(spell_id="A", provider="RRV", patient_id="P3", **bill("DZ11U", "2538.00", "1.214699")),
    ]
    outcomes = set()
    for order in permutations(rows):
        done = run(*order, keep=True)
        assert done.episodes is not None
        outcomes.add(tuple(as_csv(t) for t in (done.spells, done.findings, done.episodes)))
    assert len(outcomes) == 1


def test_a_spell_is_provider_and_number() -> None:
    done = run(stay(), stay(provider="RRV"), stay(spell_id="B"))
    keys = [(s["provider"], s["spell_id"], s["episodes"]) for s in done.spells.to_pylist()]
    assert keys == [("R1H", "A", 1), ("R1H", "B", 1), ("RRV", "A", 1)]


def test_episodes_stand_by_number_and_those_without_one_last() -> None:
    numbers = {"": "100", "10": "101", "2": "300", "1": "301"}
    rows = [stay(episode_order=n, treatment_function=f) for n, f in numbers.items()]
    assert wards(run(*rows, keep=True)) == ["301", "300", "101", "100"]


def test_an_episode_number_used_twice_is_an_error_of_the_spell() -> None:
    rows = [stay(episode_duration="3"), stay(episode_duration="4")]
    for order in (rows, rows[::-1]):
        done = run(*order, keep=True)
        assert done.episodes is not None
        # both stay, in the order of their contents
        assert done.episodes["stay"].to_pylist() == [3, 4]
        assert done.episodes["error_category"].to_pylist() == ["spell", "spell"]
        assert (spell(done)["hrg"], spell(done)["error_category"]) == ("UZ01Z", "spell")
        assert spell(done)["grouping_flag"] == "U"


def test_exact_copies_are_set_aside_before_the_spell_is_made() -> None:
    row = stay(episode_duration="7", **DZ11T)
    done = run(row, row, row)
    record = spell(done)
    assert (record["episodes"], record["duplicate_rows"]) == (1, 2)
    assert record["error_category"] is None  # the number is not used twice
    assert done.manifest["counts"]["rows_read"] == 3
    assert done.manifest["counts"]["episodes"] == 1
    assert done.manifest["counts"]["duplicate_rows"] == 2


def test_rows_that_differ_in_any_field_are_no_copies() -> None:
    done = run(stay(ward="W1", **DZ11T), stay(ward="W2", **DZ11T))
    assert (spell(done)["episodes"], spell(done)["duplicate_rows"]) == (2, 0)


def test_copies_are_found_beside_other_rows_of_the_same_number() -> None:
    first, other = stay(ward="W1"), stay(ward="W2")
    for places in combinations(range(5), 2):
        rows = [other if place in places else first for place in range(5)]
        record = spell(run(*rows))
        assert (record["episodes"], record["duplicate_rows"]) == (2, 3)


def test_a_blank_cell_and_an_absent_one_are_the_same() -> None:
    assert spell(run(stay(ward=""), stay()))["duplicate_rows"] == 1


# ---------------------------------------------------------------- attributes


def test_attributes_at_admission_are_those_of_the_first_episode() -> None:
    done = run(
        *two(
            {"age": "60", "treatment_function": "300", "site": "S1", "diag_01": "J181"},
            {"age": "61", "treatment_function": "301", "site": "S2", "diag_01": "N390"},
        )
    )
    record = spell(done)
    assert (record["age"], record["treatment_function"], record["site"]) == (60, "300", "S1")


def test_method_source_and_classification_come_from_the_first_even_where_blank() -> None:
    names = ("admission_method", "admission_source", "patient_classification")
    record = spell(run(*two(dict.fromkeys(names, ""), {})))
    assert [record[name] for name in names] == [None, None, None]


def test_attributes_at_discharge_are_those_of_the_last_episode() -> None:
    rows = two({"discharge_destination": "51"}, {"discharge_destination": "19"})
    record = spell(run(*rows[::-1]))
    assert record["discharge_destination"] == "19"
    rows = two({"discharge_method": "1"}, {"discharge_method": "4"})
    assert spell(run(*rows))["discharge_method"] == "4"


def test_dates_are_the_first_and_the_last_that_are_there() -> None:
    middle = stay(episode_order="3", admission_date="2022-05-01", discharge_date="2022-05-20")
    rows = [
        stay(episode_order="1", admission_date="", discharge_date=""),
        stay(episode_order="2", admission_date="2022-05-03", discharge_date="2022-05-10"),
        middle,
        stay(episode_order="4", admission_date="2022-04-01", discharge_date=""),
    ]
    record = spell(run(*rows))
    assert record["admission_date"] == date(2022, 5, 3)
    assert record["discharge_date"] == date(2022, 5, 20)
    assert record["spell_days"] == 17


# ---------------------------------------------------------------- days


def test_spell_days_are_discharge_less_admission_whatever_the_durations() -> None:
    assert spell(run(stay(episode_duration="3")))["spell_days"] == 7


def test_without_dates_the_durations_are_summed() -> None:
    no_dates = {"admission_date": "", "discharge_date": ""}
    rows = [
        stay(episode_order="1", episode_duration="3", **no_dates),
        # a missing duration is taken from the dates of the episode: 4 days
        stay(
            episode_order="2",
            episode_start_date="2022-05-06",
            episode_end_date="2022-05-10",
            **no_dates,
        ),
    ]
    assert spell(run(*rows, year="2022/23"))["spell_days"] == 7


def test_one_unknown_duration_makes_the_sum_unknown() -> None:
    no_dates = {"admission_date": "", "discharge_date": ""}
    rows = [
        stay(episode_order="1", episode_duration="3", **no_dates),
        stay(episode_order="2", **no_dates),
    ]
    assert spell(run(*rows, year="2022/23"))["spell_days"] is None


@pytest.mark.parametrize(
    ("values", "days"),
    [
        ({"episode_duration": "5"}, 5),  # as given
        ({"episode_start_date": "2022-05-04", "episode_end_date": "2022-05-10"}, 6),
        ({}, 7),  # from the dates of a spell of one episode
        ({"admission_date": ""}, None),
    ],
)
def test_the_stay_of_an_episode(values: Row, days: int | None) -> None:
    done = run(stay(**values), keep=True)
    assert done.episodes is not None
    assert done.episodes["stay"].to_pylist() == [days]


def test_days_off_are_summed_and_taken_once_on_the_spell() -> None:
    # 7 days, of which 5 + 1 in critical care on an episode of 3 days, and 1 of rehabilitation:
    # 7 - 7 = 0 on the spell; by episode it would be max(3 - 6, 0) + (4 - 1) = 3
    done = run(
        *two({"critical_care_days": "6"}, {"rehabilitation_days": "1"}),
        keep=True,
    )
    record = spell(done)
    assert (record["critical_care_days"], record["rehabilitation_days"]) == (6, 1)
    assert record["adjusted_days"] == 0
    # the grouper's own stay is the sum of the episodes' stays
    assert done.episodes is not None
    assert done.episodes["stay"].to_pylist() == [0, 3]


def test_adjusted_days_are_not_below_nothing() -> None:
    record = spell(run(stay(critical_care_days="5", palliative_care_days="4")))
    assert (record["spell_days"], record["adjusted_days"]) == (7, 0)


def test_a_blank_number_of_days_takes_nothing_off() -> None:
    record = spell(run(stay(critical_care_days="", rehabilitation_days="2")))
    assert (record["adjusted_days"], record["critical_care_days"]) == (5, 0)


# ---------------------------------------------------------------- billed


@pytest.mark.parametrize(
    ("values", "pence"),
    [
        # 1. the total, whatever else is there
        ({"billed_total": "500.00", "billed_price": "100.00", "billed_mff": "1.2"}, 50000),
        ({"billed_total": "0.00", "billed_price": "100.00"}, 0),
        # 2. price and amount, before a factor
        (
            {"billed_price": "100.00", "billed_mff_amount": "7.25", "billed_mff": "1.2"},
            10725,
        ),
        # 3. price x factor, half up to the penny: 1.05 x 1.1 = 1.155
        ({"billed_price": "1.05", "billed_mff": "1.1"}, 116),
        ({"billed_price": "1.04", "billed_mff": "1.1"}, 114),  # 1.144
        # 4. the price alone
        ({"billed_price": "100.00"}, 10000),
        # an amount or a factor alone is no bill
        ({"billed_mff_amount": "7.25"}, None),
        ({"billed_mff": "1.2", "billed_hrg": "DZ11T"}, None),
    ],
)
def test_what_counts_as_billed(values: Row, pence: int | None) -> None:
    done = run(stay(**values), rules=False)
    assert spell(done)["billed_pence"] == pence
    assert done.manifest["money"]["billed"] == (pence or 0)


def test_billed_money_is_that_of_the_last_row_that_carries_it() -> None:
    rows = [
        stay(episode_order="1", **bill("DZ11T", "3101.00", billed_excess_days="9")),
        stay(episode_order="2", **bill("DZ11U", "2538.00", billed_excess_days="1")),
        stay(episode_order="3", billed_mff="1.5"),
    ]
    for order in permutations(rows):
        done = run(*order, rules=False)
        record = spell(done)
        # 2,538 x 1.171131 = 2,972.33, once
        assert (record["billed_price_pence"], record["billed_total_pence"]) == (253800, 297233)
        assert (record["billed_excess_days"], str(record["billed_mff"])) == (1, "1.171131000")
        assert done.manifest["money"]["billed"] == 297233


def test_a_last_row_billed_at_nothing_is_the_one() -> None:
    rows = [
        stay(episode_order="1", **DZ11T),
        stay(episode_order="2", billed_total="0.00"),
    ]
    assert spell(run(*rows, rules=False))["billed_pence"] == 0


def test_an_exact_copy_of_the_row_that_carries_the_money_is_billed_again() -> None:
    # 3,101 x 1.171131 = 3,631.68, three times
    row = stay(**DZ11T)
    done = run(row, row, row)
    money = done.manifest["money"]
    assert (money["billed"], money["billed_in_copies"]) == (3 * 363168, 2 * 363168)
    assert (money["settled"], money["allowed"]) == (2 * 363168, 363168)
    assert one(done, "DUP01")["settled_pence"] == 2 * 363168
    assert spell(done)["billed_pence"] == spell(done)["allowed_pence"] == 363168


def test_a_copy_of_another_row_bills_nothing_again() -> None:
    rows = two({}, DZ11T)
    done = run(*rows, rows[0])
    assert done.manifest["money"]["billed"] == 363168
    assert done.manifest["money"]["billed_in_copies"] == 0
    finding = one(done, "DUP01")
    assert (finding["billed_pence"], finding["value_pence"], finding["settled_pence"]) == (0, 0, 0)
    assert "no billed money" in finding["note"]


def test_a_copy_of_an_earlier_row_with_money_bills_nothing_again() -> None:
    """The spell is billed once, from the last row: an earlier bill does not count, nor its copy."""
    rows = two(bill("DZ11U", "2538.00"), DZ11T)
    done = run(*rows, rows[0])
    assert done.manifest["money"]["billed"] == 363168


def test_billed_before_the_factor_everything_is_compared_before_it() -> None:
    # the price alone is billed, 3,861; the list says 3,101: 760.00, and no factor anywhere
    done = run(stay(billed_hrg="DZ11T", billed_price="3861.00"))
    finding = one(done, "PRC01")
    assert (finding["billed_pence"], finding["allowed_pence"]) == (386100, 310100)
    assert finding["value_pence"] == finding["settled_pence"] == 76000
    assert found(done) == [finding]


def test_month_and_statement_come_with_the_money() -> None:
    rows = two(
        {"activity_month": "2022-04", "statement": "flex"},
        {"activity_month": "2022-05", "statement": "freeze", **DZ11T},
    )
    later = stay(episode_order="3", activity_month="2022-06")
    record = spell(run(*rows, later, rules=False))
    assert (record["activity_month"], record["statement"]) == ("2022-05", "freeze")


def test_rows_of_a_spell_whose_billed_money_differs_are_told() -> None:
    rows = [
        stay(episode_order="1", billed_total="100.00"),
        stay(episode_order="2", billed_total="200.00"),
        stay(spell_id="B", episode_order="1", billed_total=""),
        stay(spell_id="B", episode_order="2", billed_total="200.00"),
    ]
    notices = run(*rows).manifest["notices"]
    assert any("whose rows carry different billed money: 1." in text for text in notices)


def test_any_number_of_serial_numbers_stay_apart() -> None:
    rows = [
        stay(spell_id=f"S{n}", patient_id="", commissioning_serial_number=f"N{n}")
        for n in range(65_600)
    ]
    rows += [stay(spell_id="last", commissioning_serial_number=f"M{n}") for n in range(2)]
    done = run(*rows, rules=False)
    assert done.manifest["counts"]["duplicate_rows"] == 0
