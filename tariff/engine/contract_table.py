"""The statement of a contract as a table, as a part of the manifest, and read back as a ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tariff.engine.contract import Contract
from tariff.engine.contract_forms import half_up
from tariff.engine.contract_ledger import (
    ELSEWHERE,
    EXACT,
    UNKNOWN_MONTH,
    Cell,
    Ledger,
    Row,
    last_month,
    statement,
)
from tariff.engine.contract_notices import notices_of
from tariff.errors import DataError, UsageError
from tariff.packs.contract_select import YEAR_MONTHS
from tariff.schemas import CONTRACT

ABOUT = b"tariff_contract"  # in the metadata of the table: which contract, which datasets
PLACES = Decimal("0.0001")
# Parquet alone, for --ledger: money to the last part of a penny
EXACT_MONEY = {
    "exact_tariff_pence": "money",
    "exact_alone_pence": "alone",
    "exact_unit_pence": "priced_money",
}
COUNTS = ("records", "incomplete", "unpriced", "local", "excluded")


def contract_table(contract: Contract, ledger: Ledger) -> pa.Table:
    """Give every line and month of a contract, then what is outside it (tariff.schemas.CONTRACT).

    The months go to the last one with activity, or where there is none to the last of the contract.
    """
    rows = [
        _of_line(contract, row) for row in statement(contract, ledger, last_month(contract, ledger))
    ]
    rows += [
        _of_outside(contract, reason, month, cell)
        for (reason, month), cell in sorted(ledger.outside.items())
    ]
    columns = [pa.array([row.get(item.name) for row in rows], item.type) for item in CONTRACT]
    about = {
        "contract": contract.pack.id,
        "sha256": contract.pack.sha256,
        "datasets": sorted(ledger.datasets),
    }
    schema = CONTRACT.with_metadata({ABOUT: json.dumps(about, sort_keys=True).encode()})
    return pa.table(columns, schema=schema)


def contract_section(contract: Contract, ledger: Ledger, last: int | None = None) -> dict[str, Any]:
    """Give the part of the manifest. Money is pence of the year to date, through month `last`."""
    manifest = contract.manifest
    last = last_month(contract, ledger) if last is None else last
    lines = [_line_section(row) for row in statement(contract, ledger, last) if row.month == last]
    ended = {line["line"] for line in lines}
    assert ended - {ELSEWHERE} == {line.id for line in contract.lines if line.first <= last}
    outside: dict[str, Cell] = {}
    for (reason, _), cell in sorted(ledger.outside.items()):
        outside.setdefault(reason, Cell()).add(cell)
    return {
        "id": contract.pack.id,
        "version": manifest.version,
        "title": manifest.title,
        "provenance": manifest.provenance,
        "sha256": contract.pack.sha256,
        "year": manifest.year,
        "provider": manifest.provider,
        "commissioners": list(manifest.commissioners),
        "rounding": manifest.rounding,
        "switches": {
            name: getattr(manifest.switches, name)
            for name in ("delayed_discharge", "readmissions", "marginal_rate")
        },
        "through_month": last,
        "through": calendar_month(contract, last),
        "datasets": sorted(ledger.datasets),
        "lines": lines,
        "records": sum(line["records"] for line in lines if line["line"] != ELSEWHERE),
        "activity": sum(line["activity"] for line in lines),
        "tariff": sum(line["tariff"] for line in lines),
        "withheld": sum(line["withheld"] for line in lines),
        "payable": sum(line["payable"] for line in lines),
        "outside": [
            {
                "reason": reason,
                "records": cell.records,
                "activity": cell.activity,
                "tariff": pence(cell.money),
                "billed": cell.billed,
            }
            for reason, cell in outside.items()
        ],
        "notices": notices_of(contract, ledger, lines, outside),
    }


def calendar_month(contract: Contract, month: int) -> str:
    """Give a month of the financial year as `2022-04`; that after the year as its last."""
    place = min(month, YEAR_MONTHS) + 2
    year = int(contract.manifest.year[:4]) + place // YEAR_MONTHS
    return f"{year}-{place % YEAR_MONTHS + 1:02}"


def pence(money: int) -> int:
    """Give parts of a penny as whole pence, half up."""
    return half_up(Fraction(money, EXACT))


def ledger_from(path: Path, contract: Contract) -> Ledger:
    """Read the ledger of another run under the same contract back from its contract.parquet."""
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise UsageError(
            f"{path} is not there", hint="name the contract.parquet of another run"
        ) from None
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"{path} is no Parquet file that can be read",
            hint="--ledger takes the contract.parquet of another run, not its contract.csv",
        ) from error
    about = json.loads((table.schema.metadata or {}).get(ABOUT, b"{}"))
    if not table.schema.equals(CONTRACT) or about.get("contract") is None:
        raise DataError(f"{path} is no contract.parquet of this version of tariff")
    if (about["contract"], about["sha256"]) != (contract.pack.id, contract.pack.sha256):
        raise UsageError(
            f"{path} was made under contract '{about['contract']}', not this '{contract.pack.id}'",
            hint="a contract that was changed counts as another: run it again",
        )
    ledger = Ledger(datasets=set(about["datasets"]))
    for row in table.to_pylist():
        cell = Cell(
            activity=row["activity"],
            withheld=row["withheld_pence"] * EXACT,
            priced_units=row["unit_activity"],
            billed=row["billed_pence"],
            **{name: row[name] for name in COUNTS},
            **{field: int(row[name] * EXACT) for name, field in EXACT_MONEY.items()},
        )
        if row["outside"]:
            ledger.at("", _from_text(row["activity_month"]), row["outside"]).add(cell)
        elif cell != Cell():
            ledger.at(row["line"], row["month"]).add(cell)
    return ledger


def add_ledgers(ledger: Ledger, others: Sequence[tuple[Path, Ledger]]) -> None:
    """Add the ledgers of runs on other datasets. A dataset that is there already is refused."""
    for path, other in others:
        twice = sorted(ledger.datasets & other.datasets)
        if twice:
            raise UsageError(
                f"{path} holds {', '.join(twice)}, which would be counted twice",
                hint="name each dataset once; earlier months come with --history",
            )
        ledger.add(other)


# ---------------------------------------------------------------- rows


def _of_line(contract: Contract, row: Row) -> dict[str, Any]:
    cell, total = row.cell, row.year_to_date
    return {
        "contract": contract.pack.id,
        "line": row.line,
        "form": None if row.line == ELSEWHERE else contract.by_id[row.line].line.form.kind,
        "month": row.month,
        "activity_month": calendar_month(contract, row.month) if row.month <= YEAR_MONTHS else None,
        "activity": cell.activity,
        "tariff_pence": pence(cell.money),
        "withheld_pence": pence(cell.withheld),
        "payable_pence": row.payable,
        "plan_activity": _decimal(row.plan_activity),
        "plan_pence": row.plan_pence,
        "ytd_activity": total.activity,
        "ytd_tariff_pence": pence(total.money),
        "ytd_withheld_pence": pence(total.withheld),
        "ytd_payable_pence": row.payable_to_date,
        "ytd_plan_activity": _decimal(row.plan_to_date_activity),
        "ytd_plan_pence": row.plan_to_date_pence,
        "unit_pence": None if row.unit is None else half_up(row.unit),
        "one_more_pence": row.one_more,
        "one_fewer_pence": row.one_fewer,
        **_counts(cell),
    }


def _of_outside(contract: Contract, reason: str, month: int, cell: Cell) -> dict[str, Any]:
    text = f"{month // YEAR_MONTHS}-{month % YEAR_MONTHS + 1:02}" if month else None
    return {
        "contract": contract.pack.id,
        "outside": reason,
        "activity_month": text,
        "activity": cell.activity,
        "tariff_pence": pence(cell.money),
        "withheld_pence": pence(cell.withheld),
        **_counts(cell),
    }


def _counts(cell: Cell) -> dict[str, Any]:
    return {
        **{name: getattr(cell, name) for name in COUNTS},
        "unit_activity": cell.priced_units,
        "billed_pence": cell.billed,
        **{name: Decimal(getattr(cell, of)).scaleb(-9) for name, of in EXACT_MONEY.items()},
    }


def _line_section(row: Row) -> dict[str, Any]:
    total = row.year_to_date
    return {
        "line": row.line,
        "activity": total.activity,
        "plan_activity": float(row.plan_to_date_activity),
        "tariff": pence(total.money),
        "withheld": pence(total.withheld),
        "plan": row.plan_to_date_pence,
        "payable_month": row.payable,
        "payable": row.payable_to_date,
        "unit": None if row.unit is None else half_up(row.unit),
        "one_more": row.one_more,
        "one_fewer": row.one_fewer,
        **{name: getattr(total, name) for name in COUNTS},
    }


def _decimal(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(PLACES)


def _from_text(text: str | None) -> int:
    return UNKNOWN_MONTH if text is None else int(text[:4]) * YEAR_MONTHS + int(text[5:]) - 1
