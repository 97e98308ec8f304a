"""Time and memory of pricing alone: `python bench/price_ten_million.py [SPELLS] [--threads N]`.

Makes the arrays of ten million spells of 2022/23, with best practice, top-ups, payments and
exclusions on a share of them as in a year of admitted care, and prices them with every component
kept. Peaks are `resource.getrusage`'s of this process: before pricing, and after. `--plain` leaves
the marks out, `--floor` copies the same arrays instead of pricing: what reading and writing them
takes at the least. Prints rows for the table in bench/README.md.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariff.engine.marking import mark_rules
from tariff.engine.marks import Marks
from tariff.engine.price import PriceInput, Pricer, Prices
from tariff.packs.compile import NULL64, Rulebook
from tariff.packs.load import load_packs

YEAR = "2022/23"
SPELLS = 10_000_000
BLOCK = 1_000_000  # random numbers are drawn in blocks, so that making them sets no peak
METHODS = {"11": 25, "12": 25, "13": 5, "21": 33, "2A": 2, "28": 2, "31": 4, "82": 3, "81": 1}
CLASSES = {"1": 65, "2": 34, "4": 1}
WITH_TOP_UP, WITH_PAYMENT, WITH_FLAG, EXCLUDED = 0.05, 0.01, 0.5, 0.01  # shares of spells
Draw = np.random.Generator


def peak_mb() -> float:
    """Largest resident memory of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1 << (20 if sys.platform == "darwin" else 10))


def filled(count: int, dtype: Any, draw: Any) -> NDArray[Any]:
    """An array made block by block."""
    out = np.empty(count, dtype)
    for at in range(0, count, BLOCK):
        block = out[at : at + BLOCK]
        block[:] = draw(len(block))
    return out


def weighted(random: Draw, weights: dict[str, int]) -> Any:
    """Draw ids of the values, each by its weight; a look-up is quicker than `choice`."""
    ids = np.repeat(np.arange(len(weights), dtype=np.uint16), list(weights.values()))
    return lambda count: ids[random.integers(0, len(ids), count)]


def make(rulebook: Rulebook, count: int) -> PriceInput:
    """Spells of the HRGs of a year, without marks: every HRG as likely as any other."""
    random = np.random.default_rng(1)
    prices = rulebook.prices
    listed = np.flatnonzero(prices.table[prices.index_of_year(YEAR), :, 8] == 1)
    providers = sorted(code for code, years in rulebook.mff.factors.items() if YEAR in years)
    return PriceInput(
        np.zeros(count, np.int16),
        filled(count, np.int32, lambda n: listed[random.integers(0, len(listed), n)]),
        filled(count, np.uint16, weighted(random, METHODS)),
        filled(count, np.uint16, weighted(random, CLASSES)),
        filled(count, np.int32, lambda n: random.integers(0, 95, n)),
        filled(count, np.int32, lambda n: random.exponential(4, n)),
        filled(count, np.int32, lambda n: (random.random(n) < 0.03) * random.integers(1, 6, n)),
        filled(count, np.int64, lambda n: random.integers(0, len(providers), n)),
        [YEAR],
        list(METHODS),
        list(CLASSES),
        providers,
    )


def with_marks(rulebook: Rulebook, spells: PriceInput) -> Marks:
    """What decides the price of some of them: the rows and rates are those of the price list."""
    random, count = np.random.default_rng(2), len(spells.year)
    rules, tariff = mark_rules(rulebook), rulebook.prices.index_of_year(YEAR)
    out = Marks.none(count)
    plain, flagged = (np.full(len(rulebook.hrgs), -1, np.int32) for _ in range(2))
    for hrg in np.flatnonzero(rules.best_practice.priced[tariff]):
        for into, flags in ((plain, ["", *rules.flags.flags]), (flagged, [*rules.flags.flags, ""])):
            rows = (rules.best_practice.row(tariff, int(hrg), flag, "Y") for flag in flags)
            found = next((row for row in rows if row is not None), None)
            if found is not None:
                into[hrg] = len(out.rows)
                out.rows.append(found)
    rates = rules.top_ups.rate[rules.top_ups.rate > 0].astype(np.int64)

    def area(at: slice) -> NDArray[np.int32]:
        hrg = spells.hrg[at]
        return np.where(random.random(len(hrg)) < WITH_FLAG, flagged[hrg], plain[hrg])

    out.payments = np.zeros((count, 2), np.int64)
    for begin in range(0, count, BLOCK):
        at = slice(begin, begin + BLOCK)
        chance = random.random((3, len(out.bits[at])))
        out.area_row[at] = area(at)
        rate = rates[random.integers(0, len(rates), len(chance[0]))]
        out.top_up_rate[at] = np.where(chance[0] < WITH_TOP_UP, rate, 0)
        out.payments[at, 0] = np.where(chance[1] < WITH_PAYMENT, 133_500, 0)
        out.exclusion[at] = np.where(chance[2] < EXCLUDED, 2, 0)
    return out


def floor(spells: PriceInput) -> list[NDArray[Any]]:
    """Copy what pricing reads, and write as much as it leaves."""
    read = [value.copy() for value in vars(spells).values() if isinstance(value, np.ndarray)]
    left = vars(Prices(len(spells.year)))
    for value in left.values():
        if isinstance(value, np.ndarray):
            value.fill(1)
    return [*read, *left.values()]


def main() -> int:
    """Make the spells, price them several times, and say what the best took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("spells", type=int, nargs="?", default=SPELLS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plain", action="store_true", help="no marks")
    parser.add_argument("--floor", action="store_true", help="copy arrays instead of pricing")
    given = parser.parse_args()
    rulebook = Rulebook(load_packs())
    spells = make(rulebook, given.spells)
    if not given.plain:
        spells.marks = with_marks(rulebook, spells)
    pricer, before, best = Pricer(rulebook), peak_mb(), float("inf")
    for _ in range(given.rounds):
        begun = time.perf_counter()
        if given.floor:
            floor(spells)
        else:
            out = pricer.run(spells, threads=given.threads)
        best = min(best, time.perf_counter() - begun)
        if not given.floor:
            known = out.total != NULL64
            parts = {
                name: int((getattr(out, name)[known] != 0).sum())
                for name in ("short_stay", "long_stay", "top_up", "best_practice")
            }
            priced = f"{int(known.sum()):,} priced, {parts}"
            del out
    what = "floor" if given.floor else "plain" if given.plain else "every component"
    print(
        f"| {what}, {given.threads} thread{'s' * (given.threads > 1)} | {given.spells:,} "
        f"| {best:.2f} | {given.spells / best:,.0f} | {best / given.spells * 1e9:.0f} "
        f"| {before:,.0f} | {peak_mb():,.0f} | load {os.getloadavg()[0]:.1f} |"
    )
    if not given.floor:
        print(priced, file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
