"""The table of merged providers in a pack of factors: what it may hold, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tariff.packs.lint import lint
from tariff.packs.read import read_pack
from tests.packs.conftest import WritePack

HEADER = "old,new,from,source,evidence\n"


def pack_with(write_pack: WritePack, rows: str) -> Path:
    return write_pack(
        "mine",
        "mff",
        "factors: factors.csv\nproviders: providers.csv\nsuccessors: successors.csv\n",
        {
            "factors.csv": "provider,year,mff\nR1C,2022/23,1.1\n",
            "providers.csv": "provider,name\nR1C,Third\n",
            "successors.csv": HEADER + rows,
        },
    )


def codes_of(folder: Path) -> list[tuple[str, int]]:
    pack, problems = read_pack(folder)
    found = [*problems, *(lint([pack], date(2026, 2, 1)) if pack else [])]
    return [(problem.code, problem.line) for problem in found if problem.severity == "error"]


def test_one_merger_may_follow_another(write_pack: WritePack) -> None:
    rows = "R1A,R1B,2019-04-01,made up,S\nR1B,R1C,2021-10-01,made up,K\n"
    assert codes_of(pack_with(write_pack, rows)) == []


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        ("R1A,R1A,2020-04-01,made up,S\n", [("PK425", 2)]),
        (
            "R1A,R1B,2020-04-01,made up,S\nR1B,R1A,2021-04-01,made up,S\n",
            [("PK425", 2), ("PK425", 3)],
        ),
        ("R1A,R1C,2020-04-01,made up,S\nR1A,R1B,2021-04-01,made up,S\n", [("PK202", 3)]),
        ("R1A,R1C,2021-02-29,made up,S\n", [("PK203", 2)]),
        ("R1A,R1C,1 April 2021,made up,S\n", [("PK203", 2)]),
        ("R1A,,2021-04-01,made up,S\n", [("PK203", 2)]),
    ],
)
def test_a_merger_that_cannot_be(
    write_pack: WritePack, rows: str, problems: list[tuple[str, int]]
) -> None:
    assert codes_of(pack_with(write_pack, rows)) == problems
