"""Plants a handful of documented errors in an honest extract: for the demo only.

A demo without findings is dull. Each function below takes honest rows and makes one error of one
kind, the way such errors come about; the answer sheet names every one of them. Errors of structure
are made first, the spells they touch are billed honestly, one by one, and errors of billing come
last. No patient has two errors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.simulate.billing import BillingTally, Engine, bill
from tariff.simulate.columns import BILLED, SCHEMA

Row = dict[str, Any]
Spell = list[Row]

PENNY = Decimal("0.01")
EPISODES = 3000
MONTH = "2022-09"
SEED = 20220901

NOT_COUNTED = ("critical_care_days", "rehabilitation_days", "palliative_care_days")
# What identifies a patient and who pays: taken over by a spell invented for that patient.
IDENTITY = ("provider", "site", "commissioner", "gp_practice", "patient_id", "age", "sex")


@dataclass(frozen=True)
class Planted:
    """One line of the answer sheet."""

    rule: str
    provider: str
    spell_ids: tuple[str, ...]
    how: str


class Demo:
    """The spells of an extract, by spell number, in the order of the file."""

    def __init__(self, table: pa.Table, engine: Engine, year: str, seed: int) -> None:
        self.engine, self.year = engine, year
        self.rng = np.random.Generator(np.random.PCG64(seed))
        self.spells: dict[str, Spell] = {}
        for row in table.to_pylist():
            self.spells.setdefault(row["spell_id"], []).append(row)
        self.first_day = min(spell[0]["discharge_date"] for spell in self.spells.values())
        self.last_day = max(spell[0]["discharge_date"] for spell in self.spells.values())
        patients = Counter(spell[0]["patient_id"] for spell in self.spells.values())
        self.once = {patient for patient, spells in patients.items() if spells == 1}
        self.priced: dict[str, Row] = {}
        self.key: list[Planted] = []
        self.used: set[str] = set()

    # ------------------------------------------------------------ choosing and editing

    def choose(self, wanted: Callable[[Spell], bool]) -> Spell:
        """Choose a spell of a patient who has no other, and use each patient once."""
        free = self.once - self.used
        open_to = [
            spell
            for spell in self.spells.values()
            if spell[0]["patient_id"] in free and wanted(spell)
        ]
        spell = open_to[int(self.rng.integers(0, len(open_to)))]
        self.used.add(spell[0]["patient_id"])
        return spell

    def new_id(self) -> str:
        """Return a spell number that nothing else has."""
        return f"S9{len(self.key) + 1:08d}"

    def insert(self, after: Spell, spell: Spell) -> None:
        """Put a spell into the file behind another."""
        found: dict[str, Spell] = {}
        for number, rows in self.spells.items():
            found[number] = rows
            if rows is after:
                found[spell[0]["spell_id"]] = spell
        self.spells = found

    def note(self, rule: str, how: str, *spells: Spell) -> None:
        """Write a line of the answer sheet."""
        numbers = tuple(spell[0]["spell_id"] for spell in spells)
        self.key.append(Planted(rule, spells[0][0]["provider"], numbers, how))

    def rebill(self, *spells: Spell) -> None:
        """Bill spells honestly as they now stand."""
        for spell in spells:
            blank = [{**row, **dict.fromkeys(BILLED)} for row in spell]
            batch = pa.RecordBatch.from_pylist(blank, schema=SCHEMA)
            billed = bill(batch, self.year, BillingTally(), self.engine)
            if billed.num_rows != len(spell):
                raise ValueError(f"{spell[0]['spell_id']} cannot be billed as edited")
            for row, new in zip(spell, billed.to_pylist(), strict=True):
                row.update(new)

    # ------------------------------------------------------------ results

    def table(self) -> pa.Table:
        """Return all rows."""
        rows = [row for spell in self.spells.values() for row in spell]
        return pa.Table.from_pylist(rows, schema=SCHEMA)

    def price_again(self) -> None:
        """Keep what the engine says of every spell, for the errors of billing."""
        result = self.engine(self.table(), year=self.year)
        wanted = ["spell_id", "base_pence", "short_stay_pence", "per_day_pence", "excess_days"]
        self.priced = {row["spell_id"]: row for row in result.select(wanted).to_pylist()}


def nights(spell: Spell) -> int:
    """Return the nights of a spell."""
    return int((spell[0]["discharge_date"] - spell[0]["admission_date"]).days)


def emergency(spell: Spell) -> bool:
    """Say whether a spell is an emergency admission."""
    return str(spell[0]["admission_method"]).startswith("2")


def day_case(spell: Spell) -> bool:
    """Say whether a spell is a day case."""
    return bool(spell[0]["patient_classification"] == "2")


def went_home(spell: Spell) -> bool:
    """Say whether an adult went home."""
    return bool(spell[-1]["discharge_destination"] == "19" and spell[0]["age"] >= 19)


def copied(spell: Spell, spell_id: str, **changes: Any) -> Spell:
    """Return a copy of a spell under another number."""
    return [{**row, "spell_id": spell_id, **changes} for row in spell]


def moved(spell: Spell, days: int) -> None:
    """Move every date of a spell."""
    for row in spell:
        for name, value in row.items():
            if isinstance(value, date):
                row[name] = value + timedelta(days=days)


def set_price(spell: Spell, price: Decimal, mff: Decimal | None = None) -> None:
    """Bill another price, or another factor, and the total that follows from it."""
    last = spell[-1]
    last["billed_price"] = price.quantize(PENNY)
    last["billed_mff"] = last["billed_mff"] if mff is None else mff
    total = last["billed_price"] * last["billed_mff"]
    last["billed_total"] = total.quantize(PENNY, ROUND_HALF_UP)


# ---------------------------------------------------------------- errors of structure


def second_number(demo: Demo) -> None:
    """Bill a stay under a second spell number."""
    spell = demo.choose(lambda s: nights(s) >= 1 and went_home(s))
    again = copied(spell, demo.new_id())
    demo.insert(spell, again)
    demo.note("DUP02", "the same stay entered again under a second spell number", spell, again)


def overlapping(demo: Demo) -> None:
    """Admit a patient while still in the same hospital."""
    spell = demo.choose(
        lambda s: nights(s) >= 5 and emergency(s) and went_home(s) and len(s) == 1
        and s[0]["discharge_date"] < demo.last_day - timedelta(days=3)
    )  # fmt: skip
    again = copied(spell, demo.new_id(), admission_method="22", admission_time=_noon(spell))
    moved(again, nights(spell) - 2)
    for row in again:
        end = min(row["discharge_date"], demo.last_day)
        row.update(
            discharge_date=end,
            ready_for_discharge_date=end,
            episode_end_date=end,
            episode_duration=(end - row["episode_start_date"]).days,
            **dict.fromkeys(NOT_COUNTED, 0),
        )
    demo.rebill(again)
    demo.insert(spell, again)
    demo.note("SPL01", "admitted again two days before the first stay ended", spell, again)


def _noon(spell: Spell) -> Any:
    return spell[0]["admission_time"].replace(hour=12, minute=0)


def split_stay(demo: Demo) -> None:
    """Cut a stay in two, the second part beginning the next day."""
    spell = demo.choose(
        lambda s: nights(s) >= 7 and emergency(s) and went_home(s) and len(s) == 1
        and s[0]["admission_date"] >= demo.first_day - timedelta(days=1)
    )  # fmt: skip
    second = copied(spell, demo.new_id(), admission_method="21", admission_time=_noon(spell))
    cut = spell[0]["admission_date"] + timedelta(days=nights(spell) // 2)
    no_days = dict.fromkeys(NOT_COUNTED, 0)
    spell[0].update(
        no_days,
        discharge_date=cut,
        ready_for_discharge_date=cut,
        episode_end_date=cut,
        episode_duration=(cut - spell[0]["admission_date"]).days,
    )
    start = cut + timedelta(days=1)
    second[0].update(
        no_days,
        admission_date=start,
        episode_start_date=start,
        episode_duration=(second[0]["discharge_date"] - start).days,
        oper_date_01=start if second[0]["oper_01"] else None,
    )
    if spell[0]["oper_date_01"] and spell[0]["oper_date_01"] > cut:
        spell[0]["oper_date_01"] = cut
    demo.rebill(spell, second)
    demo.insert(spell, second)
    demo.note("SPL03", "one stay cut in two, readmitted the next day", spell, second)


def nested_day_case(demo: Demo) -> None:
    """Bill a day case inside an inpatient stay."""
    spell = demo.choose(lambda s: nights(s) >= 4 and not day_case(s) and went_home(s))
    sex, age = spell[0]["sex"], spell[0]["age"]
    donors = [
        other
        for other in demo.spells.values()
        if day_case(other)
        and other[0]["sex"] == sex
        and other[0]["provider"] == spell[0]["provider"]
        and abs(other[0]["age"] - age) <= 10
        and other[0]["age"] >= 19
    ]
    donor = donors[int(demo.rng.integers(0, len(donors)))]
    inner = copied(donor, demo.new_id(), **{name: spell[0][name] for name in IDENTITY})
    moved(inner, (spell[0]["admission_date"] - donor[0]["admission_date"]).days + 2)
    demo.rebill(inner)
    demo.insert(spell, inner)
    demo.note("SPL05", "a day case billed on the third day of an inpatient stay", spell, inner)


def day_case_overnight(demo: Demo) -> None:
    """Leave a patient who stayed the night a day case."""
    spell = demo.choose(
        lambda s: day_case(s) and went_home(s) and s[0]["discharge_date"] < demo.last_day
    )
    end = spell[0]["discharge_date"] + timedelta(days=1)
    spell[0].update(discharge_date=end, episode_end_date=end, episode_duration=1)
    demo.rebill(spell)
    demo.note("SPL07", "stayed the night and still billed as a day case", spell)


# ---------------------------------------------------------------- errors of billing


def exact_copy(demo: Demo) -> None:
    """Send a row twice."""
    spell = demo.choose(lambda s: len(s) == 1 and went_home(s))
    spell.append(dict(spell[0]))
    demo.note("DUP01", "the row is in the file twice", spell)


def unfinished(demo: Demo) -> None:
    """Bill a patient who is still in."""
    spell = demo.choose(
        lambda s: nights(s) >= 3 and emergency(s) and went_home(s) and len(s) == 1
        and s[0]["discharge_date"] >= demo.last_day - timedelta(days=5)
    )  # fmt: skip
    spell[0].update(
        discharge_date=None,
        discharge_time=None,
        ready_for_discharge_date=None,
        episode_end_date=None,
        discharge_destination="98",
        discharge_method="8",
    )
    demo.note("SPL11", "priced although the patient has not been discharged", spell)


def short_stay_missed(demo: Demo) -> None:
    """Bill the full price of a short emergency stay."""

    def reduced(spell: Spell) -> bool:
        return (demo.priced[spell[0]["spell_id"]]["short_stay_pence"] or 0) < 0

    spell = demo.choose(lambda s: emergency(s) and went_home(s) and reduced(s))
    set_price(spell, Decimal(demo.priced[spell[0]["spell_id"]]["base_pence"]) / 100)
    demo.note("EMR07", "full price billed where the reduced short stay price is due", spell)


def ungrouped(demo: Demo) -> None:
    """Bill a record that cannot be grouped."""
    spell = demo.choose(lambda s: emergency(s) and went_home(s) and len(s) == 1)
    spell[0].update(diag_01="R69X", billed_hrg="UZ01Z")
    demo.note("HRG17", "no usable primary diagnosis, UZ01Z billed at a price", spell)


def extra_day(demo: Demo) -> None:
    """Bill one excess bed day too many."""
    spell = demo.choose(lambda s: went_home(s) and (s[-1]["billed_excess_days"] or 0) >= 1)
    last = spell[-1]
    last["billed_excess_days"] += 1
    rate = Decimal(demo.priced[last["spell_id"]]["per_day_pence"]) / 100
    set_price(spell, last["billed_price"] + rate)
    demo.note("LOS01", "one excess bed day more than the stay and the trim point give", spell)


def wrong_price(demo: Demo) -> None:
    """Bill a price that is not the HRG's."""
    spell = demo.choose(lambda s: not emergency(s) and went_home(s))
    more = Decimal(int(demo.rng.integers(12, 60))) * 10
    set_price(spell, spell[-1]["billed_price"] + more)
    demo.note("PRC01", f"price £{more} above the national price", spell)


