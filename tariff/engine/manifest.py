"""The manifest of a run: what was read, with which packs, what came out, and that it adds up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

import tariff
from tariff._core import group as core
from tariff.engine.columns import SpellColumns
from tariff.engine.kind_counts import Counted, compared, pence, total
from tariff.engine.mark_notices import exclusion_counts, mark_notices
from tariff.engine.match import MOST_SPELLS
from tariff.engine.price import EPOCH
from tariff.engine.reasons import CATEGORIES, GROUP_REASONS, INCOMPLETE, PRICE_REASONS
from tariff.engine.select import Selected
from tariff.extract.nhs_number import is_nhs_number
from tariff.packs.compile import NULL64, Rulebook
from tariff.packs.editions import Editions
from tariff.packs.load import LoadedPack
from tariff.packs.model import STEPS, TariffPack

if TYPE_CHECKING:
    from tariff.engine.run import Options
    from tariff.engine.run_inputs import Given
    from tariff.engine.run_read import Read
    from tariff.extract import Extract
    from tariff.extract.source import InputFile

CLASSES = ("deterministic", "presumptive", "statistical")
NOT_FOR_GOOD = ("suspended", "system_neutral")  # effects whose money no one saves as cash


def build_manifest(
    given: Given,
    options: Options,
    rulebook: Rulebook,
    read: Read,
    selected: Sequence[Selected],
    findings: pa.Table,
    counted: Counted,
    started: datetime,
) -> dict[str, Any]:
    """Give the manifest, docs/architecture.md. Money is pence."""
    columns = read.columns
    kinds = counted.by_kind(given)
    return {
        **about_run(started),
        "options": _options(options),
        "inputs": given.inputs(),
        **_beside(given),
        "packs": [pack_entry(pack) for pack in _used_by(rulebook, read, selected)],
        "counts": _counts(kinds, columns, findings),
        "kinds": kinds,
        "errors_by_category": _names_counted(columns.groups.row_category, CATEGORIES, columns),
        "unmapped": _reasons(columns),
        "excluded": exclusion_counts(columns),
        "period": _period(columns),
        "reconcile": compared(read.records),
        "money": _money(kinds, columns, findings, counted.beside),
        "rules": [rule_entry(item, findings) for item in selected],
        "notices": _notices(given, read, rulebook),
    }


def _beside(given: Given) -> dict[str, Any]:
    """Say what the extract was matched against."""
    out: dict[str, Any] = {}
    if given.history:
        out["history"] = given.inputs("history")
    against = {name: given.inputs(name) for name in ("national", "earlier") if given.of(name)}
    if against:
        out["against"] = against
    if given.registers:
        out["registers"] = [
            {"register": register.name, **input_entry(register.input, "register")}
            for register in given.registers
        ]
    return out


def _used_by(rulebook: Rulebook, read: Read, selected: Sequence[Selected]) -> list[LoadedPack]:
    """Give the packs behind the spells, and those that other care was grouped and priced with."""
    used = {pack.manifest.id: pack for pack in used_packs(rulebook, read.columns, selected)}
    for block in read.others().values():
        for pack in block.packs:
            used.setdefault(pack.manifest.id, pack)
    return list(used.values())


def about_run(started: datetime) -> dict[str, Any]:
    """Say which version ran, and when."""
    finished = datetime.now(UTC)
    return {
        "tariff": {"version": tariff.__version__, "core": core.__name__},
        "run": {
            "started": started.isoformat(timespec="seconds"),
            "finished": finished.isoformat(timespec="seconds"),
            "seconds": round((finished - started).total_seconds(), 3),
        },
    }


def inputs_of(extract: Extract) -> list[dict[str, Any]]:
    """Say what was read."""
    return [input_entry(item, extract.layout_id) for item in extract.inputs]


def input_entry(item: InputFile, layout: str) -> dict[str, Any]:
    """Say what a file was, and how it was read."""
    return {
        "file": Path(item.name).name,
        "bytes": item.bytes,
        "sha256": item.sha256,
        "layout": layout,
        "rows": item.rows,
    }


def _options(options: Options) -> dict[str, Any]:
    return {
        "packs": [path.name for path in options.packs],
        "year": options.year,
        "mff": None if options.mff.factor is None else options.mff.factor / 10**9,
        "mff_year": options.mff.year,
        **edition_entries(options.editions),
        "price_at": options.price_at,
        "select": list(options.select),
        "level": options.level,
        "contract": options.contract and Path(options.contract).name,
        "grouped": [path.name for path in (options.grouped, options.grouped_spells) if path],
        "national_keys": options.national_keys.name if options.national_keys else None,
        "delayed_discharge": options.terms.delayed_discharge,
        "rounding": options.terms.rounding,
        "periods": [path.name for path in options.periods],
    }


def edition_entries(editions: Editions) -> dict[str, Any]:
    """Say which editions were asked for; the packs of the manifest say which served."""
    return {"editions": dict(editions.by_year), "tariffs": list(editions.packs)}


def used_packs(
    rulebook: Rulebook, columns: SpellColumns, selected: Sequence[Selected] = ()
) -> list[LoadedPack]:
    """Give the packs that grouped, priced and matched."""
    used: dict[str, LoadedPack] = {}
    for index in np.unique(columns.groups.grouper):
        for pack in rulebook.groupers[int(index)].used:
            used[pack.manifest.id] = pack
    for index in np.unique(columns.prices.tariff):
        if index >= 0:
            pack = rulebook.prices.packs[int(index)]
            used[pack.manifest.id] = pack
    for pack in (*columns.prices.mff_packs, rulebook.points_of_delivery.pack):
        used[pack.manifest.id] = pack
    for pack_id in sorted({item.pack for item in selected}):
        used[pack_id] = rulebook.packs.by_id(pack_id)
    return list(used.values())


def pack_entry(pack: LoadedPack) -> dict[str, Any]:
    """Say which pack was used."""
    manifest = pack.manifest
    return {
        "id": manifest.id,
        "version": manifest.version,
        "kind": manifest.kind,
        "title": manifest.title,
        "provenance": manifest.provenance,
        "partial": isinstance(manifest, TariffPack) and manifest.partial,
        "edition": manifest.edition if isinstance(manifest, TariffPack) else None,
        "sha256": pack.sha256,
        "last_checked": manifest.last_checked.isoformat(),
    }


def _counts(
    kinds: dict[str, dict[str, int]], columns: SpellColumns, findings: pa.Table
) -> dict[str, int]:
    groups, prices = columns.groups, columns.prices
    kept = columns.spells.perm
    priced = prices.pre_mff != NULL64
    complete = (prices.reasons & INCOMPLETE) == 0
    return {
        "rows_read": sum(kind["rows_read"] for kind in kinds.values()),
        "rows_rejected": sum(kind["rows_rejected"] for kind in kinds.values()),
        "records": sum(kind["records"] for kind in kinds.values()),
        "episodes": len(kept),
        "duplicate_rows": len(columns.spells.copies),
        "spells": len(columns),
        "episodes_in_error": int((groups.row_category[kept] != 0).sum()),
        "spells_in_error": int((groups.category != 0).sum()),
        "spells_grouped": int(((groups.hrg >= 0) & (groups.category == 0)).sum()),
        "spells_unmapped": int((groups.hrg < 0).sum()),
        "spells_official": int((columns.official & (groups.hrg >= 0)).sum()),
        "spells_priced": int((priced & complete).sum()),  # in full
        "spells_incomplete": int((priced & ~complete).sum()),
        "findings": findings.num_rows,
    }


def _names_counted(
    values: NDArray[np.uint8], names: Sequence[str], columns: SpellColumns
) -> dict[str, int]:
    counts = np.bincount(values[columns.spells.perm], minlength=len(names))
    return {name: int(n) for name, n in zip(names, counts, strict=True) if name and n}


def _reasons(columns: SpellColumns) -> dict[str, int]:
    counts = np.bincount(columns.groups.reason, minlength=len(GROUP_REASONS))
    return {name: int(n) for name, n in zip(GROUP_REASONS, counts, strict=True) if name and n}


def _period(columns: SpellColumns) -> dict[str, Any]:
    discharged = columns.number("discharge_date")
    known = discharged[discharged != NULL64]
    counts = np.bincount(
        columns.price_input.year[columns.price_input.year >= 0],
        minlength=len(columns.price_input.years),
    )
    return {
        "first_discharge": _day(int(known.min())) if len(known) else None,
        "last_discharge": _day(int(known.max())) if len(known) else None,
        "years": dict(
            sorted(
                (year, int(n)) for year, n in zip(columns.price_input.years, counts, strict=True)
            )
        ),
    }


def _day(days: int) -> str:
    return (EPOCH + timedelta(days=days)).isoformat()


def _money(
    kinds: dict[str, dict[str, int]], columns: SpellColumns, findings: pa.Table, beside: int
) -> dict[str, Any]:
    in_all = {
        name: sum(kind[name] for kind in kinds.values())
        for name in ("billed", "billed_in_copies", "billed_in_rejects", "allowed")
    }
    settled = findings["settled_pence"]
    over = pc.if_else(pc.greater(settled, 0), settled, 0)
    under = pc.if_else(pc.less(settled, 0), settled, 0)
    complete = (columns.prices.reasons & INCOMPLETE) == 0
    by_class, by_step = {}, []
    for name in CLASSES:
        by_class[name] = _of_class(findings.filter(pc.equal(findings["class"], name)))
    for step in STEPS:
        part = findings.filter(pc.equal(findings["step"], step))
        if part.num_rows:
            by_step.append(
                {
                    "step": step,
                    "findings": part.num_rows,
                    "settled": pence(part["settled_pence"]),
                }
            )
    money: dict[str, Any] = {
        **in_all,
        "settled": pence(settled) - beside,
        "settled_beside": beside,
        "settled_over": pence(over),
        "settled_under": pence(under),
        "priced_total": total(np.where(complete, columns.prices.total, NULL64)),
        "priced_pre_mff": total(columns.prices.pre_mff),
        "by_class": by_class,
        "by_step": by_step,
    }
    assert money["billed"] - money["settled"] == money["allowed"], "the settlement does not add up"
    return money


def _of_class(findings: pa.Table) -> dict[str, Any]:
    """Say what findings of a class come to: cash, and apart from it what is not saved for good."""
    apart = {
        effect: findings.filter(pc.equal(findings["effect"], effect)) for effect in NOT_FOR_GOOD
    }
    cash = findings.filter(
        pc.invert(pc.is_in(findings["effect"], value_set=pa.array(NOT_FOR_GOOD)))
    )
    return {
        "findings": cash.num_rows,
        "questions": cash["value_pence"].null_count,  # they ask, and carry no value
        **_sums(cash),
        **{
            effect: {"findings": part.num_rows, **_sums(part)}
            for effect, part in apart.items()
            if part.num_rows
        },
    }


def _sums(findings: pa.Table) -> dict[str, int]:
    settled = findings["settled_pence"]
    return {
        "value": pence(findings["value_pence"]),
        "settled": pence(settled),
        "settled_under": pence(pc.if_else(pc.less(settled, 0), settled, 0)),
    }


def rule_entry(item: Selected, findings: pa.Table) -> dict[str, Any]:
    """Say what a rule is, on what it ran, and what it found."""
    rule = item.rule
    mine = findings.filter(pc.equal(findings["rule"], rule.id))
    return {
        "id": rule.id,
        "version": rule.version,
        "name": rule.name,
        "title": rule.title,
        "class": rule.class_,
        "status": rule.status,
        "level": rule.level,
        "step": rule.step,
        "remedy": rule.remedy.kind,
        "ran": not item.not_run,
        "not_run": item.not_run,
        "kinds": list(item.kinds),
        "note": "; ".join(filter(None, (item.note, item.kinds_note))),
        "findings": mine.num_rows,
        "value": pence(mine["value_pence"]),
        "settled": pence(mine["settled_pence"]),
        "what": rule.what,
        "why": rule.why,
        "ask": rule.ask,
        "legitimate_reasons": list(rule.legitimate_reasons),
        "sources": [_source(source) for source in rule.sources],
        "params": {name: str(value) for name, value in rule.params.items()},
        "needs": {kind: list(needs) for kind, needs in rule.needs.items()},
    }


def _source(source: Any) -> str:
    parts = [source.title, source.edition, source.publisher, source.note]
    return ". ".join(part.rstrip(".") for part in parts if part)


def _notices(given: Given, read: Read, rulebook: Rulebook) -> list[str]:
    notices = [*rulebook.packs.notices, *given.notices, *read.notices]
    spells = given.of("extract").get("spells")
    if spells is not None:
        notices += _spell_notices(spells, read.columns, rulebook)
    for block in read.others().values():
        notices += block.notices
    return list(dict.fromkeys(notices))


def _spell_notices(extract: Extract, columns: SpellColumns, rulebook: Rulebook) -> list[str]:
    notices = []
    dates = [n for n in ("admission_date", "discharge_date") if n not in extract.fields]
    if dates:
        notices.append(
            f"The extract carries no {' and no '.join(n.replace('_', ' ') for n in dates)}, so the "
            "dates in this report are empty."
        )
    years = columns.price_input.years
    if not years:
        notices.append(
            "Nothing was priced: without a discharge date the tariff year is not known. Give it "
            "with --year, for example --year 2024/25."
        )
    elif "discharge_date" not in extract.fields:
        notices.append(f"The tariff year {years[0]} is the one given with --year.")
    for year in years:
        if rulebook.prices.index_of_year(year) < 0:
            held = ", ".join(rulebook.prices.of_year)
            notices.append(f"No price list of {year} is held (held: {held}): not priced.")
    disagree = columns.spells.rows_disagree()
    if disagree:
        notices.append(
            f"Spells whose rows carry different billed money: {disagree:,}. The last row that "
            "carries any counts."
        )
    notices += columns.deductions.notices
    notices += _crowd_notice(columns)
    notices += _identity_notice(columns)
    notices += _validation_notice(columns)
    notices += _mff_notice(columns)
    notices += _price_notice(columns)
    return notices + mark_notices(columns)


def _crowd_notice(columns: SpellColumns) -> list[str]:
    """Say which spells rules on pairs leave out, because their patient number is no person's."""
    if "patient_id" not in columns.frame.texts:
        return []
    patient = columns.codes("patient_id")[0]
    count = np.bincount(patient[patient >= 0], minlength=1)
    crowds = count[count > MOST_SPELLS]
    if not len(crowds):
        return []
    return [
        f"Patient numbers with more than {MOST_SPELLS:,} spells are taken to stand for many: "
        f"{int(crowds.sum()):,} spells of {len(crowds):,} such numbers were left out of signatures "
        "that compare the spells of a patient."
    ]


