"""The worked examples of price lists: `tests.csv` of a tariff pack, in one call of the kernel."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.marking import mark, mark_rules
from tariff.engine.members import Members
from tariff.engine.pipeline import read_frame
from tariff.engine.price import MffChoice, PriceInput, Pricer, Prices
from tariff.engine.reasons import price_reason_names
from tariff.extract import from_arrow
from tariff.packs.compile import NULL64, Rulebook
from tariff.packs.load import LoadedPack
from tariff.packs.model import TariffPack
from tariff.schemas import MFF_UNIT

# columns of the tests and what they are of the prices
_AMOUNTS = {
    "list": "listed",
    "base": "base",
    "short_stay": "short_stay",
    "long_stay": "long_stay",
    "top_up": "top_up",
    "best_practice": "best_practice",
    "pre_mff": "pre_mff",
    "total": "total",
}
_CODES = ("admission_method", "patient_classification", "provider")
# what a test may say of a spell beside its HRG, setting and days
_SAID = (
    "best_practice_flags",
    "best_practice_met",
    "best_practice_payments",
    "specialised_services",
    "treatment_function",
    "administrative_category",
    "commissioning_serial_number",
)


def price_tests(rulebook: Rulebook, pack: LoadedPack) -> list[tuple[str, str]]:
    """Give every worked example of a price list by name, and what was wrong with it."""
    columns = pack.tables["tests"].columns
    given = _spells(rulebook, pack)
    count = len(given.year)
    members = _members(columns, given)
    unmarked = Pricer(rulebook).tariffs(given)
    given.marks = mark(mark_rules(rulebook), members, given, unmarked, np.zeros(count, np.int32))
    # a factor written in the test is the one to apply; a provider alone takes its own
    written = zip(columns["provider"], columns["mff"], strict=True)
    factors = ["" if provider and not mff else mff or "1" for provider, mff in written]
    wrong = [""] * count
    for factor in sorted(set(factors)):
        which = np.array([i for i in range(count) if factors[i] == factor], np.int64)
        choice = MffChoice(int(Decimal(factor) * MFF_UNIT)) if factor else MffChoice()
        prices = Pricer(rulebook, choice).run(given.take(which))
        for place, i in enumerate(which.tolist()):
            wrong[i] = "; ".join(_compare(columns, i, prices, place))
    return list(zip(columns["name"], wrong, strict=True))


def _spells(rulebook: Rulebook, pack: LoadedPack) -> PriceInput:
    """Give the spells of the examples, in the year of the pack."""
    assert isinstance(pack.manifest, TariffPack)
    columns = pack.tables["tests"].columns
    ids = {name: sorted(set(columns[name])) for name in _CODES}

    def numbers(name: str) -> NDArray[np.int32]:
        return np.array([int(text or 0) for text in columns[name]], np.int32)

    def places(name: str) -> NDArray[np.int64]:
        return np.array([ids[name].index(text) for text in columns[name]], np.int64)

    return PriceInput(
        year=np.zeros(len(columns["name"]), np.int16),
        hrg=np.array([rulebook.hrg_ids.get(hrg, -2) for hrg in columns["hrg"]], np.int32),
        method=places("admission_method").astype(np.uint16),
        patient_class=places("patient_classification").astype(np.uint16),
        age=numbers("age"),
        spell_days=numbers("spell_days"),
        deducted_days=numbers("critical_care_days")
        + numbers("rehabilitation_days")
        + numbers("palliative_care_days"),
        provider=places("provider"),
        years=[pack.manifest.year],
        methods=ids["admission_method"],
        classes=ids["patient_classification"],
        providers=ids["provider"],
    )


def _members(columns: dict[str, list[str]], given: PriceInput) -> Members:
    """Give an episode for each example, with what it says of the spell."""
    count = len(given.year)
    said = {name: columns[name] for name in _SAID if name in columns}
    table = pa.table(
        {
            "provider": [text or "X00" for text in columns["provider"]],
            "spell_id": [str(i) for i in range(count)],
            "episode_order": ["1"] * count,
            **{
                name: pa.array([t or None for t in texts], pa.string())
                for name, texts in said.items()
            },
        }
    )
    extract = from_arrow(table)
    frame = read_frame(extract.batches(), extract.fields)
    return Members(frame, np.arange(count, dtype=np.int64), np.arange(count + 1, dtype=np.int64))


def _compare(columns: dict[str, list[str]], i: int, prices: Prices, place: int) -> list[str]:
    """Say what of an example is not as it expects; a blank cell expects nothing."""
    wrong = []
    for name, of in _AMOUNTS.items():
        text = columns[name][i] if name in columns else ""
        amount = int(getattr(prices, of)[place])
        if text and amount != int(Decimal(text) * 100):
            shown = "nothing" if amount == NULL64 else f"{amount / 100:,.2f}"
            wrong.append(f"{name}: expected {text}, found {shown}")
    reasons = columns["reasons"][i] if "reasons" in columns else ""
    found = price_reason_names(int(prices.reasons[place]))
    if reasons and reasons != found:
        wrong.append(f"reasons: expected {reasons}, found {found or 'none'}")
    return wrong
