"""The page of an HRG or a root: what it is called, how it is chosen, what it costs."""

from __future__ import annotations

from tariff.explain import areas, ways
from tariff.explain.areas import lists_of, money
from tariff.explain.page import Page
from tariff.packs.compile import Rulebook, financial_year
from tariff.packs.grouping import Grouper, weakest
from tariff.packs.load import LoadedPack
from tariff.packs.model import Applies
from tariff.report.text import DASH

BOUNDS = (
    ("cc", "CC score"),
    ("age", "age"),
    ("interventions", "interventions"),
    ("stay", "stay"),
    ("diagnosis_score", "diagnosis score"),
)


def hrg_page(rulebook: Rulebook, hrg: str) -> Page:
    """Give the page of an HRG, or of a root (four characters)."""
    root = hrg[:4]
    label = rulebook.labels.get(hrg, "")
    page = Page(f"{hrg}: {label or _whole(hrg)}")
    page.facts([("Root", root), *_titles(rulebook, root)])
    if any(root in grouper.root_bounds for grouper in rulebook.groupers):
        _siblings(page, rulebook, hrg, root)
    _prices(page, rulebook, hrg, root)
    areas.tell(page, rulebook, hrg)
    ways.tell(page, rulebook, hrg)
    _provenance(page, rulebook, hrg, root)
    return page


def _whole(hrg: str) -> str:
    return "a root of HRGs" if len(hrg) == 4 else "no label is held"


