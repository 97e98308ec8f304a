"""Best practice on the page of an HRG: by year, the areas, the flags and what they are paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tariff.explain.page import Page
from tariff.packs.compile import NULL64, Rulebook, pence
from tariff.packs.load import LoadedPack
from tariff.packs.model import BestPracticePricing, TariffPack
from tariff.report.text import DASH, pounds

TITLES = ["*Setting", "*Payment", "Short stay", ">Price", "*Paid"]
Lines = dict[str, list[list[str]]]  # by year, area and flag


def rows_of(pack: LoadedPack, table: str) -> Iterator[dict[str, str]]:
    """Give the rows of a table of a pack, none where it has no such table."""
    if table in pack.tables:
        columns = pack.tables[table].columns
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))


def money(text: str) -> str:
    """Give a printed amount, whole pounds without pence."""
    amount = pence(text)
    return DASH if amount == NULL64 else pounds(amount).removesuffix(".00")


def lists_of(rulebook: Rulebook) -> Iterator[tuple[str, LoadedPack, TariffPack]]:
    """Give every price list that is held, with its year as a page calls it."""
    manifests = rulebook.prices.manifests
    for pack, manifest in zip(rulebook.prices.packs, manifests, strict=True):
        several = sum(other.year == manifest.year for other in manifests) > 1
        yield f"{manifest.year}, {manifest.edition}" if several else manifest.year, pack, manifest


def tell(page: Page, rulebook: Rulebook, hrg: str) -> None:
    """Add the best practice prices of an HRG; of a root, which of its HRGs have any."""
    if len(hrg) == 4:
        _root(page, rulebook, hrg)
        return
    found: Lines = {}
    for year, pack, manifest in lists_of(rulebook):
        found |= _of_year(year, pack, manifest, hrg)
    if not found:
        return
    page.heading("Best practice prices before the market forces factor")
    for head, lines in found.items():
        page.say(head)
        page.grid(TITLES, lines)


def _root(page: Page, rulebook: Rulebook, root: str) -> None:
    found = {
        row["code"]
        for _, pack, _ in lists_of(rulebook)
        for row in rows_of(pack, "best_practice_prices")
        if row["code_type"] == "hrg" and row["code"].startswith(root)
    }
    if found:
        page.heading("Best practice prices before the market forces factor")
        page.say(f"{', '.join(sorted(found))}: see the page of each.")


def _of_year(year: str, pack: LoadedPack, manifest: TariffPack, hrg: str) -> Lines:
    rows = list(rows_of(pack, "best_practice_prices"))
    settings = {row["hrg"]: row["settings"].split() for row in rows_of(pack, "best_practice_hrgs")}
    areas = {area.area: area for area in manifest.best_practice_areas}
    mine: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        if row["code_type"] == "hrg" and row["code"] == hrg:
            mine.setdefault((row["area"], row["flag"]), []).append(row)
    out: Lines = {}
    for (name, flag), printed in mine.items():
        area = areas.get(name)
        whose = f"flag {flag}" if flag else "every spell of the HRG"
        lines = [_line(row, area, settings.get(hrg, [])) for row in printed]
        out[f"{year}, {name}, {whose}:"] = [*lines, *_payments(area, rows, hrg)]
    return out


def _line(
    row: dict[str, str], area: BestPracticePricing | None, settings: Sequence[str]
) -> list[str]:
    setting = row["setting"] or " ".join(settings or (area.settings if area else ()))
    return [
        _words(setting.split()) or "any",
        row["payment"].replace("_", " ") + (f", a {row['per']}" if row["per"] else ""),
        "reduced" if row["short_stay"] == "yes" else "",
        money(row["price"]),
        paid(row, area),
    ]


def _words(names: Sequence[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)


def paid(row: dict[str, str], area: BestPracticePricing | None) -> str:
    """Say who is paid a printed price (docs/pricing.md, steps 5, 6 and 9)."""
    if area is None or row["per"] or row["setting"] == "outpatient_procedure":
        return "not in the price of a spell"
    if row["payment"] == "additional":
        codes = [payment.code for payment in area.payments if not payment.row]
        return f"beside the price: {' '.join(codes)}" if codes else "not by itself"
    if area.pays == "setting":
        return "by SUS, in that setting"
    if row["payment"] in (area.pays, "price"):
        return "by SUS"
    return (
        "by SUS, with the payment beside it" if area.payments else "where best_practice_met says so"
    )


def _payments(
    area: BestPracticePricing | None, rows: Sequence[dict[str, str]], hrg: str
) -> Iterator[list[str]]:
    """Give the payments of an area that are printed of no HRG."""
    for payment in area.payments if area else ():
        if area is None or (payment.hrgs and not hrg.startswith(tuple(payment.hrgs))):
            continue
        for row in rows:
            if row["area"] == area.area and not row["code"] and row["name"] == payment.row:
                code = f"beside the price: {payment.code}"
                yield ["any", row["name"], "", money(row["price"]), code]
