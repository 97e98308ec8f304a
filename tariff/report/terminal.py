"""The summary of a run on standard output, from its manifest alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tariff.report import safe, text

TOP_RULES = 5


def summary(manifest: dict[str, Any], console: Console, folder: Path | str | None = None) -> None:
    """Print what was read, grouped, priced and queried, and where the report lies.

    Text from packs and files is printed as it is, never as markup. Piped, it is plain text.
    """
    counts = {key: int(value or 0) for key, value in manifest.get("counts", {}).items()}
    for label, words in _facts(manifest, counts):
        _say(console, label, words)
    _kinds(manifest, console)
    if manifest.get("money", {}).get("billed"):
        _classes(manifest, console)
    _rules(manifest, console)
    for notice in manifest.get("notices", []):
        _say(console, "Note", str(notice))
    if folder is not None:
        _say(console, "Report", str(folder))


def _facts(manifest: dict[str, Any], counts: dict[str, int]) -> list[tuple[str, str]]:
    told = manifest.get("period", {})
    money = manifest.get("money", {})
    read = f"{text.counted(counts.get('rows_read', 0), 'row')}"
    if rejected := counts.get("rows_rejected", 0):
        lost = int(money.get("billed_in_rejects") or 0)
        read += f", {rejected:,} rejected" + (f" ({text.pounds(lost)} billed)" if lost else "")
    facts = [("Read", read)]
    if "spells" in manifest.get("kinds", {"spells": {}}):
        facts += _admitted(told, counts)
    if billed := int(money.get("billed") or 0):
        allowed = text.pounds(int(money.get("allowed") or 0))
        facts.append(
            ("Billed", f"{text.pounds(billed)}; {allowed} remains if every finding stands")
        )
    facts += _contract(manifest.get("contract", {}))
    return facts


def _admitted(told: dict[str, Any], counts: dict[str, int]) -> list[tuple[str, str]]:
    """What admitted care covers, and what of it was grouped and priced."""
    return [
        ("Covers", text.period(told.get("first_discharge"), told.get("last_discharge"))),
        (
            "Grouped",
            f"{counts.get('spells_grouped', 0):,} of "
            f"{text.counted(counts.get('spells', 0), 'spell')}"
            f", {counts.get('spells_in_error', 0):,} in error"
            f", {counts.get('spells_unmapped', 0):,} with no HRG",
        ),
        (
            "Priced",
            f"{counts.get('spells_priced', 0):,} in full"
            f", {counts.get('spells_incomplete', 0):,} incomplete",
        ),
    ]


def _contract(section: dict[str, Any]) -> list[tuple[str, str]]:
    """What the contract pays, and what of the findings is cash under it."""
    if not section:
        return []
    cash = section.get("cash", {})
    settled = text.pounds(int(cash.get("settled") or 0) - int(cash.get("settled_outside") or 0))
    return [
        (
            "Contract",
            f"{section['id']}: {text.pounds(int(section['payable']))} payable to date for "
            f"{text.pounds(int(section['tariff']))} billed",
        ),
        ("Cash", f"{text.pounds(int(cash.get('together') or 0))} of {settled} settled under it"),
    ]


def _kinds(manifest: dict[str, Any], console: Console) -> None:
    """What came of each kind of record, where there is more than admitted care; what matched."""
    kinds = manifest.get("kinds", {})
    if any(kind != "spells" for kind in kinds):
        table = _table("Records", "Rejected", "Number", "Billed", "Settled", "Allowed")
        for kind, line in kinds.items():
            table.add_row(
                kind.replace("_", " ").capitalize(),
                text.number(int(line["rows_rejected"])),
                text.number(int(line["records"])),
                *(text.pounds(int(line[name])) for name in ("billed", "settled", "allowed")),
            )
        console.print()
        console.print(table)
    for line in manifest.get("reconcile", []):
        _say(console, "Matched", _comparison(line))


def _comparison(line: dict[str, Any]) -> str:
    rate = "" if line["rate"] is None else f" ({line['rate']:.1%})"
    other = {"national": "the national record", "earlier": "the earlier snapshot"}[line["against"]]
    return (
        f"{line['matched']:,} of {line['here']:,} {line['kind'].replace('_', ' ')}{rate} with "
        f"{other}; {line['only_here']:,} only here, {line['only_there']:,} only there"
    )


def _classes(manifest: dict[str, Any], console: Console) -> None:
    table = _table("Queried", "Findings", "Of which ask", "Value", "Settled")
    under = []
    lines = manifest["money"].get("by_class", {})
    for key in text.CLASSES:
        line = lines.get(key, {})
        if line.get("findings") or key != "statistical":
            _class_row(table, text.CLASS_LABEL[key], line, text.number(line.get("questions")))
        for effect in text.EFFECTS:
            if effect in line:
                words = f"{text.CLASS_LABEL[key]}, {text.EFFECT_LABEL[effect]}"
                _class_row(table, words, line[effect], "")
        if pence := int(line.get("settled_under") or 0):
            under.append(f"{text.pounds(pence)} {key}")
    console.print()
    console.print(table)
    if under:
        words = f"under-charged, in the provider's favour: {', '.join(under)}"
        _say(console, "Of which", words)


def _class_row(table: Table, label: str, line: dict[str, Any], questions: str) -> None:
    table.add_row(
        label,
        text.number(int(line.get("findings") or 0)),
        questions,
        text.pounds(int(line.get("value") or 0)),
        text.pounds(int(line.get("settled") or 0)),
    )


def _rules(manifest: dict[str, Any], console: Console) -> None:
    rules = manifest.get("rules", [])
    found = [rule for rule in rules if rule.get("ran") and rule.get("findings")]
    found.sort(key=lambda rule: (-abs(int(rule.get("settled") or 0)), str(rule.get("id"))))
    if found:
        title = "Top rules" if len(found) > TOP_RULES else "Rules"
        table = _table(title, "Findings", "Settled")
        for rule in found[:TOP_RULES]:
            table.add_row(
                _plain(f"{rule.get('id')} {rule.get('title', '')}"),
                text.number(int(rule["findings"])),
                text.pounds(int(rule.get("settled") or 0)),
            )
        console.print()
        console.print(table)
        console.print()
    ran = sum(1 for rule in rules if rule.get("ran"))
    waiting = [str(rule.get("id")) for rule in rules if not rule.get("ran")]
    words = f"{ran:,} ran, {len(found):,} with findings"
    if waiting:
        listed = ", ".join(waiting[:8]) + (", ..." if len(waiting) > 8 else "")
        words += f"; {len(waiting):,} not run ({listed}): the report says why"
    _say(console, "Rules", words)


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column(first, header_style="bold", overflow="fold")
    for title in numbers:
        table.add_column(title, header_style="bold", justify="right", no_wrap=True)
    return table


def _say(console: Console, label: str, words: str) -> None:
    console.print(Text.assemble((f"{label:<9}", "bold"), _plain(words)), soft_wrap=True)


def _plain(words: str) -> Text:
    return Text(safe.printable(words).replace("\r", " ").replace("\n", " "))