def _titles(rulebook: Rulebook, root: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for pack in rulebook.packs.by_kind("labels"):
        for name, key, length in (("Subchapter", "subchapters", 2), ("Chapter", "chapters", 1)):
            columns = pack.tables[key].columns
            titles = dict(zip(columns[key[:-1]], columns["title"], strict=True))
            if root[:length] in titles:
                found.append((name, f"{root[:length]} {titles[root[:length]]}"))
    return found


# ---------------------------------------------------------------- siblings


def bound(low: str, high: str) -> str:
    """Give a bound as it is written on paper: `5–8`, `19+`, `up to 4`."""
    if low and high:
        return low if low == high else f"{low}{DASH}{high}"
    return f"{low}+" if low else f"up to {high}" if high else ""


def years_of(applies: Applies) -> str:
    """Give the tariff years in which a design is used."""
    first = financial_year(applies.from_) if applies.from_ else ""
    last = financial_year(applies.to) if applies.to else ""
    return first if first == last else f"{first} to {last}"


def split_rows(grouper: Grouper, root: str) -> list[list[str]]:
    """Give the rows of a root in the order in which they are tried: HRG, bounds, conditions."""
    tables = grouper.used[1].tables
    rows = []
    for columns in (tables[name].columns for name in ("splits", "unpriced") if name in tables):
        for index, name in enumerate(columns["root"]):
            if name == root:
                bounds = [
                    bound(columns[f"{key}_min"][index], columns[f"{key}_max"][index])
                    for key, _ in BOUNDS
                ]
                condition = columns["condition"][index].replace("_", " ")
                rows.append([columns["hrg"][index], *bounds, condition])
    return rows


def _siblings(page: Page, rulebook: Rulebook, hrg: str, root: str) -> None:
    page.heading(f"HRGs of root {root}, in the order in which they are tried")
    designs: list[tuple[list[str], list[list[str]]]] = []
    for grouper in rulebook.groupers:
        rows = split_rows(grouper, root)
        years = years_of(grouper.manifest.applies)
        for names, same in designs:
            if same == rows:
                names.append(years)
                break
        else:
            designs.append(([years], rows))
    for names, rows in designs:
        if not rows:
            page.say(f"{', '.join(names)}: the design does not have it.")
            continue
        page.say(f"{', '.join(names)}:")
        used = [place for place in range(1, 7) if any(row[place] for row in rows)]
        titles = ["HRG", *(("*" if place == 6 else "") + _title(place) for place in used)]
        page.grid(
            [*titles, "*Label"],
            [
                [row[0], *(row[place] or DASH for place in used), rulebook.labels.get(row[0], "")]
                for row in rows
            ],
            next((index for index, row in enumerate(rows) if row[0] == hrg), None),
        )


def _title(place: int) -> str:
    return BOUNDS[place - 1][1] if place <= len(BOUNDS) else "Condition"


# ---------------------------------------------------------------- prices


def _prices(page: Page, rulebook: Rulebook, hrg: str, root: str) -> None:
    page.heading("Prices before the market forces factor")
    rows: list[list[str]] = []
    notes: list[str] = []
    without: list[str] = []
    whole = len(hrg) == 4
    for year, pack, manifest in lists_of(rulebook):
        if "prices" not in pack.tables:
            continue
        listed = [row for row in priced(pack) if row["hrg"] == hrg or (whole and _is(row, root))]
        unbundled = _unbundled_price(pack, hrg)
        if unbundled:
            notes.append(f"{manifest.year}: {unbundled}, unbundled")
        elif not listed:
            without.append(manifest.year + (" (partial list)" if manifest.partial else ""))
        rows += [_price_row(row, year, whole) for row in listed]
        levels = dict.fromkeys(row["level"] for row in listed if row.get("level"))
        if any("level" in row for row in listed):
            told = f", level {' and '.join(levels)} of delivery" if levels else ""
            notes.append(f"{year}: the list of deliveries{told}; never a reduced short stay price")
        if listed and manifest.borrowed is not None:
            notes.append(
                f"{manifest.year}: {', '.join(manifest.borrowed.columns).replace('_', ' ')} are "
                f"those of {manifest.borrowed.from_}"
            )
    titles = ["HRG"] if whole else []
    titles += ["Year", ">Day case", ">Elective", ">Non-elective", ">EL trim", ">NE trim"]
    titles += [">Per day", "Short stay"]
    if whole:
        rows.sort(key=lambda row: (row[0], row[1]))
    if rows:
        page.grid(titles, rows)
    if without:
        notes.append(f"not in the list of {', '.join(without)}")
    page.bullets([f"{DASH} is not published or not held", *notes])


def _unbundled_price(pack: LoadedPack, hrg: str) -> str:
    """Give the price of an unbundled HRG, empty where the list has none."""
    if "unbundled" not in pack.tables:
        return ""
    columns = pack.tables["unbundled"].columns
    if hrg not in columns["hrg"]:
        return ""
    return money(columns["price"][columns["hrg"].index(hrg)])


def _is(row: dict[str, str], root: str) -> bool:
    return row["hrg"][:4] == root


def priced(pack: LoadedPack) -> list[dict[str, str]]:
    """Give the rows of `prices` and, of HRGs that are not there, those of `deliveries`."""
    listed = list(areas.rows_of(pack, "prices"))
    names = {row["hrg"] for row in listed}
    return listed + [row for row in areas.rows_of(pack, "deliveries") if row["hrg"] not in names]


def _price_row(row: dict[str, str], year: str, whole: bool) -> list[str]:
    combined = row["combined"]
    row = {"short_stay": "no"} | row  # a delivery is never a reduced short stay
    short = {"yes": "yes", "no": "no"}.get(row["short_stay"], DASH)
    if row["short_stay"] == "yes":
        share = f" {row['short_stay_percent']}%" if row["short_stay_percent"] else ""
        short = (
            f"{money(row['short_stay_price'])}{share}" if row["short_stay_price"] else f"yes{share}"
        )
    return [
        *([row["hrg"]] if whole else []),
        year,
        money(row["day_case"] or combined),
        money(row["ordinary_elective"] or combined),
        money(row["non_elective"]),
        row["elective_trim"] or DASH,
        row["non_elective_trim"] or DASH,
        money(row["per_day"]),
        short,
    ]


# ---------------------------------------------------------------- provenance


def _provenance(page: Page, rulebook: Rulebook, hrg: str, root: str) -> None:
    page.heading("Where this comes from")
    groupers = [g for g in rulebook.groupers if root in g.root_bounds]
    lines = []
    if groupers:
        lines = [
            f"which spells come here: {weakest([g.provenance for g in groupers])} "
            f"({', '.join(g.pack.id for g in groupers)})",
            f"bounds: {weakest([g.used[1].manifest.provenance for g in groupers])} "
            f"({', '.join(dict.fromkeys(g.used[1].id for g in groupers))})",
        ]
    services = rulebook.groupers[-1].service_pack
    if services is not None and ways.leads_unbundled(rulebook, hrg):
        lines.append(f"what leads to it unbundled: {services.provenance} ({services.id})")
    for pack in rulebook.prices.packs:
        if any(_is(row, root) for row in priced(pack)) or _unbundled_price(pack, hrg):
            source = pack.manifest.sources[0] if pack.manifest.sources else None
            title = f": {source.title}, {source.edition}".rstrip(", ") if source else ""
            lines.append(f"prices: {pack.manifest.provenance} ({pack.id}{title})")
    page.bullets(lines or ["no pack that is held has it"])
