"""Price lines, docs/pricing-other-care.md: unbundled HRGs, dialysis, currencies, what is billed."""

from __future__ import annotations

import numpy as np

from tariff.engine.other_outcome import (
    NONE,
    Mask,
    Money,
    OtherPrices,
    PriceOptions,
    Rows,
    by_year,
    finish,
    hrgs,
)
from tariff.engine.other_prices import LOCAL, REBUNDLED, PodCodes, YearPrices
from tariff.engine.pass_through import money_only, pass_through
from tariff.engine.price_currencies import Currencies, paid_each
from tariff.engine.records import Records
from tariff.engine.words import per_value
from tariff.packs.compile import NULL64, Rulebook
from tariff.packs.grouping import NULL32

COLUMNS = (
    "provider", "line_id", "patient_id", "commissioner", "spell_id", "attendance_id",
    "point_of_delivery", "tariff_code", "start_date", "end_date", "quantity", "unit_price",
    "core_hrg", "core_point_of_delivery", "item_name", "maternity_factors", "site",
    "treatment_function", "activity_month",
)  # fmt: skip
FAMILIES: tuple[str, ...] = ()
DAY = "end_date"  # else start_date
ADMITTED = ("day_case", "ordinary", "regular", "bed_days", "admitted")
AS_BILLED = ("passed_through", "money")


def price_lines(
    records: Records, rulebook: Rulebook, options: PriceOptions | None = None
) -> OtherPrices:
    """Price every line. Drugs, devices and money keep what was billed, without a factor."""
    options = options or PriceOptions()
    out = OtherPrices(records.rows)
    pods = PodCodes(rulebook)
    out.used[pods.pack.manifest.id] = pods.pack
    ids, values = records.codes("point_of_delivery")
    out.pod = out.names.ids_of(map(pods.national, values))[ids]
    unknown = np.array([bool(value) and not pods.national(value) for value in values])
    out.say(np.flatnonzero(unknown[ids]), "pod_unknown")
    setting = np.array([pods.setting(value) for value in values], object)
    as_billed = np.isin(setting, AS_BILLED)[ids]
    end, start = records.numbers("end_date"), records.numbers("start_date")
    days = np.where(end == NULL32, start, end)
    parts = by_year(out, days, options, rulebook, ~as_billed)
    passed = np.flatnonzero((setting == "passed_through")[ids])
    pass_through(records, rulebook, pods, out, passed)
    money_only(records, out, np.flatnonzero((setting == "money")[ids]))
    codes = hrgs(records, "tariff_code", out)
    cores = hrgs(records, "core_hrg", out)
    direct = (setting == "direct_access")[ids]
    for prices, rows in parts:
        _Year(records, prices, pods, out, codes, cores, direct).price(rows)
    finish(out, parts, records, rulebook, options.mff)
    return out


