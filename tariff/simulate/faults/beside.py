"""Registers that the honest year does not have, made of its rows and of what faults put in them.

They agree with the honest activity: who pays for which practice, what the contract pays for, what
is agreed, who was referred. Rows of the whole year, such as a practice, are written once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tariff.simulate import shipped
from tariff.simulate.faults.model import Row
from tariff.simulate.frames import SCHEMAS

BEGIN = date(2013, 4, 1)
CARE = ("episodes", "attendances", "emergency", "lines")
DENTISTRY = ("140", "141", "142", "143", "217", "450")  # hospital dentistry, oral surgery
SENT_AFTER = 9  # days from an attendance to its letter
ASSESSMENT = "PREOP"

Batches = Mapping[str, pa.RecordBatch]
Made = Iterator[Row]


class Beside:
    """The registers of a year that are made beside the honest ones."""

    def __init__(self, names: set[str]) -> None:
        self.names = tuple(sorted(name for name in names if name not in HONEST))
        self._seen: dict[str, dict[tuple[Any, ...], Row]] = {name: {} for name in self.names}
        self._waiting: dict[str, list[Row]] = {name: [] for name in self.names}

    def add(self, name: str, row: Row) -> None:
        """Add a row that a fault needs; several may need the same."""
        key = _key(name, row)
        if key not in self._seen[name]:
            self._waiting[name].append(row)
            self._seen[name][key] = row

    def has_room(self, rows: Iterable[tuple[str, Row]]) -> bool:
        """Say whether no row says otherwise than some rows."""
        return all(
            self._seen[name].get(_key(name, row), row) == row
            for name, row in rows
            if name in self._seen
        )

    def batches(self, chunk: Batches, planted: Batches) -> dict[str, pa.RecordBatch]:
        """Return the rows of each register that are new with a chunk.

        They are made of the honest rows; what is sent about a record, of the planted ones.
        """
        found: dict[str, pa.RecordBatch] = {}
        for name in self.names:
            seen, rows = self._seen[name], self._waiting[name]
            self._waiting[name] = []
            for row in MAKERS.get(name, _nothing)(planted if name in SENT else chunk):
                key = _key(name, row)
                if key not in seen:
                    seen[key] = row
                    rows.append(row)
            if rows:
                schema = SCHEMAS[name]
                cells = [{column: row.get(column) for column in schema.names} for row in rows]
                found[name] = pa.RecordBatch.from_pylist(cells, schema=schema)
        return found


HONEST = ("registrations", "deaths", "approvals")  # made with the year
SENT = ("referrals", "letters")
_LOOSE = ("price", "unit_price", "basis", "status", "use", "category", "met", "base", "rate")


def _key(name: str, row: Row) -> tuple[Any, ...]:
    """Return what tells a row of a register from another."""
    return tuple(row.get(column) for column in SCHEMAS[name].names if column not in _LOOSE)


def _nothing(chunk: Batches) -> Made:
    return iter(())


def _distinct(chunk: Batches, datasets: Iterable[str], *names: str) -> list[tuple[Any, ...]]:
    """Return the distinct values of some columns of some datasets, in order."""
    found: set[tuple[Any, ...]] = set()
    for dataset in datasets:
        batch = chunk[dataset]
        if all(name in batch.schema.names for name in names):
            table = pa.table({name: _plain(batch[name]) for name in names})
            rows = table.group_by(list(names)).aggregate([])
            found.update(zip(*(rows[name].to_pylist() for name in names), strict=True))
    return sorted(one for one in found if None not in one)


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _practices(chunk: Batches) -> Made:
    for practice, payer in _distinct(
        chunk, (*CARE, "registrations"), "gp_practice", "commissioner"
    ):
        yield {
            "gp_practice": practice,
            "commissioner": payer,
            "country": "E",
            "kind": "civilian",
            "valid_from": BEGIN,
        }


def _services(chunk: Batches) -> Made:
    """Everything is commissioned at the tariff; dentistry by agreement with each payer."""
    for (provider,) in _distinct(chunk, CARE, "provider"):
        yield {"provider": provider, "basis": "tariff", "valid_from": BEGIN}
    names = ("provider", "commissioner", "treatment_function")
    for provider, payer, function in _distinct(chunk, ("episodes", "attendances"), *names):
        if function in DENTISTRY:
            yield {
                "provider": provider,
                "commissioner": payer,
                "treatment_function": function,
                "basis": "tariff",
                "valid_from": BEGIN,
            }


def _local_prices(chunk: Batches) -> Made:
    """What is agreed for attendances without a consultant, or not face to face, and for care."""
    agreed = {row["code"]: row["price"] for row in shipped.table("local_prices")}
    codes = {
        "WF01B": agreed["first_other_led"],
        "WF01A": agreed["follow_up_other_led"],
        "WF02B": agreed["first_other_led"],
        "WF02A": agreed["follow_up_other_led"],
        "WF01D": agreed["first_remote"],
        "WF01C": agreed["follow_up_remote"],
        **{code: price for code, price in agreed.items() if code.startswith(("XC", "XB"))},
    }
    for (provider,) in _distinct(chunk, CARE, "provider"):
        for code, price in sorted(codes.items()):
            yield {"provider": provider, "code": code, "price": Decimal(price), "valid_from": BEGIN}
    # a consultant's attendance in a function that the list leaves out
    led = {Decimal(agreed["first"]), Decimal(agreed["follow_up"])}
    columns = ("provider", "treatment_function", "billed_hrg", "billed_price", "billed_mff")
    for provider, function, code, price, factor in _distinct(chunk, ("attendances",), *columns):
        if factor == 1 and price in led and code in codes:
            yield {
                "provider": provider,
                "code": code,
                "treatment_function": function,
                "price": price,
                "valid_from": BEGIN,
            }


def _sites(chunk: Batches) -> Made:
    for provider, site, kind in _distinct(
        chunk, ("emergency",), "provider", "site", "department_type"
    ):
        yield {"provider": provider, "site": site, "department_type": kind, "valid_from": BEGIN}


def _clinics(chunk: Batches) -> Made:
    for provider, clinic in _distinct(chunk, ("attendances",), "provider", "clinic"):
        use = "preassessment" if clinic == ASSESSMENT else "consultant"
        yield {"provider": provider, "clinic": clinic, "use": use, "valid_from": BEGIN}


def _wards(chunk: Batches) -> Made:
    for provider, ward in _distinct(chunk, ("episodes",), "provider", "ward"):
        yield {"provider": provider, "ward": ward, "use": "bed", "valid_from": BEGIN}


def _referrals(chunk: Batches) -> Made:
    names = ("patient_id", "provider", "treatment_function", "referral_date")
    for row in _distinct(chunk, ("attendances",), *names):
        yield dict(zip(names, row, strict=True))


def _letters(chunk: Batches) -> Made:
    batch = chunk["attendances"]
    ended = batch.filter(pc.fill_null(pc.equal(_plain(batch["outcome"]), "1"), False))
    names = ("patient_id", "provider", "attendance_date")
    for patient, provider, day in _distinct({"attendances": ended}, ("attendances",), *names):
        yield {
            "patient_id": patient,
            "provider": provider,
            "letter_date": day + timedelta(days=SENT_AFTER),
        }


def _reference_prices(chunk: Batches) -> Made:
    for name in ("drugs", "devices"):
        for row in shipped.table(name):
            yield {
                "item": row[name[:-1]],
                "unit_price": Decimal(row["unit_price"]),
                "valid_from": BEGIN,
            }


def _doses(chunk: Batches) -> Made:
    found: dict[str, tuple[int, int]] = {}
    for row in shipped.table("drugs"):
        most, fewest = found.get(row["drug"], (0, 9999))
        found[row["drug"]] = max(most, int(row["quantity"])), min(fewest, int(row["interval"]))
    for item, (quantity, days) in sorted(found.items()):
        yield {"item": item, "maximum_quantity": quantity, "minimum_days": days}


MAKERS: dict[str, Callable[[Batches], Made]] = {
    "practices": _practices,
    "services": _services,
    "local_prices": _local_prices,
    "sites": _sites,
    "clinics": _clinics,
    "wards": _wards,
    "referrals": _referrals,
    "letters": _letters,
    "reference_prices": _reference_prices,
    "doses": _doses,
}
