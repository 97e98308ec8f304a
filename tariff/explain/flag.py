"""The pages of a best practice flag and of a specialised service, by the years that have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from tariff.explain.areas import lists_of, money, rows_of
from tariff.explain.beside import sheets_of
from tariff.explain.hrg import bound
from tariff.explain.page import Page
from tariff.packs.compile import Rulebook
from tariff.packs.load import LoadedPack
from tariff.packs.model import TariffPack
from tariff.reference.values import code_of_service
from tariff.report.text import DASH, counted, sentence_list

FLAGS, PRICES, CODES = "best_practice_flags", "best_practice_prices", "best_practice_codes"

# what a flag rule asks for, as its sheet prints it
CRITERIA = (
    ("admission_methods", "admission methods"),
    ("hrg_lists", "HRG lists"),
    ("procedure_lists", "procedure lists"),
    ("procedure_position", "procedure position"),
    ("procedure_qualifiers", "procedure qualifiers"),
    ("secondary_procedures", "secondary procedures"),
    ("diagnosis_lists", "diagnosis lists"),
    ("diagnosis_position", "diagnosis position"),
    ("setting", "setting"),
    ("other", "other"),
)


def named_page(rulebook: Rulebook, word: str) -> Page | None:
    """Give the page of a flag or a specialised service, None where no year has the name."""
    wanted = word.strip().upper()
    return _flag_page(rulebook, wanted) or _service_page(rulebook, wanted)


# ---------------------------------------------------------------- a flag


def _flag_page(rulebook: Rulebook, flag: str) -> Page | None:
    held = [
        (year, pack, manifest, [row for row in rows_of(pack, FLAGS) if row["flag"] == flag])
        for year, pack, manifest in lists_of(rulebook)
    ]
    held = [item for item in held if item[-1]]
    if not held:
        return None
    page = Page(f"{flag}: {held[-1][-1][0]['name']}, a best practice flag")
    _criteria(page, [(year, pack, rules) for year, pack, _, rules in held])
    page.heading("Prices before the market forces factor")
    page.grid(
        ["Year", "*Area", "*Setting", "Payment", "Short stay", ">HRGs", ">From", ">To"],
        [line for year, pack, _, _ in held for line in _prices(year, pack, flag)],
    )
    page.bullets(["tariff explain HRG tells each price of an HRG, and who is paid it"])
    _sources(page, [(year, pack, manifest) for year, pack, manifest, _ in held], (FLAGS, PRICES))
    return page


def _criteria(page: Page, held: Sequence[tuple[str, LoadedPack, list[dict[str, str]]]]) -> None:
    """Add what the flag asks for; years that print the same share a list."""
    printed: dict[tuple[str, ...], list[str]] = {}
    for year, pack, rules in held:
        printed.setdefault(tuple(_rule(pack, rule) for rule in rules), []).append(year)
    page.heading("Who has it, as printed")
    for lines, years in printed.items():
        several = ", any of these rules" if len(lines) > 1 else ""
        page.say(f"{', '.join(years)}{several}:")
        page.bullets(lines)


def _rule(pack: LoadedPack, rule: dict[str, str]) -> str:
    ages = bound(rule["age_min"], rule["age_max"])
    parts = [f"age {ages}"] if ages else []
    lists: dict[str, int] = {}
    for row in rows_of(pack, CODES):
        lists[row["list"]] = lists.get(row["list"], 0) + 1
    for key, title in CRITERIA:
        if rule[key]:
            names = rule[key].split() if key.endswith("_lists") else []
            told = [f"{name} ({_size(lists, name)})" for name in names]
            parts.append(f"{title} {', '.join(told) or rule[key]}")
    return f"rule {rule['rule']}: " + "; ".join(parts)


def _size(lists: dict[str, int], name: str) -> str:
    return counted(lists[name], "code") if name in lists else "not printed"


def _prices(year: str, pack: LoadedPack, flag: str) -> list[list[str]]:
    """Give how many HRGs have a price of each kind, the lowest and the highest."""
    kinds: dict[tuple[str, ...], list[str]] = {}
    for row in rows_of(pack, PRICES):
        if row["flag"] == flag:
            key = tuple(row[name] for name in ("area", "setting", "payment", "short_stay"))
            kinds.setdefault(key, []).append(row["price"])
    return [
        [
            year,
            area,
            setting.replace("_", " ") or DASH,
            payment.replace("_", " "),
            "reduced" if short == "yes" else "",
            f"{len(prices):,}",
            money(min(prices, key=Decimal)),
            money(max(prices, key=Decimal)),
        ]
        for (area, setting, payment, short), prices in kinds.items()
    ]


# ---------------------------------------------------------------- a specialised service


def _service_page(rulebook: Rulebook, word: str) -> Page | None:
    wanted = code_of_service(word)
    held = [
        (year, pack, manifest, row)
        for year, pack, manifest in lists_of(rulebook)
        for row in rows_of(pack, "top_ups")
        if code_of_service(row["service"]) == wanted
    ]
    if not held:
        return None
    page = Page(f"{held[-1][-1]['service']}: {held[-1][-1]['name']}, a specialised service")
    page.heading("Top-up")
    page.grid(
        ["Year", "*Name", ">Rate", "*Note", "Taken on", ">Providers", ">Codes"],
        [
            [
                year,
                row["name"],
                f"{float(row['rate']):g}%" if row["rate"] else "none",
                row["note"],
                "base, short stay"
                + "".join(
                    f", {part.replace('_', ' ')}"
                    for part in (manifest.top_up_rule.also_on if manifest.top_up_rule else ())
                ),
                _count(pack, "top_up_providers", wanted, _of_provider),
                _count(pack, "top_up_codes", wanted, _of_code),
            ]
            for year, pack, manifest, row in held
        ],
    )
    page.bullets(
        [
            f"{DASH} is a year without such a list: the service is the one the extract gives in "
            "specialised_services",
            "docs/pricing.md, step 8, says which of several services counts",
        ]
    )
    years = [(year, pack, manifest) for year, pack, manifest, _ in held]
    _sources(page, years, ("top_ups", "top_up_codes", "top_up_providers"))
    return page


def _of_provider(row: dict[str, str], service: str) -> bool:
    return service in map(code_of_service, row["services"].split())


def _of_code(row: dict[str, str], service: str) -> bool:
    return code_of_service(row["service"]) == service


def _count(
    pack: LoadedPack, table: str, service: str, fits: Callable[[dict[str, str], str], bool]
) -> str:
    if table not in pack.tables:
        return DASH
    return f"{sum(fits(row, service) for row in rows_of(pack, table)):,}"


# ---------------------------------------------------------------- sources


def _sources(
    page: Page, held: Sequence[tuple[str, LoadedPack, TariffPack]], tables: Sequence[str]
) -> None:
    page.heading("Where this comes from")
    lines = []
    for year, pack, manifest in held:
        sheets = sheets_of(pack.tables["sheets"].columns) if "sheets" in pack.tables else {}
        named = [f"sheet {sheets[table]}" for table in tables if table in sheets]
        told = sentence_list(list(dict.fromkeys(named)))
        lines.append(f"{year}: {manifest.provenance} ({pack.id}{', ' if told else ''}{told})")
    page.bullets(lines)
