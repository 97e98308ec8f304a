"""What the packs pay for care that is not admitted, by tariff year, in pence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from tariff.engine.currencies import Currency, currencies_of
from tariff.engine.pathways import Pathways
from tariff.engine.year_tables import kinds_of, rows_of
from tariff.packs.compile import NULL64, Rulebook, pence, year_start
from tariff.packs.grouping import weakest
from tariff.packs.load import LoadedPack
from tariff.packs.model import OtherCarePack, PodCodesPack, Provenance, TariffPack

LISTED = ("first_single", "first_multi", "follow_up_single", "follow_up_multi")
KINDS = (*LISTED, *(f"remote_{name}" for name in LISTED))  # of attendance, as numbers
REBUNDLED, PRICED, LOCAL = "rebundled", "priced", "local"
OF_OTHER_CARE = ("attendances", "emergency", "unbundled")  # a list with one of them holds the year
# The figure of the table of price types that says what kind of price a basis is.
FIGURES = {
    "procedure": ("outpatient_procedure",),
    "emergency": ("type_1_and_2",),
    "direct_access": ("other", "unbundled"),
    "dialysis": ("unbundled",),
    "unbundled": ("unbundled",),
}


@dataclass(frozen=True)
class YearPrices:
    """What a tariff year pays, and the packs that say so."""

    tariff: LoadedPack
    care: LoadedPack
    rules: OtherCarePack
    rounding: str
    partial: bool  # the list holds some prices of its year only
    attendances: dict[str, tuple[int, ...]]  # by function, in the order of LISTED
    procedures: dict[str, int]
    emergency: dict[str, tuple[int, int]]  # types 1 and 2, type 3
    unbundled: dict[str, int]
    treatment: dict[str, str]
    direct_access: dict[str, int]
    dialysis: dict[str, int]
    best_practice: dict[tuple[str, str, str], tuple[int, int]]  # price, addition
    currencies: dict[str, Currency]
    pathways: Pathways
    kinds: dict[tuple[str, str, str], str]  # of a price, as the list tells: kinds_of

    @property
    def provenance(self) -> Provenance:
        """What a price may claim: the weakest of the packs it rests on."""
        return weakest([self.tariff.manifest.provenance, self.care.manifest.provenance])

    def direct_price(self, hrg: str) -> int:
        """Give the price of a service asked for directly: listed as such, or imaging."""
        if hrg in self.direct_access:
            return self.direct_access[hrg]
        if self.treatment.get(hrg) == REBUNDLED:
            return self.unbundled.get(hrg, NULL64)
        return NULL64

    def kind(self, basis: str, hrg: str, function: str) -> str:
        """Give the kind of a price as the list tells it; empty where it does not."""
        if basis == "attendance":
            names = {str(known): name for name, known in self.rules.attendance_hrgs.items()}
            return self.kinds.get(("treatment_function", function, names.get(hrg, "")), "")
        if basis not in FIGURES:
            return self.kinds.get(("other", hrg, ""), "")
        told = (self.kinds.get(("hrg", hrg, figure), "") for figure in (*FIGURES[basis], ""))
        return next(filter(None, told), "")


def year_prices(rulebook: Rulebook, year: str) -> YearPrices | None:
    """Give the prices of a year; None where its list or its rules are not held."""
    care = rulebook.packs.select("other_care", date(year_start(year), 4, 1))
    for tariff in rulebook.tariffs:  # the one that serves a year before others of it
        manifest = tariff.manifest
        assert isinstance(manifest, TariffPack)
        if manifest.year == year and not tariff.tables.keys().isdisjoint(OF_OTHER_CARE):
            return None if care is None else _compiled(tariff, manifest, care)
    return None


def _compiled(tariff: LoadedPack, manifest: TariffPack, care: LoadedPack) -> YearPrices:
    rules = care.manifest
    assert isinstance(rules, OtherCarePack)
    unbundled = {row["hrg"]: pence(row["price"]) for row in rows_of(tariff, "unbundled")}
    kinds = kinds_of(tariff)
    return YearPrices(
        tariff=tariff,
        care=care,
        rules=rules,
        rounding=manifest.rounding,
        partial=manifest.partial,
        attendances={
            row["treatment_function"]: tuple(pence(row[name]) for name in LISTED)
            for row in rows_of(tariff, "attendances")
        },
        procedures={
            row["hrg"]: pence(row["outpatient_procedure"])
            for row in rows_of(tariff, "prices")
            if row["outpatient_procedure"]
        },
        emergency={
            row["hrg"]: (pence(row["type_1_and_2"]), pence(row["type_3"]))
            for row in rows_of(tariff, "emergency")
        },
        unbundled=unbundled,
        treatment=_treatments(tariff, rules, unbundled),
        direct_access={
            row["code"]: pence(row["value"])
            for row in rows_of(tariff, "other_prices")
            if row["area"] == rules.direct_access_area and row["code_type"] == "hrg"
        },
        dialysis={  # of the best practice prices of an HRG, those of a session, a week or a day
            row["code"]: pence(row["price"])
            for row in rows_of(tariff, "best_practice_prices")
            if row["code_type"] == "hrg" and row["per"]
        },
        best_practice=dict(_criteria(tariff, rules)),
        currencies=currencies_of(tariff, care),
        pathways=Pathways(tariff, care),
        kinds=kinds,
    )


def _treatments(
    tariff: LoadedPack, rules: OtherCarePack, unbundled: dict[str, int]
) -> dict[str, str]:
    """Say how each unbundled HRG is paid beside what it belongs to."""
    imaging = tuple(rules.rebundled_services)
    found = {hrg: REBUNDLED if hrg.startswith(imaging) else PRICED for hrg in unbundled}
    for row in rows_of(tariff, "unbundled_list"):
        if row["rebundled"] == "yes":
            found[row["hrg"]] = REBUNDLED
        else:
            found[row["hrg"]] = LOCAL if row["priced"] in ("", "no") else PRICED
    return {hrg: treatment for hrg, treatment in found.items() if hrg not in rules.empty_cores}


def _criteria(
    tariff: LoadedPack, rules: OtherCarePack
) -> Iterator[tuple[tuple[str, str, str], tuple[int, int]]]:
    """What an attendance is paid once its criteria are known to be met, or not: price, addition."""
    rows = [r for r in rows_of(tariff, "best_practice_prices") if r["code_type"] != "hrg"]
    extra = {r["area"]: pence(r["price"]) for r in rows if r["payment"] == "additional"}
    for row in rows:
        if row["code_type"] != "treatment_function" or row["setting"] not in LISTED:
            continue
        function, hrg = row["code"], str(rules.attendance_hrgs[row["setting"]])
        if row["payment"] == "not_best_practice":
            yield (function, hrg, "not_met"), (pence(row["price"]), NULL64)
        elif row["payment"] == "price" and row["area"] in extra:
            yield (function, hrg, "met"), (NULL64, extra[row["area"]])


def _pairs(columns: dict[str, list[str]], key: str, value: str) -> dict[str, str]:
    return dict(zip(columns[key], columns[value], strict=True))


class PodCodes:
    """The national codes of points of delivery, their settings and other spellings."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.pack = rulebook.packs.by_kind("pod_codes")[0]
        manifest = self.pack.manifest
        assert isinstance(manifest, PodCodesPack)
        self.manifest = manifest
        tables = {name: self.pack.tables[name].columns for name in ("codes", "aliases", "hrgs")}
        self._settings = _pairs(tables["codes"], "code", "setting")
        self._aliases = _pairs(tables["aliases"], "alias", "code")
        self._prefixes = _pairs(tables["hrgs"], "prefix", "code")

    def national(self, stated: str) -> str:
        """Give the national code of what a provider writes; empty where it is none."""
        code = self._aliases.get(stated, stated)
        return code if code in self._settings else ""

    def setting(self, stated: str) -> str:
        """Give the setting of a point of delivery; empty where it is not known."""
        return self._settings.get(self.national(stated), "")

    def of_hrg(self, hrg: str) -> str:
        """Give the point of delivery of an unbundled HRG; empty where none is laid down."""
        for length in range(len(hrg), 0, -1):
            if hrg[:length] in self._prefixes:
                return self._prefixes[hrg[:length]]
        return ""
