"""What SUS pays in each best practice area, as far as the tables of a workbook tell.

The words beside the tables say what SUS pays and whether short stays go on; they are not read. It
is told by the figures: the price that the sheet of admitted prices calls automated or prints as the
price of the HRG is the one paid to all. Payments beside a price are known by their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tariff.packs.importing_prices.reading import Row

Tables = dict[str, list[Row]]
Area = dict[str, object]

ADMITTED = frozenset(
    {"", "day_case", "ordinary_elective", "elective", "non_elective", "stay_0", "stay_over_0"}
)
PRICES = ("combined", "day_case", "ordinary_elective", "non_elective")
ELECTIVE = ["day_case", "ordinary_elective"]
NO_SHORT_STAY = re.compile(r"stroke|hip fracture|fracture of hip|same day", re.IGNORECASE)
PAYMENTS = (  # code, and what its name or area says
    ("STROKE_UNIT", r"stroke unit"),
    ("IMAGING", r"brain imaging"),
    ("ALTEPLASE", r"alteplase"),
    ("HIP_FRACTURE", r"\bhip\b"),
    ("TRAUMA_1", r"trauma.*level 1"),
    ("TRAUMA_2", r"trauma.*level 2"),
)
EXCLUSIVE = frozenset({"TRAUMA_1", "TRAUMA_2"})  # an injury is of one level


def areas(tables: Tables) -> list[Area]:
    """The areas for a manifest, in the order of their prices."""
    rows = [
        row
        for row in tables.get("best_practice_prices", [])
        if row["code_type"] in ("hrg", "") and not row["per"] and row["setting"] in ADMITTED
    ]
    out = []
    for name in dict.fromkeys(row["area"] for row in rows):
        mine = [row for row in rows if row["area"] == name]
        prices = [r for r in mine if r["code"] and r["payment"] != "additional"]
        payments = _payments(
            name, [r for r in mine if not r["code"] or r["payment"] == "additional"]
        )
        if not prices and not payments:
            continue
        area: Area = {"area": name, "pays": _pays(tables, prices)}
        settings = _settings(tables, prices, str(area["pays"]))
        if settings:
            area["settings"] = settings
        if prices and NO_SHORT_STAY.search(name):
            area["short_stay"] = False
        if payments:
            area["payments"] = payments
            if EXCLUSIVE.issuperset(payment["code"] for payment in payments):
                area["exclusive"] = True
        out.append(area)
    return out


def _pays(tables: Tables, prices: list[Row]) -> str:
    """The payment that everyone gets; `setting` where each setting has one price."""
    paid = {row["payment"] for row in prices if row["short_stay"] != "yes"}
    if not prices:
        return "nothing"
    if "level_1" in paid:
        return "level_1"
    cells: dict[tuple[str, str, str], set[str]] = {}
    for row in prices:
        if row["short_stay"] != "yes":
            cells.setdefault((row["code"], row["flag"], row["setting"]), set()).add(row["payment"])
    if all(len(payments) == 1 for payments in cells.values()):
        return "setting"
    automated = {row["hrg"]: row["automated"] for row in tables.get("best_practice_hrgs", [])}
    listed = _listed(tables)
    votes = [automated.get(row["code"], "") for row in prices]
    votes += [
        row["payment"]
        for row in prices
        if not row["flag"] and row["price"] in listed.get(row["code"], {}).values()
    ]
    told = [vote for vote in votes if vote in paid]
    return max(sorted(paid & set(told)), key=told.count) if told else "not_best_practice"


def _listed(tables: Tables) -> dict[str, dict[str, str]]:
    return {row["hrg"]: {name: row[name] for name in PRICES} for row in tables["prices"]}


def _settings(tables: Tables, prices: list[Row], pays: str) -> list[str]:
    """The settings of prices that print none, where the sheet of admitted prices does not say.

    Those of the flags' admission methods; of prices without a flag those whose listed price is the
    one paid.
    """
    said = {row["hrg"] for row in tables.get("best_practice_hrgs", []) if row["settings"]}
    silent = [row for row in prices if not row["setting"] and row["code"] not in said]
    flags = {row["flag"] for row in silent if row["flag"]}
    methods = " ".join(
        row["admission_methods"]
        for row in tables.get("best_practice_flags", [])
        if row["flag"] in flags
    ).split()
    elective = [method.startswith("1") for method in methods]
    listed = _listed(tables)
    for row in silent:
        if not row["flag"] and pays in (row["payment"], "setting"):
            equal = {
                name for name, price in listed.get(row["code"], {}).items() if price == row["price"]
            }
            if len({name == "non_elective" for name in equal}) == 1:
                elective.append("non_elective" not in equal)
    if not elective or len(set(elective)) > 1:
        return []
    return list(ELECTIVE) if elective[0] else ["non_elective"]


def _payments(area: str, rows: Iterable[Row]) -> list[dict[str, str]]:
    out: dict[str, dict[str, str]] = {}
    for row in rows:
        text = f"{area} {row['name']}".lower()
        code = next((code for code, words in PAYMENTS if re.search(words, text)), None)
        if code is not None:
            out.setdefault(code, {"code": code} | ({"row": row["name"]} if not row["code"] else {}))
    return list(out.values())
