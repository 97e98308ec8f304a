"""Random small histories of patients and local terms; the stays the oracle sees of a run."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tariff.engine.columns import SpellColumns
from tariff.engine.pipeline import Stages, read_frame, run_stages
from tariff.engine.price import MffChoice
from tariff.engine.tables import episodes_table, spells_table
from tariff.packs.compile import Rulebook
from tariff.packs.local_policies import (
    LocalMarginalRate,
    LocalPolicies,
    LocalReadmissions,
    MarginalTerm,
    ReadmissionTerm,
)
from tariff.packs.model import Code
from tariff.reference.readmissions import Stay
from tests.differential.strategies import often
from tests.engine.extracts import STAY, Row, extract_of

FACTOR_ONE = MffChoice(factor=10**9)
STARTS = ("2010-11-20", "2011-03-10", "2012-03-10", "2016-03-05", "2017-05-01", "2019-03-01")
PROVIDERS = ("R1H", "RXX", "RYY")
COMMISSIONERS = ("01A", "02B", "")
# What turns each exclusion on, and near misses.
ODD: tuple[dict[str, str], ...] = (
    {"billed_hrg": "NZ30C"}, {"billed_hrg": "VA14B"}, {"billed_hrg": "VA13B"},
    {"billed_hrg": "XX99Z"}, {"billed_hrg": "LA08E"}, {"diag_02": "C509"}, {"diag_01": "D480"},
    {"diag_02": "D360"}, {"diag_02": "V031"}, {"diag_01": "V031"}, {"diag_03": "Z940"},
    {"oper_01": "M011"}, {"oper_01": "X403"}, {"oper_01": "X723"}, {"age": "3"}, {"age": "4"},
    {"discharge_method": "2"}, {"discharge_method": "4"}, {"admission_method": "2B"},
    {"admission_method": "28", "admission_source": "51"}, {"admission_method": "28"},
    {"admission_method": "31"}, {"admission_method": ""}, {"commissioner": "7A1"},
    {"provider": "7A3"}, {"commissioning_serial_number": "X="}, {"treatment_function": "424"},
    {"patient_id": ""}, {"admission_date": ""}, {"discharge_date": ""}, {"billed_total": ""},
    {"billed_total": "-12.34"}, {"patient_classification": "3", "admission_method": "12"},
)  # fmt: skip


def _time(rng: Random) -> str:
    return rng.choice(["", "", "09:30", "18:00"])


def random_rows(rng: Random, spells: int, first_day: str = "") -> list[Row]:
    """Episodes of a few patients within some months, so that they follow each other closely."""
    start = date.fromisoformat(first_day or rng.choice(STARTS))
    rows: list[Row] = []
    for number in range(spells):
        admitted = start + timedelta(days=rng.randint(0, 75))
        discharged = admitted + timedelta(days=rng.choice([0, 0, 1, 2, 9, -1]))
        row = {
            **STAY,
            "provider": rng.choice(PROVIDERS),
            "commissioner": rng.choice(COMMISSIONERS),
            "patient_id": rng.choice(["P1", "P2", "P3"]),
            "spell_id": f"S{rng.randint(0, 99):02}{number}",
            "admission_method": rng.choice(["11", "13", "21", "21", "22", "2A"]),
            "admission_date": admitted.isoformat(),
            "admission_time": _time(rng),
            "discharge_date": discharged.isoformat(),
            "discharge_time": _time(rng),
            "billed_hrg": rng.choice(["DZ11V", "DZ11C", "EB07E", "EB07H"]),
            "billed_total": f"{rng.randint(0, 400000) / 100:.2f}",
            "diag_02": "I10X",
            "diag_03": "",
            "oper_01": "",
            "commissioning_serial_number": "",
            **often(rng, {}, ODD, 0.45),
        }
        rows.append(row)
        if rng.random() < 0.15:
            rows.append({**row, "episode_order": "2", **often(rng, {}, ODD[5:14], 0.5),
                         "provider": row["provider"], "billed_hrg": row["billed_hrg"],
                         "billed_total": row["billed_total"]})  # fmt: skip
    return rows


def random_local(rng: Random) -> LocalPolicies:
    """Terms of some providers and years, with a commissioner or without."""
    shares = [None, None, Decimal(0), Decimal("0.25"), Decimal("0.333333"), Decimal(1)]
    readmission, marginal = [], []
    years = ("2010/11", "2011/12", "2012/13", "2015/16", "2016/17", "2017/18", "2018/19")
    for provider in PROVIDERS:
        for year in years:
            for terms, of in ((readmission, ReadmissionTerm), (marginal, MarginalTerm)):
                if rng.random() < 0.3:
                    continue
                who = rng.choice([("",), ("01A",), ("01A", "02B")])
                for commissioner in who:
                    given: dict[str, Any] = {
                        "provider": Code(provider),
                        "year": year,
                        "commissioner": Code(commissioner),
                    }
                    if of is MarginalTerm:
                        given["baseline"] = Decimal(rng.randint(0, 900000)) / 100
                        offers = ["", "enhanced", "default"] if year == "2015/16" else [""]
                        given["offer"] = rng.choice(offers)
                    else:
                        given |= {
                            "avoidable_share": rng.choice(shares),
                            "elective_share": rng.choice(shares[:5]),
                            "threshold": rng.choice([None, 0, 1, 2]),
                        }
                    terms.append(of(**given))  # type: ignore[attr-defined]
    return LocalPolicies(
        amount=rng.choice(["priced", "billed"]),  # type: ignore[arg-type]
        readmissions=LocalReadmissions(
            exclusions=often(rng, {}, [{"cancer": False}, {"index_died": False}]),
            terms=readmission,
        ),
        marginal_rate=LocalMarginalRate(
            out_of_scope=often(rng, {}, [{"transfer": False}]), terms=marginal
        ),
    )


def priced(rulebook: Rulebook, rows: list[Row]) -> SpellColumns:
    """The spells of some rows, grouped and priced."""
    extract = extract_of(rows)
    frame = read_frame(extract.batches(), extract.fields)
    return run_stages(rulebook, frame, Stages(mff=FACTOR_ONE)).columns


def stays_of_run(columns: SpellColumns, rows: list[Row], local: LocalPolicies) -> list[Stay]:
    """What the oracle sees: codes and times from the rows, groups and prices from the engine."""
    unbundled: dict[tuple[str, str], list[str]] = {}
    for episode in episodes_table(columns).to_pylist():
        key = episode["provider"], episode["spell_id"]
        unbundled.setdefault(key, []).extend(episode["unbundled_hrgs"])
    out = []
    for spell in spells_table(columns).to_pylist():
        key = spell["provider"], spell["spell_id"]
        own = sorted(
            (row for row in rows if (row["provider"], row["spell_id"]) == key),
            key=lambda row: row["episode_order"],
        )
        first, last = own[0], own[-1]
        amount = spell["total_pence"] if spell["complete"] else None
        out.append(
            Stay(
                provider=key[0],
                spell_id=key[1],
                patient=first["patient_id"],
                commissioner=first["commissioner"],
                admitted=spell["admission_date"],
                discharged=spell["discharge_date"],
                admission_time=minutes(first["admission_time"]),
                discharge_time=minutes(last["discharge_time"]),
                admission_method=first["admission_method"],
                admission_source=first["admission_source"],
                discharge_method=last["discharge_method"],
                age=int(first["age"]),
                hrg=spell["priced_hrg"] or "",
                unbundled=tuple(unbundled[key]),
                diagnoses=tuple((r["diag_01"], r["diag_02"], r["diag_03"]) for r in own),
                procedures=tuple((r["oper_01"],) for r in own),
                price_reasons=tuple((spell["price_reasons"] or "").split()),
                amount=spell["billed_pence"] if local.amount == "billed" else amount,
            )
        )
    return out


def minutes(text: str) -> int | None:
    """Minutes since midnight of HH:MM."""
    return int(text[:2]) * 60 + int(text[3:]) if text else None
