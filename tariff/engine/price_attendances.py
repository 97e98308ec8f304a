"""Price outpatient attendances, docs/pricing-other-care.md: arithmetic over columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from tariff.engine.other_outcome import (
    NONE,
    OUTCOMES,
    Mask,
    Money,
    OtherPrices,
    PriceOptions,
    Rows,
    by_year,
    excluded,
    finish,
    hrgs,
)
from tariff.engine.other_prices import KINDS, LISTED, LOCAL, REBUNDLED, PodCodes, YearPrices
from tariff.engine.records import Records
from tariff.engine.words import per_value
from tariff.packs.compile import NULL64, Rulebook

COLUMNS = (
    "provider", "attendance_id", "patient_id", "commissioner", "attendance_date",
    "first_attendance", "attended", "consultation_medium", "administrative_category",
    "main_specialty", "treatment_function", "direct_access", "multi_professional",
    "best_practice_met", "commissioning_serial_number", "site", "activity_month",
)  # fmt: skip
FAMILIES = ("oper", "unbundled")
DAY = "attendance_date"
FIRST, FOLLOW_UP = 0, 1
REMOTE = len(LISTED)  # the kinds from here on are remote
_ITEM = re.compile(r"([A-Z0-9]+)(?:\*([0-9]{1,4}))?")


def price_attendances(
    records: Records, rulebook: Rulebook, options: PriceOptions | None = None
) -> OtherPrices:
    """Price every attendance at the HRG that was billed, else at the one it leads to."""
    options = options or PriceOptions()
    out = OtherPrices(records.rows)
    pods = PodCodes(rulebook)
    out.used[pods.pack.manifest.id] = pods.pack
    parts = by_year(out, records.numbers(DAY), options, rulebook)
    core = hrgs(records, "billed_hrg", out)
    for prices, rows in parts:
        _Year(records, prices, pods, out, rows, core[rows]).price()
    finish(out, parts, records, rulebook, options.mff)
    return out


@dataclass
class _Items:
    """Unbundled HRGs of some records [row, place], and what is known of each distinct one."""

    ids: Rows
    name: Rows
    treatment: Rows  # index of TREATMENTS
    pence: Money
    direct: Money  # NULL64 where it has no direct access price


TREATMENTS = ("", REBUNDLED, "priced", LOCAL, "unknown")


def _many(price: int, count: int) -> int:
    return price if price == NULL64 else price * count


class _Year:
    """The attendances of one tariff year. Arrays are as long as `rows`; masks pick among them."""

    def __init__(
        self,
        records: Records,
        prices: YearPrices,
        pods: PodCodes,
        out: OtherPrices,
        rows: Rows,
        core: Rows,
    ) -> None:
        self.records, self.prices, self.rules = records, prices, prices.rules
        self.pods, self.out, self.rows, self.core = pods, out, rows, core
        self.kind_names = out.names.ids_of(self.rules.attendance_hrgs[name] for name in KINDS)
        self.items = self._items()

    def among(self, column: str, codes: list[str]) -> Mask:
        """Say which records have one of some codes; a blank is none."""
        ids, values = self.records.codes(column)
        found: Mask = per_value(values, codes.__contains__)[ids[self.rows]]
        return found

    def _items(self) -> _Items:
        ids, values = self.records.codes("unbundled")
        block = ids[self.rows] if ids.ndim == 2 else ids[self.rows, None]
        names, treatments, pence, direct = [], [], [], []
        for value in values:
            match = _ITEM.fullmatch(value.upper())
            hrg, count = (match[1], int(match[2] or 1)) if match else ("", 1)
            treatment = self.prices.treatment.get(hrg, "unknown")
            if not value or hrg in self.rules.empty_cores:
                treatment = ""
            elif treatment == "priced" and hrg not in self.prices.unbundled:
                treatment = LOCAL
            names.append(hrg)
            treatments.append(TREATMENTS.index(treatment))
            pence.append(_many(self.prices.unbundled.get(hrg, NULL64), count))
            direct.append(_many(self.prices.direct_price(hrg), count))
        return _Items(
            block[:, block.any(axis=0)].astype(np.int64),
            self.out.names.ids_of(names),
            np.array(treatments, np.int64),
            np.array(pence, np.int64),
            np.array(direct, np.int64),
        )

    # -- the steps, in order

    def price(self) -> None:
        """Exclude; direct access; a procedure; else an attendance; what is unbundled on top."""
        open_ = self._not_excluded()
        direct = open_ & self.among("direct_access", ["Y"])
        self._direct_access(np.flatnonzero(direct))
        self.side = self._sides()
        self.derived = self._derived()
        open_ &= ~direct & self._with_core(open_ & ~direct)
        open_ &= self._list_reaches(open_)
        procedure = open_ & self._is_procedure()
        self._procedures(np.flatnonzero(procedure))
        self._attendances(np.flatnonzero(open_ & ~procedure))

    def _not_excluded(self) -> Mask:
        rules, out, rows = self.rules, self.out, self.rows
        excluded(self.records, rows, self.prices, out)
        if "attended" in self.records.fields:
            out.say(rows[~self.among("attended", list(rules.seen))], "not_attended")
        for column, codes, reason in (
            ("first_attendance", rules.administrative_events, "administrative_event"),
            ("treatment_function", rules.excluded_functions, "function_excluded"),
        ):
            out.say(rows[self.among(column, list(codes))], reason)
        shut: Mask = out.reasons[rows] != 0
        out.nothing(rows[shut], "excluded")
        return ~shut

    def _sides(self) -> Rows:
        first = self.among("first_attendance", list(self.rules.first))
        later = self.among("first_attendance", list(self.rules.follow_up))
        return np.where(first, FIRST, np.where(later, FOLLOW_UP, NONE))

    def _derived(self) -> Rows:
        """Give the kind of attendance that the record itself leads to; NONE where it does not."""
        rules = self.rules
        ids, values = self.records.codes("oper")
        block = ids[self.rows] if ids.ndim == 2 else ids[self.rows, None]
        plain = tuple(rules.assessment_procedures)
        is_other = per_value(values, lambda code: bool(code) and not code.startswith(plain))
        together = per_value(values, rules.multi_professional_procedures.__contains__)
        self.has_procedure = is_other[block].any(axis=1)
        stated = self.among("multi_professional", ["Y"])
        blank = self.among("multi_professional", [""])
        several = np.where(blank, together[block].any(axis=1), stated)
        remote = self.among("first_attendance", list(rules.remote))
        remote |= self.among("consultation_medium", list(rules.remote_media))
        kind = self.side * 2 + several + np.where(remote, REMOTE, 0)
        return np.where(self.side == NONE, NONE, kind)

    def _with_core(self, open_: Mask) -> Mask:
        """Take the HRG that follows where none was billed; say where none follows."""
        lacking = open_ & (self.core == NONE)
        unknown = lacking & self.has_procedure
        self.out.say(self.rows[unknown], "no_hrg")
        lacking &= ~unknown
        unclear = lacking & (self.derived == NONE)
        self.out.say(self.rows[unclear], "attendance_unknown")
        lacking &= ~unclear
        self.core = np.where(lacking, self.kind_names[self.derived], self.core)
        known: Mask = ~(unknown | unclear)
        return known

    def _list_reaches(self, open_: Mask) -> Mask:
        """Say where a partial list leaves open whether a core has a price as a procedure."""
        if not self.prices.partial:
            return np.ones(len(self.rows), bool)
        rules, prices = self.rules, self.prices
        settled = {*rules.attendance_hrgs.values(), *prices.procedures}
        known = self.out.per_name(settled.__contains__)[self.core]
        known |= self._core_begins(list(rules.pathway_hrgs))
        known |= self.among("treatment_function", list(rules.attendance_only_functions))
        self.out.say(self.rows[open_ & ~known], "list_is_partial")
        return known

    # -- what is paid

    def _core_begins(self, prefixes: list[str]) -> Mask:
        found: Mask = self.out.per_name(lambda hrg: hrg.startswith(tuple(prefixes)))[self.core]
        return found

    def _is_procedure(self) -> Mask:
        prices, rules = self.prices, self.rules
        attendances = set(rules.attendance_hrgs.values())
        has_price = self.out.per_name(
            lambda hrg: hrg in prices.procedures and hrg not in attendances
        )
        found: Mask = has_price[self.core] & ~self._core_begins(list(rules.pathway_hrgs))
        return found & ~self.among("treatment_function", list(rules.attendance_only_functions))

    def _procedures(self, at: Rows) -> None:
        out, rows = self.out, self.rows[at]
        names = self.pods.manifest.attendances
        pod = out.names.ids_of(
            names[name] for name in ("procedure_first", "procedure_follow_up", "procedure")
        )
        out.pod[rows] = pod[self.side[at]]  # an unknown side is the last
        out.basis[rows], out.hrg[rows] = out.names.id_of("procedure"), self.core[at]
        price = out.per_name(lambda hrg: self.prices.procedures.get(hrg, 0), np.int64)
        out.paid(rows, price[self.core[at]])
        cores = self.rules.imaging_cores if self.rules.imaging_beside_empty_core else []
        paid_beside = out.per_name(cores.__contains__)[self.core[at]]
        self._unbundled(at, paid_beside)

    def _attendances(self, at: Rows) -> None:
        out, rules = self.out, self.rules
        kinds = dict(zip(self.kind_names.tolist(), range(len(KINDS)), strict=True))
        of_core = np.array([kinds.get(n, NONE) for n in range(len(out.names.values))] + [NONE])
        kind = of_core[self.core[at]]
        stands = kind != NONE  # the core is an attendance; else it is processed again as one
        kind = np.where(stands, kind, self.derived[at])
        out.say(self.rows[at[kind == NONE]], "attendance_unknown")
        at, stands, kind = at[kind != NONE], stands[kind != NONE], kind[kind != NONE]
        rows = self.rows[at]
        staffed_out = stands | rules.staff_exclusion_after_fallback
        other_led = self.among("main_specialty", list(rules.not_consultant_led))[at]
        abroad = self.among("main_specialty", list(rules.excluded_specialties))[at]
        remote = kind >= REMOTE
        out.pod[rows] = self._pods()[kind, other_led.astype(np.int64)]
        out.basis[rows], out.hrg[rows] = out.names.id_of("attendance"), self.kind_names[kind]
        listed, more = self._listed(at, kind)
        left = np.ones(len(at), bool)
        for test, outcome, reason in (
            (self._core_begins(list(rules.pathway_hrgs))[at], "not_priced", "maternity_pathway"),
            (other_led & staffed_out, "excluded", "not_consultant_led"),
            (abroad & staffed_out, "excluded", "specialty_excluded"),
            (
                self.among("treatment_function", list(rules.pathway_functions))[at],
                "not_priced",
                "maternity_pathway",
            ),
            (remote, "local_price", "remote"),
        ):
            out.nothing(rows[left & test], outcome, reason)
            left &= ~test
        unknown = left & self.among("treatment_function", [""])[at]
        out.say(rows[unknown], "function_unknown")
        left &= ~unknown
        without = left & (listed == NULL64)
        left &= ~without
        if self.prices.partial:
            unknown |= without
            out.say(rows[without], "list_is_partial")
        else:
            out.nothing(rows[without], "local_price", "function_without_price")
        out.paid(rows[left], listed[left], more[left])
        self._unbundled(at[~unknown], np.ones(len(at) - int(unknown.sum()), bool))

    def _pods(self) -> Rows:
        """Give the point of delivery of each kind of attendance, led by a consultant or not."""
        names = self.pods.manifest.attendances
        found = [[names[f"{kind}_{led}"] for led in ("led", "other")] for kind in LISTED] + [
            [names["remote_first" if "first" in kind else "remote_follow_up"]] * 2
            for kind in KINDS[REMOTE:]
        ]
        return np.array([self.out.names.ids_of(pair) for pair in found])

    def _listed(self, at: Rows, kind: Rows) -> tuple[Money, Money]:
        """Give the listed price, and what known criteria of best practice change of it."""
        prices, hrg = self.prices, [self.rules.attendance_hrgs[name] for name in KINDS]
        ids, values = self.records.codes("treatment_function")
        listed = np.full((len(values), len(KINDS)), NULL64, np.int64)
        more = np.zeros((3, len(values), len(KINDS)), np.int64)  # not stated, met, not met
        for place, function in enumerate(values):
            listed[place, :REMOTE] = prices.attendances.get(function, (NULL64,) * REMOTE)
            for column in range(REMOTE):
                for row, criteria in ((1, "met"), (2, "not_met")):
                    price, addition = prices.best_practice.get(
                        (function, hrg[column], criteria), (NULL64, NULL64)
                    )
                    change = 0 if price == NULL64 else price - int(listed[place, column])
                    more[row, place, column] = change + (0 if addition == NULL64 else addition)
        stated = np.where(self.among("best_practice_met", ["Y"]), 1, 0)
        stated = np.where(self.among("best_practice_met", ["N"]), 2, stated)
        of = ids[self.rows[at]]
        return listed[of, kind], more[stated[at], of, kind]

    def _unbundled(self, at: Rows, scans: Mask) -> None:
        """Price what is unbundled; `scans` says where imaging has a price of its own."""
        items, out = self.items, self.out
        out.unbundled[self.rows[at]] = 0
        for ids in items.ids[at].T:
            treatment, pence = items.treatment[ids], items.pence[ids]
            imaging = treatment == TREATMENTS.index(REBUNDLED)
            included = imaging & ~scans
            local = (treatment == TREATMENTS.index(LOCAL)) | (imaging & scans & (pence == NULL64))
            paid = ~included & ~local & (imaging | (treatment == TREATMENTS.index("priced")))
            out.unbundled[self.rows[at]] += np.where(paid, pence, 0)
            out.say(self.rows[at[included]], "rebundled")
            out.say(self.rows[at[local]], "unbundled_local")
            out.say(self.rows[at[treatment == TREATMENTS.index("unknown")]], "unbundled_unknown")

    def _direct_access(self, at: Rows) -> None:
        """Price services that were asked for directly; nothing else is tried for the others."""
        items, out, rows = self.items, self.out, self.rows[at]
        core = self.core[at]
        listed = out.per_name(self.prices.direct_price, np.int64, NULL64)[core]
        total, first = np.zeros(len(at), np.int64), np.full(len(at), NONE, np.int64)
        for ids in items.ids[at].T:
            price = items.direct[ids]
            has = price != NULL64
            total += np.where(has, price, 0)
            first = np.where(has & (first == NONE), items.name[ids], first)
            out.say(rows[~has & (ids != 0)], "unbundled_local")
        named = np.where((listed != NULL64) | (first == NONE), core, first)
        is_imaging = out.per_name(lambda hrg: self.prices.treatment.get(hrg) == REBUNDLED)
        pods = self.pods.manifest.direct_access
        image, other = out.names.id_of(pods["imaging"]), out.names.id_of(pods["other"])
        out.pod[rows] = np.where(is_imaging[named], image, other)
        out.basis[rows], out.hrg[rows] = out.names.id_of("direct_access"), named
        none = (listed == NULL64) & (first == NONE)
        if self.prices.partial:
            out.say(rows[none], "list_is_partial")
            rows, none, listed, total = rows[~none], none[~none], listed[~none], total[~none]
        out.paid(rows, np.where(listed == NULL64, 0, listed))
        out.outcome[rows] = OUTCOMES.index("priced")
        out.nothing(rows[none], "no_tariff", "no_direct_access_price")
        out.unbundled[rows] = total
