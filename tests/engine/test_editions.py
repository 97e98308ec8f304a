"""Two editions of one year, and factors after mergers: what a run takes, and what it says of it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest

from tariff.cli import main as cli
from tariff.engine.other_outcome import PriceOptions
from tariff.engine.price_other_care import price_records
from tariff.engine.run import Run
from tariff.errors import UsageError
from tariff.extract import from_arrow
from tariff.packs.compile import Rulebook
from tariff.packs.editions import Editions, parsed
from tariff.packs.grouping import Grouper
from tariff.packs.load import LoadedPack, PackSet, load_packs
from tariff.packs.model import TariffPack
from tariff.packs.tables import Table
from tariff.reference.other_tables import other_tables
from tariff.reference.price import price_spell
from tariff.reference.price_tables import price_tables
from tariff.reference.spells import assemble
from tests.engine.extracts import reasons, run, shipped, spell, stay

DZ11T = {"billed_hrg": "DZ11T"}


def edition_with(
    packs: PackSet, of: str, pack_id: str, name: str, prices: Mapping[str, str]
) -> LoadedPack:
    """A list that ships with other prices of some HRGs in every setting, before those that ship."""
    old = packs.by_id(of)
    assert isinstance(old.manifest, TariffPack)
    columns = dict(old.tables["prices"].columns)
    for setting in ("combined", "ordinary_elective", "non_elective"):
        if setting in columns:
            columns[setting] = [
                prices.get(hrg, cell) if cell else cell
                for hrg, cell in zip(columns["hrg"], columns[setting], strict=True)
            ]
    table = Table("prices.csv", columns, old.tables["prices"].lines)
    manifest = replace(old.manifest, id=pack_id, edition=name)
    return replace(old, manifest=manifest, tables={**old.tables, "prices": table}, level=-1)


def edition(packs: PackSet, pack_id: str, name: str, price: str) -> LoadedPack:
    """The prices of 2022/23 with another price of DZ11T."""
    return edition_with(packs, "ntps-2022-23", pack_id, name, {"DZ11T": price})


@pytest.fixture(scope="module")
def packs() -> PackSet:
    held = load_packs()
    april = edition(held, "z-april", "april", "3200")
    award = edition(held, "b-award", "pay award", "3300")
    early = edition(held, "a-early", "consultation", "3000")
    return PackSet((april, award, early, *held))


@cache
def groupers(packs: PackSet) -> list[Grouper]:
    """The groupers of packs, compiled once: editions do not touch them."""
    return Rulebook(packs).groupers


def rulebook_of(packs: PackSet, asked: Editions) -> Rulebook:
    made = Rulebook(packs, asked)
    made.groupers = groupers(packs)
    return made


@pytest.mark.parametrize(
    ("asked", "pack", "total"),
    [
        (Editions(), "b-award", 386473),  # 3,300 x 1.171131: a user's own, no consultation
        (parsed(["2022/23=april"]), "z-april", 374762),
        (parsed(["2022/23=Pay-Award"]), "b-award", 386473),
        (parsed(["2022/23=consultation"]), "a-early", 351339),
        (parsed(["2022/23=final"]), "ntps-2022-23", 363168),
        (parsed([], ["z-april"]), "z-april", 374762),
        (parsed(["2024/25=final"], ["ntps-2022-23"]), "ntps-2022-23", 363168),
    ],
)
def test_the_same_record_under_each_edition(
    packs: PackSet, asked: Editions, pack: str, total: int
) -> None:
    rulebook = rulebook_of(packs, asked)
    done = run(stay(**DZ11T), rulebook=rulebook, rules=False, editions=asked)
    record = spell(done)
    assert (record["tariff"], record["total_pence"]) == (pack, total)
    again = spell(run(stay(**DZ11T), rulebook=rulebook, rules=False, editions=asked))
    assert again == record
    (used,) = [entry for entry in done.manifest["packs"] if entry["kind"] == "tariff"]
    assert (used["id"], used["edition"]) == (pack, edition_of(packs, pack))
    assert done.manifest["options"]["editions"] == dict(asked.by_year)
    # the oracle, told the same
    names = {**dict(asked.by_year), **dict.fromkeys(["2022/23"] if asked.packs else [], pack)}
    used = [p for p in packs if getattr(p.manifest, "year", "2022/23") == "2022/23"]
    tables = price_tables(used, names)
    row = {
        name: date.fromisoformat(text) if name.endswith("_date") else text
        for name, text in stay(**DZ11T).items()
    }
    row |= {"age": int(stay()["age"]), "episode_order": 1, "episode_duration": None}
    price = price_spell(tables, assemble([row])[0], None)
    assert (price.tariff, price.total_pence) == (pack, total)


def edition_of(packs: PackSet, pack_id: str) -> str:
    manifest = packs.by_id(pack_id).manifest
    assert isinstance(manifest, TariffPack)
    return manifest.edition


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        (parsed(["2022/23=may"]), "no edition 'may' of the prices of 2022/23", "'pay award' (pack"),
        (parsed(["2031/32=april"]), "no prices of 2031/32", "2024/25"),
        (parsed([], ["z-aprill"]), "there is no pack 'z-aprill'", "z-april"),
        (parsed([], ["mff-england"]), "of kind mff, not a price list", "ntps-2022-23"),
        (parsed([], ["z-april", "b-award"]), "both 'z-april' and 'b-award'", "one price list"),
        (parsed(["2022/23=april"], ["b-award"]), "both 'z-april' and 'b-award'", "one price list"),
    ],
)
def test_an_edition_that_is_not_held(
    packs: PackSet, asked: Editions, message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        Rulebook(packs, asked)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_year_of_which_nothing_is_held_tells_those_with_admitted_prices() -> None:
    with pytest.raises(UsageError) as caught:
        Rulebook(load_packs(), parsed(["2099/00=final"]))
    assert caught.value.message == "no prices of 2099/00 are held"
    assert caught.value.hint == (
        "admitted prices are held of 2016/17, 2017/18, 2018/19, 2022/23, 2024/25, 2025/26"
    )
    assert parsed(["2025/26=pay-award"]).in_order(load_packs())  # the example of the help is held


@pytest.mark.parametrize("given", ["2022/23", "april", "2022=april", "2022/23="])
def test_an_edition_that_is_none(given: str) -> None:
    with pytest.raises(UsageError, match="is not YEAR=EDITION"):
        parsed([given])
    with pytest.raises(UsageError, match="two editions of 2022/23"):
        parsed(["2022/23=april", "2022/23=final"])


def test_care_that_is_not_admitted_takes_the_edition_too(packs: PackSet) -> None:
    row = {"provider": "R1H", "attendance_id": "1", "arrival_date": "2022-06-01",
           "department_type": "01", "billed_hrg": "VB09Z"}  # fmt: skip
    taken = []
    for name in ("april", "final"):
        asked = parsed([f"2022/23={name}"])
        extract = from_arrow(pa.Table.from_pylist([row]), dataset="emergency")
        run = price_records(extract, PriceOptions(editions=asked), rulebook=Rulebook(packs, asked))
        taken += run.table["tariff"].to_pylist()
        assert run.manifest["options"]["editions"] == {"2022/23": name}
        oracle = other_tables(list(packs), dict(asked.by_year))
        assert oracle.years["2022/23"].pack_id == taken[-1]
    assert taken == ["z-april", "ntps-2022-23"]


# ---------------------------------------------------------------- from the command line


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    path = tmp_path / "july.csv"
    rows = [stay(**DZ11T), stay(provider="RD3", spell_id="B", **DZ11T)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    capsys.readouterr()
    yield capsys


def test_the_commands_take_an_edition(
    extract: Path, tmp_path: Path, printed: pytest.CaptureFixture[str]
) -> None:
    common = [str(extract), "--edition", "2022/23=april"]
    assert cli.run(["price", *common, "-o", str(tmp_path / "out")]) == 2
    err = printed.readouterr().err
    assert "no edition 'april' of the prices of 2022/23 is held" in err
    assert "'final' (pack ntps-2022-23)" in err
    assert not (tmp_path / "out").exists()
    taken = [str(extract), "--tariff", "ntps-2022-23", "--edition", "2018/19=final"]
    # the page of a spell says whose factor it is
    assert cli.run(["explain", "RD3:B", *taken]) == 0
    page = printed.readouterr().out
    assert "of R0D, its successor from 2020-10-01" in page
    assert "mff_of_successor: Market forces factor of the provider it was merged into" in page


# ---------------------------------------------------------------- mergers


def priced(provider: str, discharged: str, admitted: str, **options: object) -> Run:
    row = stay(
        provider=provider, admission_date=admitted, discharge_date=discharged,
        episode_start_date=admitted, episode_end_date=discharged, **DZ11T,
    )  # fmt: skip
    return run(row, rules=False, **options)


@pytest.mark.parametrize(
    ("provider", "year", "mff", "mff_year", "said"),
    [
        # Poole, a part of University Hospitals Dorset (R0D) from October 2020
        ("RD3", "2018/19", "1.066631", "2018/19", set()),
        ("RD3", "2022/23", "1.048456", "2022/23", {"mff_of_successor"}),
        ("RD300", "2022/23", "1.048456", "2022/23", {"mff_of_successor"}),
        ("RDZ", "2022/23", "1.048456", "2022/23", {"mff_of_successor"}),
        # Royal Brompton, a part of Guy's (RJ1) from February 2021
        ("RT3", "2022/23", "1.194070", "2022/23", {"mff_of_successor"}),
        ("RA3", "2022/23", None, "2022/23", {"mff_of_successor"}),
        ("RBA", "2022/23", None, "2022/23", {"mff_of_successor"}),
        # a code that the table of the year still prints counts as printed
        ("RXH", "2022/23", "1.055277", "2022/23", set()),
        ("RBZ", "2022/23", "1.005120", "2022/23", set()),
        # of the successor, and of the nearest year
        ("RBZ", "2024/25", "1.016618", "2023/24", {"mff_of_successor", "mff_of_other_year"}),
        ("RA4", "2024/25", None, "2023/24", {"mff_of_successor", "mff_of_other_year"}),
        # divided, not merged: its own last figure
        ("RW6", "2022/23", "1.048946", "2018/19", {"mff_of_other_year"}),
        # new: before its first year its own nearest one, not that of a predecessor
        ("R0D", "2018/19", "1.048456", "2022/23", {"mff_of_other_year"}),
    ],
)
def test_a_closed_provider_takes_the_factor_of_its_successor(
    provider: str, year: str, mff: str | None, mff_year: str, said: set[str]
) -> None:
    start = year[:4]
    record = spell(priced(provider, f"{start}-07-20", f"{start}-07-17"))
    assert record["mff_year"] == mff_year
    if mff is not None:
        assert str(record["mff"]) == f"{mff}000"
    told = {"mff_of_successor", "mff_of_other_year", "mff_unknown"}
    assert reasons(record) & told == said


def test_who_became_whom_is_that_of_the_page() -> None:
    became = {old: merger.new for old, merger in shipped().mff.successors.items()}
    assert became == {
        "RD3": "R0D", "RDZ": "R0D", "RBZ": "RH8", "RA3": "RA7", "RBA": "RH5", "RA4": "RH5",
        "RT3": "RJ1", "RXH": "RYR",
    }  # fmt: skip
    held = shipped().mff.factors
    for old, new in became.items():
        assert "2026/27" not in held[old] and "2026/27" in held[new]


def test_a_users_own_factors_come_first_provider_by_provider(tmp_path: Path) -> None:
    (tmp_path / "factors.csv").write_text(
        "provider,year,mff\nR1H,2022/23,1.25\nZZZ,2022/23,1.5\n", encoding="utf-8"
    )
    (tmp_path / "providers.csv").write_text("provider,name\nR1H,Mine\n", encoding="utf-8")
    (tmp_path / "pack.yaml").write_text(
        'id: mine\nversion: "1"\nkind: mff\ntitle: Mine\nprovenance: illustrative\n'
        "last_checked: 2026-01-01\nengine: '>=0.1'\nsources: [{title: Made up}]\n"
        "factors: factors.csv\nproviders: providers.csv\n",
        encoding="utf-8",
    )
    rulebook = Rulebook(load_packs([tmp_path]))
    rows = [stay(spell_id="A", **DZ11T), stay(provider="ZZZ", spell_id="B", **DZ11T),
            stay(provider="RRV", spell_id="C", **DZ11T)]  # fmt: skip
    done = run(*rows, rulebook=rulebook, rules=False)
    factors = {row["spell_id"]: str(row["mff"]) for row in done.spells.to_pylist()}
    assert factors == {"A": "1.250000000", "B": "1.500000000", "C": "1.214699000"}
    used = [entry["id"] for entry in done.manifest["packs"] if entry["kind"] == "mff"]
    assert sorted(used) == ["mff-england", "mine"]
    only = run(rows[0], rulebook=rulebook, rules=False)
    assert [e["id"] for e in only.manifest["packs"] if e["kind"] == "mff"] == ["mine"]
