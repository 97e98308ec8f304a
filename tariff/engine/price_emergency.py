"""Price emergency attendances by HRG and type of department, docs/pricing-other-care.md."""

from __future__ import annotations

import numpy as np

from tariff.engine.other_outcome import (
    NONE,
    OtherPrices,
    PriceOptions,
    by_year,
    excluded,
    finish,
    hrgs,
)
from tariff.engine.other_prices import PodCodes
from tariff.engine.records import Records
from tariff.engine.words import per_value
from tariff.packs.compile import NULL64, Rulebook

COLUMNS = (
    "provider", "attendance_id", "patient_id", "commissioner", "arrival_date", "department_type",
    "administrative_category", "commissioning_serial_number", "site", "activity_month",
)  # fmt: skip
FAMILIES: tuple[str, ...] = ()
DAY = "arrival_date"


def price_emergency(
    records: Records, rulebook: Rulebook, options: PriceOptions | None = None
) -> OtherPrices:
    """Price every attendance at the HRG that was billed."""
    options = options or PriceOptions()
    out = OtherPrices(records.rows)
    pods = PodCodes(rulebook)
    out.used[pods.pack.manifest.id] = pods.pack
    out.pod[:] = out.names.id_of(pods.manifest.emergency)
    parts = by_year(out, records.numbers(DAY), options, rulebook)
    core = hrgs(records, "billed_hrg", out)
    ids, values = records.codes("department_type")
    for prices, of_year in parts:
        rules, rows = prices.rules, of_year
        types = rules.department_types
        excluded(records, rows, prices, out)
        walk_in = per_value(values, types["excluded"].__contains__)[ids[rows]]
        out.say(rows[walk_in], "walk_in_centre")
        shut = out.reasons[rows] != 0
        out.nothing(rows[shut], "excluded")
        rows = rows[~shut]
        out.basis[rows], out.hrg[rows] = out.names.id_of("emergency"), core[rows]
        out.say(rows[core[rows] == NONE], "no_hrg")
        rows = rows[core[rows] != NONE]
        # the price by type of department: 1 and 2, 3; a third column for what is neither
        table = np.full((len(out.names.values), 3), NULL64, np.int64)
        for place, hrg in enumerate(out.names.values):
            if hrg in rules.empty_cores:
                table[place] = 0
                continue
            of = hrg if hrg in prices.emergency else rules.emergency_as.get(hrg, hrg)
            if of in prices.emergency:
                table[place, :2] = prices.emergency[of]
        column = np.full(len(values), 2)
        column[per_value(values, types["type_1_and_2"].__contains__)] = 0
        column[per_value(values, types["type_3"].__contains__)] = 1
        price = table[core[rows], column[ids[rows]]]
        listed = table[core[rows], 0] != NULL64
        out.say(rows[~listed], "hrg_not_in_tariff")
        out.say(rows[listed & (price == NULL64)], "department_unknown")
        known = price != NULL64
        out.paid(rows[known], price[known])
    finish(out, parts, records, rulebook, options.mff)
    return out
