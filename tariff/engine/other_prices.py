"""What the packs pay for care that is not admitted, by tariff year, in pence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tariff.packs.compile import NULL64, Rulebook, pence, year_start
from tariff.packs.grouping import weakest
from tariff.packs.load import LoadedPack
from tariff.packs.model import OtherCarePack, PodCodesPack, Provenance, TariffPack

LISTED = ("first_single", "first_multi", "follow_up_single", "follow_up_multi")
KINDS = (*LISTED, *(f"remote_{name}" for name in LISTED))  # of attendance, as numbers
REBUNDLED, LOCAL = "rebundled", "local"


@dataclass(frozen=True)
class YearPrices:
    """What a tariff year pays, and the packs that say so."""

    tariff: LoadedPack
    care: LoadedPack
    rules: OtherCarePack
    rounding: str
    attendances: dict[str, tuple[int, ...]]  # by function, in the order of LISTED
    procedures: dict[str, int]
    emergency: dict[str, tuple[int, int]]  # types 1 and 2, type 3
    unbundled: dict[str, int]
    treatment: dict[str, str]
    direct_access: dict[str, int]
    dialysis: dict[str, int]
    best_practice: dict[tuple[str, str, str], tuple[int, int]]  # price, addition

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


def year_prices(rulebook: Rulebook, year: str) -> YearPrices | None:
    """Give the prices of a year; None where its list or its rules are not held."""
    day = date(year_start(year), 4, 1)
    care = rulebook.packs.select("other_care", day)
    for tariff in rulebook.prices.packs:
        manifest = tariff.manifest
        assert isinstance(manifest, TariffPack)
        if manifest.year == year and {"attendances", "emergency", "unbundled"} <= set(
            tariff.tables
        ):
            return None if care is None else _compiled(tariff, manifest, care)
    return None


def _compiled(tariff: LoadedPack, manifest: TariffPack, care: LoadedPack) -> YearPrices:
    rules = care.manifest
    assert isinstance(rules, OtherCarePack)
    seen = tariff.tables["attendances"].columns
    by_kind = zip(*(map(pence, seen[name]) for name in LISTED), strict=True)
    paid = tariff.tables["emergency"].columns
    criteria = _of_year(care, "best_practice", manifest.year)
    return YearPrices(
        tariff=tariff,
        care=care,
        rules=rules,
        rounding=manifest.rounding,
        attendances=dict(zip(seen["treatment_function"], by_kind, strict=True)),
        procedures=_by_hrg(tariff.tables["prices"].columns, "outpatient_procedure"),
        emergency={
            hrg: (pence(major), pence(minor))
            for hrg, major, minor in zip(
                paid["hrg"], paid["type_1_and_2"], paid["type_3"], strict=True
            )
        },
        unbundled=_by_hrg(tariff.tables["unbundled"].columns, "price"),
        treatment=_pairs(_of_year(care, "unbundled", manifest.year), "hrg", "treatment"),
        direct_access=_by_hrg(_of_year(care, "direct_access", manifest.year), "price"),
        dialysis=_by_hrg(_of_year(care, "dialysis", manifest.year), "price"),
        best_practice={
            (function, hrg, met): (pence(price), pence(addition))
            for function, hrg, met, price, addition in zip(
                *(
                    criteria[name]
                    for name in ("treatment_function", "hrg", "criteria", "price", "addition")
                ),
                strict=True,
            )
        },
    )


def _of_year(pack: LoadedPack, table: str, year: str) -> dict[str, list[str]]:
    """Give the rows of a table that are of a year."""
    columns = pack.tables[table].columns
    rows = [row for row, of in enumerate(columns["year"]) if of == year]
    return {name: [cells[row] for row in rows] for name, cells in columns.items()}


def _pairs(columns: dict[str, list[str]], key: str, value: str) -> dict[str, str]:
    return dict(zip(columns[key], columns[value], strict=True))


def _by_hrg(columns: dict[str, list[str]], name: str) -> dict[str, int]:
    return {hrg: pence(cell) for hrg, cell in _pairs(columns, "hrg", name).items() if cell}


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
