"""The sample of the national grouper: 90 % grouped and 10 % in error, as its manual says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tariff.engine.pipeline import Stages, read_frame, run_stages
from tariff.engine.tables import episodes_table, spells_table
from tariff.extract import open_extract
from tests.engine.extracts import shipped
from tests.engine.grouped import YEAR

pytestmark = pytest.mark.reference_data

Rows = list[dict[str, Any]]


@pytest.fixture
def sample(reference_data: Path) -> tuple[Rows, Rows]:
    """The episodes and the spells of the sample."""
    extract = open_extract(reference_data / "APC_Sample_Test_Data.csv")
    frame = read_frame(extract.batches(), extract.fields)
    columns = run_stages(shipped(), frame, Stages(YEAR)).columns
    return episodes_table(columns).to_pylist(), spells_table(columns).to_pylist()


def test_one_episode_in_ten_is_in_error_each_in_its_category(sample: tuple[Rows, Rows]) -> None:
    episodes, spells = sample
    categories = Counter(row["error_category"] for row in episodes)
    assert categories == {None: 677, "field": 56, "spell": 12, "UZ01": 7}
    assert len(episodes) - categories[None] == 75
    assert f"{75 / len(episodes):.2%}" == "9.97%"
    retired = [row for row in episodes if row["diagnoses"][:1] == ["N180"]]
    assert [row["error_category"] for row in retired] == ["field"] * 41
    cascaded = Counter(row["error_category"] for row in spells)
    assert cascaded == {None: 453, "field": 14, "UZ01": 7, "spell": 4}


def test_an_episode_in_error_has_the_hrg_of_errors_and_only_such_a_one(
    sample: tuple[Rows, Rows],
) -> None:
    for rows in sample:
        for row in rows:
            in_error = row["error_category"] is not None
            assert (row["hrg"] == "UZ01Z") == in_error
            assert (row["grouping_flag"] == "U") == in_error


def test_all_others_are_mapped_and_few_lack_an_hrg(sample: tuple[Rows, Rows]) -> None:
    """The lists of three subchapters are not held: 21 of 677 episodes (3.1 %), 17 of 453 spells."""
    episodes, spells = sample
    reasons = [Counter(row["group_reason"] for row in rows) for rows in sample]
    assert reasons == [{None: 731, "cc_list_not_held": 21}, {None: 461, "cc_list_not_held": 17}]
    assert sum(row["hrg"] is None for row in episodes) == 21
    assert sum(row["hrg"] is None for row in spells) == 17


def test_what_drives(sample: tuple[Rows, Rows]) -> None:
    """D diagnosis, P procedure, G a day of one service, B burns, M multiple trauma, U error."""
    flags = [Counter(row["grouping_flag"] for row in rows) for rows in sample]
    assert flags[0] == {"D": 431, "P": 223, "U": 75, "G": 19, "B": 2, "M": 2}
    assert flags[1] == {"D": 231, "P": 199, "U": 25, "G": 19, "B": 2, "M": 2}