def under_charge(demo: Demo) -> None:
    """Bill less than is due."""
    spell = demo.choose(
        lambda s: not emergency(s) and went_home(s) and s[-1]["billed_price"] > 1000
    )
    set_price(spell, spell[-1]["billed_price"] - 250)
    demo.note("PRC01", "price £250 below the national price: an under-charge", spell)


def wrong_mff(demo: Demo) -> None:
    """Bill the market forces factor of another provider."""
    factors = sorted({spell[-1]["billed_mff"] for spell in demo.spells.values()})
    spell = demo.choose(lambda s: went_home(s) and s[-1]["billed_mff"] < factors[-1])
    set_price(spell, spell[-1]["billed_price"], factors[-1])
    factor = f"{factors[-1].normalize():f}"
    demo.note("PRC02", f"market forces factor {factor} is another provider's", spell)


STRUCTURE = (
    *(second_number,) * 2,
    *(overlapping,) * 2,
    *(split_stay,) * 2,
    *(nested_day_case,) * 2,
    *(day_case_overnight,) * 2,
)
BILLING = (
    *(short_stay_missed,) * 3,
    *(extra_day,) * 2,
    *(wrong_price,) * 2,
    under_charge,
    *(wrong_mff,) * 2,
    *(ungrouped,) * 2,
    *(unfinished,) * 2,
    *(exact_copy,) * 2,
)


def plant(
    table: pa.Table, engine: Engine, *, year: str = "2022/23", seed: int = SEED
) -> tuple[pa.Table, list[Planted]]:
    """Return the extract with errors in it, and the answer sheet."""
    demo = Demo(table, engine, year, seed)
    for error in STRUCTURE:
        error(demo)
    demo.price_again()
    for error in BILLING:
        error(demo)
    return demo.table(), demo.key


def key_table(planted: list[Planted]) -> list[tuple[str, ...]]:
    """Return the answer sheet as rows, header first."""
    rows = [(one.rule, one.provider, " ".join(one.spell_ids), one.how) for one in planted]
    return [("rule", "provider", "spell_ids", "how"), *sorted(rows)]


def total_billed(table: pa.Table) -> Decimal:
    """Return the sum of everything billed."""
    return Decimal(pc.sum(table["billed_total"]).as_py() or 0)
