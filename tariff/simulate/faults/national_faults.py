"""Faults against the national record and against an earlier statement."""

from __future__ import annotations

from collections.abc import Callable

from tariff.simulate.faults.care_model import Change, care_as_it_is, care_fault, changed
from tariff.simulate.faults.desk import Desk, charged
from tariff.simulate.faults.model import ORIGIN, Row
from tariff.simulate.faults.payer_faults import AE, IN, OUT, billed

NATIONAL, EARLIER = "national", "earlier"
Make = Callable[[Desk, Row, str], "Change | None"]


def _against(rule: str, way: str, says: str, snapshot: str, *of: str) -> Callable[[Make], None]:
    def register(make: Make) -> None:
        for dataset in of:
            care_fault(rule, f"{way}: {dataset}", says, dataset, billed, snapshot)(
                lambda desk, row, dataset=dataset: make(desk, row, dataset)  # type: ignore[misc]
            )

    return register


@_against("REC01", "not submitted", "billed, and not in the national record", NATIONAL, OUT, AE, IN)
def not_submitted(desk: Desk, row: Row, of: str) -> Change:
    """Leave a record out of the national submission."""
    return Change(
        "billed, and not in the national record",
        [],
        about=(row,),
        kind_of_about=of,
        drop=((f"{NATIONAL}/{of}", row[ORIGIN]),),
        value=int(row["billed_total"] * 100),
    )


care_as_it_is("REC01", "submitted", "billed, and in the national record", OUT, billed)


@_against("REC02", "not billed", "in the national record, and not billed", NATIONAL, OUT, AE)
def not_billed(desk: Desk, row: Row, of: str) -> Change:
    """Leave a record out of the bill."""
    return Change(
        "in the national record, and not billed: an under-charge",
        [(f"{NATIONAL}/{of}", changed(row))],
        drop=((of, row[ORIGIN]),),
        about=(row,),
        kind_of_about=of,
    )


@_against("REC03", "other price", "billed dearer than the national record says", NATIONAL, AE)
def another_hrg(desk: Desk, row: Row, of: str) -> Change | None:
    """Bill another HRG than was submitted."""
    cheap = desk.prices.emergency.get(("VB11Z", row["department_type"]))
    if cheap is None or cheap >= row["billed_price"] or row["department_type"] == "04":
        return None
    submitted = charged(changed(row, billed_hrg="VB11Z"), cheap)
    value = int((row["billed_total"] - submitted["billed_total"]) * 100)
    return Change(
        "billed dearer than the national record says",
        [(f"{NATIONAL}/{of}", submitted)],
        about=(row,),
        kind_of_about=of,
        value=value,
    )


@_against("REC04", "new", "not in the statement that was final", EARLIER, OUT, AE, IN)
def too_late(desk: Desk, row: Row, of: str) -> Change:
    """Add a record after the statement was final."""
    return Change(
        "added after the statement was final",
        [],
        about=(row,),
        kind_of_about=of,
        drop=((f"{EARLIER}/{of}", row[ORIGIN]),),
        value=int(row["billed_total"] * 100),
    )


@_against("REC04", "dearer", "dearer than in the statement that was final", EARLIER, OUT, AE)
def dearer(desk: Desk, row: Row, of: str) -> Change:
    """Raise a price after the statement was final."""
    before = charged(changed(row), row["billed_price"] - 20)
    value = int((row["billed_total"] - before["billed_total"]) * 100)
    return Change(
        "dearer than in the statement that was final",
        [(f"{EARLIER}/{of}", before)],
        about=(row,),
        kind_of_about=of,
        value=value,
    )


care_as_it_is("REC04", "the same", "as it stood in the final statement", OUT, billed)