def _identity_notice(columns: SpellColumns) -> list[str]:
    """Warn where what should be a pseudonym looks like an NHS number."""
    out = []
    for name, texts in sorted(columns.frame.texts.items()):
        sample = texts.values[:1000].to_pylist()
        if len(sample) >= 10 and sum(map(is_nhs_number, sample)) > len(sample) / 2:
            out.append(
                f"The column {name} appears to hold NHS numbers. This tool needs a pseudonym "
                "only: check that you may hold them here."
            )
    return out


def _validation_notice(columns: SpellColumns) -> list[str]:
    if "diag_01" not in columns.frame.fields:
        return ["The extract carries no diagnoses, so nothing was grouped."]
    rules = columns.rulebook.groupers[int(columns.groups.grouper[0])].field_values
    absent = [
        name
        for name in rules.mandatory
        if name not in columns.frame.fields and name not in ("provider", "spell_id")
    ]
    if not absent:
        return []
    return [f"Not validated, because the extract does not carry them: {', '.join(absent)}."]


def _price_notice(columns: SpellColumns) -> list[str]:
    """Count why spells have no price, or not a complete one."""
    if not columns.price_input.years:
        return []
    counts = {
        name: int((columns.prices.reasons >> bit & 1).sum())
        for bit, name in enumerate(PRICE_REASONS)
        if INCOMPLETE >> bit & 1
    }
    told = [f"{name} {n:,}" for name, n in counts.items() if n]
    return [f"Spells without a complete price, by reason: {', '.join(told)}."] if told else []


def _mff_notice(columns: SpellColumns) -> list[str]:
    unknown = columns.prices.mff == NULL64
    unknown &= columns.prices.pre_mff != NULL64
    if not unknown.any():
        return []
    ids = np.unique(columns.price_input.provider[unknown])
    names = sorted(columns.price_input.providers[int(i)] for i in ids)
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return [
        f"No market forces factor is held for {shown}: {int(unknown.sum()):,} spells have a price "
        "before MFF and no total. Give one with --mff."
    ]
