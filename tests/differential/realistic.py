"""Episodes of realistic codes for the packs that ship: artificial extracts, with noise."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from random import Random

import pyarrow as pa

from tariff.extract import from_arrow
from tariff.packs.compile import Rulebook, rulebook_of
from tariff.packs.load import PackSet, load_packs
from tariff.reference.price_tables import PriceTables, price_tables
from tariff.reference.tables import (
    GroupTables,
    all_group_tables,
)
from tariff.reference.values import Value
from tariff.simulate import synthesise
from tests.differential.compare import Case

Row = dict[str, Value]


@cache
def shipped() -> tuple[PackSet, Rulebook, list[GroupTables], PriceTables]:
    """The packs that ship, for both sides."""
    packs = load_packs()
    return packs, rulebook_of(packs), all_group_tables(list(packs)), price_tables(list(packs))


def synthetic_rows(episodes: int, seed: int, year: str | None = None) -> list[Row]:
    """Rows of an artificial extract as the reader gives them."""
    extract = from_arrow(pa.Table.from_batches(synthesise(episodes, seed, year)))
    rows: list[Row] = []
    for batch in extract.batches():
        rows += batch.drop_columns(["_file", "_line"]).to_pylist()
    return rows


class Noise:
    """Changes values of rows: to those of other rows, to codes of the packs, to nothing."""

    def __init__(self, rng: Random, rows: list[Row]) -> None:
        packs, rulebook = shipped()[:2]
        self.rng = rng
        self.rows = rows
        self.columns = sorted(rows[0].keys() - {"provider", "spell_id"})
        self.diagnoses = packs.by_id("icd10-5").tables["codes"].columns["code"]
        self.procedures = packs.by_id("opcs4").tables["codes"].columns["code"]
        self.hrgs = [*rulebook.hrgs, "QQ99Z"]

    def value(self, name: str) -> Value:
        """Another value for a column."""
        rng = self.rng
        if rng.random() < 0.15:
            return None
        if rng.random() < 0.8:
            if name.startswith("diag_"):
                return rng.choice(self.diagnoses) + rng.choice(["", "", "X", "0", "01"])
            if name[:5] == "oper_" and name[5:].isdigit():
                return rng.choice(self.procedures)
            if name == "billed_hrg":
                return rng.choice(self.hrgs)
        value = rng.choice(self.rows)[name]
        if isinstance(value, int) and rng.random() < 0.2:
            value += rng.choice([1, -1, 100])
        return value

    def shaken(self, row: Row) -> Row:
        """A row with some of its values changed."""
        rng = self.rng
        kind = rng.random()
        clinical = [n for n in self.columns if n[:5] in ("diag_", "oper_") and n[5:].isdigit()]
        row = dict(row)
        if kind < 0.4:  # other codes, otherwise in order
            for name in rng.sample(clinical, 3):
                row[name] = self.value(name)
            row["diag_01"] = rng.choice(self.diagnoses)
        elif kind < 0.5:
            row["oper_01"] = rng.choice(self.procedures)
        elif kind < 0.6:
            row["billed_hrg"] = self.value("billed_hrg")
        elif kind < 0.75:
            for name in rng.sample(self.columns, rng.randint(1, 4)):
                row[name] = self.value(name)
        return row

    def shifted(self, rows: list[Row]) -> list[Row]:
        """Some of the spells in another tariff year."""
        choices = [*[0] * 8, *[-1461] * 4, *[-1826] * 3, *[731] * 4, -400, 3000]
        days = {key: self.rng.choice(choices) for key in self._keys(rows)}
        out = []
        for row in rows:
            by = timedelta(days=days[row["provider"], row["spell_id"]])
            moved = {n: v + by for n, v in row.items() if hasattr(v, "isoformat")}  # type: ignore[operator]
            out.append(row | moved)
        return out

    def _keys(self, rows: list[Row]) -> list[tuple[Value, Value]]:
        return sorted({(row["provider"], row["spell_id"]) for row in rows}, key=str)

    def repeated(self, rows: list[Row], share: float) -> list[Row]:
        """The rows with copies, near copies and patients in common."""
        rng = self.rng
        out = list(rows)
        for row in rows:
            if rng.random() < share:
                again = dict(row)
                kind = rng.randrange(3)
                if kind == 1:
                    again["spell_id"] = f"{row['spell_id']}A"
                elif kind == 2:
                    name = rng.choice(self.columns)
                    again[name] = self.value(name)
                out.append(again)
            elif rng.random() < share:
                row["patient_id"] = rng.choice(rows)["patient_id"]
        rng.shuffle(out)
        return out


def noisy_rows(episodes: int, seed: int) -> list[Row]:
    """Artificial episodes with noise of every kind."""
    rng = Random(seed)
    rows = synthetic_rows(episodes, seed)
    noise = Noise(rng, rows)
    return noise.repeated([noise.shaken(row) for row in noise.shifted(rows)], 0.04)


def shipped_case(rows: list[Row], year: str | None = None) -> Case:
    """Rows under the packs that ship."""
    packs, rulebook, groupers, prices = shipped()
    return Case(
        packs,
        frozenset(rows[0]),
        rows,
        year=year,
        rulebook=rulebook,
        groupers=groupers,
        prices=prices,
    )
