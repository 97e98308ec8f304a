"""`docs/signature-catalogue.md`: what the shipped rules are, and what is not among them."""

from __future__ import annotations

from itertools import groupby

from tariff.extract.fields import REGISTERS
from tariff.packs.load import load_packs
from tariff.packs.model import Rule

FAMILIES = {
    "DUP": "Duplicates and double billing",
    "SPL": "Spells and how they are put together",
    "EMR": "Emergency admissions and attendances",
    "RDM": "Readmission",
    "HRG": "Clinical coding and HRGs",
    "LOS": "Days of the stay",
    "UNB": "Critical care, unbundled items, drugs and devices",
    "OPA": "Outpatients",
    "SET": "Setting and patient classification",
    "COM": "Commissioner, eligibility and identity",
    "PRC": "Prices and contracts",
    "POL": "Commissioning policies and prior approval",
    "MAT": "Maternity",
    "REC": "Comparison of files",
}

# Numbers of the catalogue that are no rule of one record, pair, set, register or file.
RATES = "a rate over many records; statistical rules come later"
LEFT_OUT = {
    "SPL10": ("episodes for each spell", RATES),
    "EMR03": ("admissions at the edge of four hours", RATES),
    "EMR06": ("recording of same day emergency care moved", RATES),
    "EMR11": ("investigations of emergency attendances", RATES),
    "EMR14": ("share of attendances admitted", RATES),
    "RDM03": ("returns at the edge of the readmission window", RATES),
    "RDM04": (
        "chain of readmissions",
        "a guard, not a rule: a readmission follows the nearest stay before it and is valued once",
    ),
    "HRG06": ("rate of secondary codes", RATES),
    "HRG07": ("share of dearer splits", RATES),
    "HRG18": ("coding that comes late", RATES),
    "HRG20": ("birth weights at thresholds", RATES),
    "HRG21": ("complication scores at thresholds", RATES),
    "HRG24": ("rate of palliative and other codes", RATES),
    "LOS05": ("stays at the trim point", RATES),
    "LOS06": ("stays of two days", RATES),
    "UNB03": ("organs supported at thresholds", RATES),
    "OPA13": ("follow-ups for each first attendance", RATES),
    "OPA15": ("treatment functions that move", RATES),
    "PRC05": (
        "marginal rates and thresholds",
        "a sum over the year: `tariff price --contract` and `--policies` work it out",
    ),
    "MAT05": ("short antenatal admissions", RATES),
    "REC07": ("value that rises between snapshots", RATES),
    **{
        f"AGG{number:02}": (title, RATES)
        for number, title in enumerate(
            (
                "counting changes without notice",
                "case mix index",
                "depth of coding",
                "growth without referrals",
                "values at thresholds",
                "outlying consultants or coders",
                "price for each spell",
                "overspend by cause",
                "selective completeness",
                "choice of simple patients",
                "clinics on closed days",
                "round and default values",
                "admissions sensitive to ambulatory care",
            ),
            1,
        )
    },
    "AGG14": (
        "under-charges",
        "no rule of its own: every rule with a signed value shows both directions",
    ),
}


def page() -> str:
    """Give the page, from the rules as they ship."""
    rules = sorted((rule for _, rule in load_packs().rules()), key=lambda rule: rule.id)
    lines = [
        "# The signatures that ship",
        "",
        "<!-- Made from rules/signatures by tools/build_docs.py: do not edit. -->",
        "",
        f"{len(rules)} rules in `rules/signatures/`. `tariff explain ID` shows a rule with its",
        "wording, reasons and sources; the language is described in",
        "[signatures.md](signatures.md), the registers in [registers.md](registers.md). Ids are a",
        "family and a number and are never used again. An ordinary run has the stable rules of",
        "level high; `--level medium` and `--level low` add others, `--select ID` runs any. A rule",
        "whose columns or registers are not given is reported as not run.",
        "",
        "*Budget*: the most findings of a rule for 10,000 records of its kinds in an honest year;",
        "deterministic rules have none.",
        "",
        *_left_out_count(rules),
    ]
    for family, found in groupby(rules, key=lambda rule: rule.id[:3]):
        lines += [
            "",
            f"## {FAMILIES[family]}",
            "",
            "| id | what appears | records | class, level | status | step | remedy | budget "
            "| registers, files |",
            "|---|---|---|---|---|---|---|---|---|",
            *map(_row, found),
        ]
    lines += [
        "",
        "## Not among them",
        "",
        "| number | what | why |",
        "|---|---|---|",
        *(f"| {name} | {what} | {why} |" for name, (what, why) in LEFT_OUT.items()),
    ]
    return "\n".join(lines) + "\n"


def _left_out_count(rules: list[Rule]) -> list[str]:
    by_class = {
        name: sum(rule.class_ == name for rule in rules)
        for name in ("deterministic", "presumptive")
    }
    return [
        f"{by_class['deterministic']} are deterministic and {by_class['presumptive']} presumptive",
        f"by their first tier. {len(LEFT_OUT)} numbers of the catalogue are not rules here: see",
        "the end.",
    ]


def _row(rule: Rule) -> str:
    certainty = f"{rule.class_}, {rule.level}"
    if rule.tiers:
        certainty = "; ".join(f"{t.name}: {t.class_}, {t.level}" for t in rule.tiers)
    remedy = rule.remedy.kind.replace("_", " ")
    if rule.remedy.what:
        remedy += f" ({rule.remedy.what.replace('_', ' ')})"
    files = {name for items in rule.needs.values() for item in items for name in _files(item)}
    shown = ", ".join(sorted(files))
    cells = (
        rule.id,
        rule.title,
        ", ".join(rule.of).replace("_", " "),
        certainty,
        rule.status,
        rule.step,
        remedy,
        f"{rule.budget:f}" if rule.budget else "0",
        shown,
    )
    return "| " + " | ".join(cells) + " |"


def _files(need: str) -> list[str]:
    """Give the registers and files beside the extract that a need names."""
    found = []
    for way in need.replace("+", "|").split("|"):
        source, _, _ = way.rpartition("/")
        kind = way.rpartition("/")[2].partition(":")[0]
        if source:
            found.append(f"`--against {source}`")
        elif ":" in way and kind in REGISTERS:
            found.append(f"`{kind}`")
    return found
