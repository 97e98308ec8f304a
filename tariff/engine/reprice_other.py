"""Care that is not admitted with some columns changed, and spells as such care, priced again.

The rows go through the ordinary functions of pricing, those of a dataset, of the same changed
columns and of one factor together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from tariff.engine.amounts import Step, decimal_factor
from tariff.engine.columns import SpellColumns
from tariff.engine.counterfactual import Answer, Ask
from tariff.engine.other_care import records_of
from tariff.engine.other_columns import OtherColumns
from tariff.engine.other_outcome import INCOMPLETE, OUTCOMES, REASONS, OtherPrices, PriceOptions
from tariff.engine.other_table import BILLED
from tariff.engine.price import MffChoice
from tariff.engine.price_other_care import DATASETS
from tariff.engine.record_set import RecordSet
from tariff.errors import UsageError
from tariff.extract import from_arrow
from tariff.extract.fields import field_of, in_order
from tariff.packs.compile import NULL64, Rulebook
from tariff.schemas import MFF_UNIT

# outcomes that say what a record is paid; for the others another agreement does
_TOLD = ("priced", "zero_price", "rebundled", "not_paid", "passed_through", "money_only")
_OF_SPELLS = (
    "provider", "patient_id", "site", "commissioner", "age", "sex", "treatment_function",
    "main_specialty", "administrative_category", "commissioning_serial_number", "activity_month",
)  # fmt: skip
_DAY = {"attendances": "attendance_date", "emergency": "arrival_date"}


class OtherPricer:
    """Prices changed records that are not spells, and spells as such."""

    def __init__(
        self, records: RecordSet, rulebook: Rulebook, options: PriceOptions | None = None
    ) -> None:
        self.records = records
        self.rulebook = rulebook
        self.options = options or PriceOptions()
        self._answers: dict[Ask, Answer] = {}

    def fetch(self, asks: Iterable[Ask]) -> None:
        """Price what is asked and not yet known, many at once."""
        batches: dict[tuple[str, bool, tuple[str, ...], int], list[Ask]] = defaultdict(list)
        for ask in dict.fromkeys(asks):
            if ask not in self._answers:
                kind = ask.as_kind or self.records.place(ask.records[0])[0].kind
                key = (kind, bool(ask.as_kind), _names(ask), ask.factor)
                batches[key].append(ask)
        for (kind, made, names, factor), batch in sorted(batches.items()):
            self._price(kind, made, names, factor, batch)

    def answer(self, ask: Ask) -> Answer:
        """Give the answer; what was not fetched is priced by itself."""
        if ask not in self._answers:
            self.fetch([ask])
        return self._answers[ask]

    def _price(
        self, kind: str, made: bool, names: tuple[str, ...], factor: int, asks: list[Ask]
    ) -> None:
        if kind not in DATASETS:
            for ask in asks:
                self._answers[ask] = Answer(
                    None, None, -1, -1, False, "it has no price of its own", 0
                )
            return
        rows = self._made(asks, kind) if made else self._real(asks)
        for name in names:
            if field_of(name, kind) is None:
                raise UsageError(
                    f"a remedy cannot set '{name}' of {kind}",
                    hint="it is no column of these records",
                )
        dataset = DATASETS[kind]
        for place, (row, ask) in enumerate(zip(rows, asks, strict=True)):
            # a component that is taken away was not earned
            row |= {name: dict(ask.change.set).get(name, "") for name in names}
            row[dataset.key] = str(place)
        columns = in_order(frozenset(name for row in rows for name in row), kind)
        table = pa.table(
            {name: pa.array([row.get(name, "") for row in rows], pa.string()) for name in columns}
        )
        extract = from_arrow(table, dataset=kind)
        records = records_of(extract, (*dataset.columns, *BILLED), dataset.families)
        if records.rows != len(asks):
            raise UsageError(
                f"{len(asks) - records.rows} changed records of {kind} cannot be read",
                hint="look at what the remedies of the rules set",
            )
        choice = MffChoice(factor=factor) if factor != NULL64 else self.options.mff
        options = PriceOptions(self.options.year, choice, self.options.editions)
        out = dataset.price(records, self.rulebook, options)
        for place, ask in enumerate(asks):
            self._answers[ask] = _answer(out, place, factor)

    def _real(self, asks: Sequence[Ask]) -> list[dict[str, str]]:
        """Give the rows of the records asked for, of whatever source they are."""
        places: dict[int, list[tuple[int, int]]] = defaultdict(list)  # by block
        for index, ask in enumerate(asks):
            block, place = self.records.place(ask.records[0])
            places[self.records.blocks.index(block)].append((index, place))
        out: list[dict[str, str]] = [{} for _ in asks]
        for of, mine in places.items():
            which = np.array([place for _, place in mine], np.int64)
            block = self.records.blocks[of]
            assert isinstance(block, OtherColumns)
            rows = block.rows(which)
            for (index, _), row in zip(mine, rows, strict=True):
                out[index] = row
        return out

    def _made(self, asks: Sequence[Ask], kind: str) -> list[dict[str, str]]:
        """Give spells as records of another kind: who, where, when, by whom, what was coded."""
        found = [self.records.place(ask.records[0]) for ask in asks]
        firsts: dict[int, dict[str, str]] = {}
        for columns in {id(block): block for block, _ in found}.values():
            assert isinstance(columns, SpellColumns)
            mine = [index for index, (block, _) in enumerate(found) if block is columns]
            which = np.array([found[index][1] for index in mine], np.int64)
            firsts.update(zip(mine, columns.first_rows(which), strict=True))
        out = []
        for index, (columns, place) in enumerate(found):
            assert isinstance(columns, SpellColumns)
            first = firsts[index]
            row = {
                name: value
                for name, value in first.items()
                if (name in _OF_SPELLS or name[:-2] in ("diag_", "oper_"))
                and field_of(name, kind) is not None
            }
            row[_DAY[kind]] = first.get("admission_date", "")
            hrg = int(columns.priced_hrg[place])
            if kind == "attendances" and hrg >= 0:
                row["billed_hrg"] = columns.hrgs[hrg]
            out.append(row)
        return out


def _names(ask: Ask) -> tuple[str, ...]:
    also = ("best_practice_met",) if "best_practice" in ask.change.without else ()
    return tuple(sorted({*ask.change.names, *also}))


def _answer(out: OtherPrices, place: int, factor: int) -> Answer:
    outcome = int(out.outcome[place])
    unknown = int(out.reasons[place] & INCOMPLETE)
    if unknown or outcome < 0:
        names = [name for bit, name in enumerate(REASONS) if unknown >> bit & 1]
        return Answer(None, None, -1, -1, False, " ".join(names) or "no price is known", 0)
    if OUTCOMES[outcome] not in _TOLD:
        why = f"the national tariff has no price of it ({OUTCOMES[outcome]})"
        return Answer(None, None, -1, -1, False, why, 0)
    pre_mff, total = int(out.pre_mff[place]), int(out.total[place])
    if NULL64 in (pre_mff, total):
        return Answer(None, None, -1, -1, False, "mff_unknown", 0)
    working: list[Step] = [("Base price", int(out.base[place]), "")]
    for name, amounts in (
        ("Best practice payments", out.best_practice),
        ("Unbundled", out.unbundled),
    ):
        if amounts[place] not in (0, NULL64):
            working.append((name, int(amounts[place]), ""))
    working.append(("Price before MFF", pre_mff, ""))
    mff = int(out.mff[place])
    if mff not in (NULL64, MFF_UNIT) and total != pre_mff:
        working.append(("Market forces factor", None, decimal_factor(mff)))
        working.append(("Price", total, "half up to the penny"))
    return Answer(pre_mff, total, -1, -1, False, "", int(out.base[place]), tuple(working))
