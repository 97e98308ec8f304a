"""Writes imported tables as packs: factors, or the draft of a contract with its tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from tariff.errors import PackError, Problem, UsageError
from tariff.packs.importing_prices.cells import written
from tariff.packs.importing_prices.log import Log
from tariff.packs.importing_prices.reading import Row
from tariff.packs.importing_prices.sheets import Source
from tariff.packs.importing_prices.write import pack_id, put_in_place
from tariff.packs.importing_tables import local_prices
from tariff.packs.importing_tables.codes import Codes
from tariff.packs.importing_tables.local_prices import LocalPrices
from tariff.packs.importing_tables.mff import Factors
from tariff.packs.importing_tables.plan import Plan, Planned, Service
from tariff.packs.tables import TABLES

PLAN_COLUMNS = ("line", "month", "activity", "price")
EVERYTHING = "all-activity"


@dataclass(frozen=True, slots=True)
class About:
    """What the file does not say of itself."""

    edition: str = "imported"
    publisher: str = ""
    licence: str = ""


def write_factors(found: Factors, folder: Path, about: About) -> list[Problem]:
    """Write a pack of factors; gives the warnings of its lint."""
    years = sorted({row["year"] for row in found.factors})
    manifest = {
        **_head(folder, "mff", f"Market forces factors of {', '.join(years)}, {about.edition}"),
        "provenance": "published",
        **_origin([found.source], about),
        **({"notes": found.notes} if found.notes else {}),
        "factors": "factors.csv",
        "providers": "providers.csv",
    }
    files = {
        "factors.csv": _table(("provider", "year", "mff"), found.factors),
        "providers.csv": _table(("provider", "name"), found.providers),
        "pack.yaml": _yaml(manifest),
    }
    return put_in_place(folder, files)


def write_contract(
    folder: Path,
    codes: Codes,
    about: About,
    *,
    plan: Plan | None = None,
    prices: LocalPrices | None = None,
    year: str = "",
    form: str = "cost_per_case",
) -> list[Problem]:
    """Write the draft of a contract: a line for each service of the plan, paid by one form.

    Without a plan there is one line, of all activity, at cost per case.
    """
    year = plan.year if plan else year
    providers = [plan.provider] if plan else prices.providers if prices else []
    provider = _only(providers)
    commissioners = plan.commissioners if plan else prices.commissioners if prices else []
    kept = [row for row in prices.rows if row["provider"] == provider] if prices else []
    start = int(year[:4])
    manifest: dict[str, Any] = {
        **_head(folder, "contract", f"Contract of {provider} for {year}, {about.edition}"),
        "provenance": "official",
        **_origin([item.source for item in (plan, prices) if item], about),
        "applies": {
            "from": date(start, 4, 1),
            "to": date(start + 1, 3, 31),
            "on": "discharge_date",
        },
        "notes": [
            "A draft: how each line is paid is not in the file; mend `form`, tolerances, caps.",
            *dict.fromkeys([*(plan.notes if plan else []), *(prices.notes if prices else [])]),
        ],
        "year": year,
        "provider": provider,
        "commissioners": commissioners,
        "lines": _lines(plan, codes, form),
    }
    files = {}
    if plan:
        manifest["plan"] = "plan.csv"
        files["plan.csv"] = _table(PLAN_COLUMNS, _plan_rows(plan))
    if kept:
        manifest["local_prices"] = "local_prices.csv"
        files["local_prices.csv"] = _table(local_prices.COLUMNS, kept)
    files["pack.yaml"] = _yaml(manifest)
    try:
        return put_in_place(folder, files, lint="contract" in TABLES)
    except PackError as error:
        Log(_of_files(error.problems, files, plan, prices)).check()
        raise


def _of_files(
    problems: Sequence[Problem],
    files: dict[str, str],
    plan: Plan | None,
    prices: LocalPrices | None,
) -> list[str]:
    """Name the rows of the files that were read, not those of a draft that was not written."""
    told = []
    for problem in problems:
        name = Path(problem.path).name
        place = ""
        if prices and name == "local_prices.csv":
            place = prices.source.name
        elif plan:
            service = _service_at(plan, name, files[name].splitlines()[: problem.line])
            rows = f", row {plan.rows[service] + 1}" if service else ""
            sheet = (
                "" if plan.source.name.startswith(f"{plan.sheet}.") else f", sheet '{plan.sheet}'"
            )
            place = f"{plan.source.name}{sheet}{rows}"
        elif prices:
            place = prices.source.name
        told.append(f"{place}: {problem.message}")
    return told


def _service_at(plan: Plan, name: str, lines: Sequence[str]) -> Service | None:
    """The service that a line of a file of the draft is of."""
    names = {line_name(service): service for service in plan.months}
    for line in reversed(lines):
        told = line.split(",")[0] if name == "plan.csv" else line.removeprefix("- id: ")
        if told in names and (name == "plan.csv" or told != line):
            return names[told]
    return None


def _only(providers: Sequence[str]) -> str:
    if len(providers) != 1:
        raise UsageError(
            f"the file holds several providers: {', '.join(providers)}",
            hint="a contract is of one: give --provider",
        )
    return providers[0]


def line_name(service: Service) -> str:
    """The name of the line of a service: `nel`, `nel-300`."""
    return "-".join(part.lower() for part in service if part)


def _lines(plan: Plan | None, codes: Codes, form: str) -> list[dict[str, Any]]:
    if plan is None:
        return [
            {"id": EVERYTHING, "title": "All activity", "form": {"kind": "cost_per_case"}},
        ]
    functions = {point for point, function in plan.months if function}
    lines = []
    for service, months in plan.months.items():
        point, function = service
        whole = sum(months.values(), Planned())
        select: dict[str, Any] = {"points_of_delivery": [point]}
        title = codes.titles.get(point, point)
        if function:
            select["treatment_functions"] = [function]
            title += f", treatment function {function}"
        line: dict[str, Any] = {"id": line_name(service), "title": title, "select": select}
        if function and (point, "") in plan.months:
            line["carved_from"] = [line_name((point, ""))]
        elif not function and point in functions:
            line["title"] += ", other treatment functions"
        line["plan"] = {
            "activity": _number(whole.activity),
            "price": _number(whole.price),
        }
        line["phasing"] = "plan"
        line["form"] = {"kind": "block" if codes.is_money_only(point) else form}
        lines.append(line)
    return lines


def _plan_rows(plan: Plan) -> Iterable[Row]:
    for service, months in plan.months.items():
        for month, planned in months.items():
            yield {
                "line": line_name(service),
                "month": str(month),
                "activity": written(planned.activity),
                "price": written(planned.price),
            }


# ---------------------------------------------------------------- manifests and tables


def _head(folder: Path, kind: str, title: str) -> dict[str, Any]:
    name = pack_id(folder.resolve().name) or kind
    return {"id": name, "version": "1.0.0", "kind": kind, "title": title}


def _origin(sources: Sequence[Source], about: About) -> dict[str, Any]:
    return {
        "last_checked": date.today(),
        "engine": ">=0.1",
        "sources": [
            {
                key: text
                for key, text in {
                    "title": source.name,
                    "edition": about.edition,
                    "publisher": about.publisher,
                    "licence": about.licence,
                    "file": source.name,
                    "sha256": source.sha256,
                }.items()
                if text
            }
            for source in sources
        ],
    }


def _number(number: Decimal) -> int | float:
    """A number for YAML; the text that it has there is the exact one."""
    text = written(number)
    return float(text) if "." in text else int(text)


def _yaml(manifest: dict[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=100)
    return text


def _table(columns: Sequence[str], rows: Iterable[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row[name] for name in columns] for row in rows)
    return buffer.getvalue()