class _Year:
    """The lines of one tariff year."""

    def __init__(
        self,
        records: Records,
        prices: YearPrices,
        pods: PodCodes,
        out: OtherPrices,
        codes: Rows,
        cores: Rows,
        direct: Mask,
    ) -> None:
        self.records, self.prices, self.rules = records, prices, prices.rules
        self.pods, self.out = pods, out
        self.codes, self.cores, self.direct = codes, cores, direct

    def price(self, rows: Rows) -> None:
        """Take one kind of line after another; what is left is in no list."""
        out, prices, rules = self.out, self.prices, self.rules
        rows = Currencies(self.records, prices, self.pods, out, self.codes).price(rows)
        out.say(rows[self.codes[rows] == NONE], "no_hrg")
        rows = rows[self.codes[rows] != NONE]
        out.hrg[rows] = self.codes[rows]
        self._points_of_delivery(rows)
        self._settings()
        empty = out.per_name(rules.empty_cores.__contains__)[self.codes[rows]]
        self._priced(rows[empty], "", np.zeros(int(empty.sum()), np.int64))
        rows = rows[~empty]
        rows = self._direct_access(rows)
        dialysis = out.per_name(lambda c: prices.dialysis.get(c, NULL64), np.int64, NULL64)
        price = dialysis[self.codes[rows]]
        self._priced(rows[price != NULL64], "dialysis", price[price != NULL64])
        rows = rows[price == NULL64]
        listed = out.per_name(prices.treatment.__contains__)[self.codes[rows]]
        out.say(rows[~listed], "hrg_not_in_tariff")
        self._unbundled(rows[listed])

    def _points_of_delivery(self, rows: Rows) -> None:
        """An HRG of the lists has its own point of delivery, whatever the provider wrote."""
        prices = self.prices
        pod = [
            self.pods.of_hrg(code) if code in prices.treatment or code in prices.dialysis else ""
            for code in self.out.names.values
        ]
        found = np.append(self.out.names.ids_of(pod), NONE)[self.codes[rows]]
        own = (found != NONE) & ~self.direct[rows]
        self.out.pod[rows[own]] = found[own]

    def _settings(self) -> None:
        """Find the setting of what a line belongs to: as stated, else by what it is joined to."""
        ids, values = self.records.codes("core_point_of_delivery")
        names = ["", *ADMITTED, "attendance", "procedure", "direct_access", "other"]
        stated = per_value(
            values,
            lambda value: names.index(s if (s := self.pods.setting(value)) in names else "other"),
            np.int64,
        )[ids]
        spell, attendance = map(self.records.present, ("spell_id", "attendance_id"))
        joined = np.where(spell, names.index("admitted"), 0)
        joined = np.where(attendance & ~spell, names.index("attendance"), joined)
        self.setting_names = names
        self.setting_given = stated != 0
        self.setting = np.where(self.setting_given, stated, joined)
        self.setting = np.where(self.direct, names.index("direct_access"), self.setting)

    def _is(self, rows: Rows, *names: str) -> Mask:
        wanted = [self.setting_names.index(name) for name in names]
        found: Mask = np.isin(self.setting[rows], wanted)
        return found

    def _direct_access(self, rows: Rows) -> Rows:
        """Price what was asked for directly; give the other lines."""
        at = self._is(rows, "direct_access")
        direct = rows[at]
        self.out.basis[direct] = self.out.names.id_of("direct_access")
        price = self.out.per_name(self.prices.direct_price, np.int64, NULL64)[self.codes[direct]]
        self.out.nothing(direct[price == NULL64], "no_tariff", "no_direct_access_price")
        self._priced(direct[price != NULL64], "direct_access", price[price != NULL64])
        return rows[~at]

    def _unbundled(self, rows: Rows) -> None:
        out, prices, rules = self.out, self.prices, self.rules
        out.basis[rows] = out.names.id_of("unbundled")
        local = out.per_name(
            lambda code: prices.treatment.get(code) == LOCAL or code not in prices.unbundled
        )[self.codes[rows]]
        out.nothing(rows[local], "local_price", "local_currency")
        rows = rows[~local]
        imaging = out.per_name(lambda c: prices.treatment.get(c) == REBUNDLED)[self.codes[rows]]
        services = tuple(rules.empty_core_services)
        service = out.per_name(lambda code: code.startswith(services))[self.codes[rows]] & ~imaging
        cores = rules.imaging_cores if rules.imaging_beside_empty_core else []
        beside = out.per_name(cores.__contains__)[self.cores[rows]] & self._is(rows, "procedure")
        included = imaging & self._is(rows, *ADMITTED, "procedure") & ~beside
        unclear = imaging & ~self._is(rows, *ADMITTED, "procedure", "attendance")
        shut = service & self._is(rows, *rules.empty_core_settings_excluded)
        unclear |= service & self._is(rows, "", "admitted")
        out.nothing(rows[included], "rebundled", "rebundled")
        out.nothing(rows[shut], "not_paid", "not_paid_in_setting")
        out.say(rows[unclear], "setting_unknown")
        rows = rows[~(included | shut | unclear)]
        assumed = self._is(rows, "attendance") & ~self.setting_given[rows]
        out.say(rows[assumed], "setting_assumed")
        price = out.per_name(lambda code: prices.unbundled.get(code, 0), np.int64)
        self._priced(rows, "unbundled", price[self.codes[rows]])

    def _priced(self, rows: Rows, basis: str, each: Money) -> None:
        paid_each(self.records, self.out, rows, basis, each)
