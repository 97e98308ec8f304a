"""Which price list and which factor: engine and oracle choose alike, whatever is held."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tariff.packs.editions import Editions
from tariff.packs.load import LoadedPack, PackSet
from tariff.packs.market_forces import NULL64, MarketForces
from tariff.packs.model import CsvName, MffPack, TariffPack
from tariff.reference.editions import in_order
from tariff.reference.factors import factor_of, factors_of
from tests.differential.strategies import about, loaded

CSV = CsvName("table.csv")
YEARS = ("2021/22", "2022/23", "2023/24")
EDITIONS = ("final", "Final", "april", "pay award", "pay-award", "consultation", "draft 2")
PROVIDERS = ("R1A", "R1B", "R1C", "R1D")
FACTORS = ("1", "1.1", "1.000000001", "1.234567890")


@st.composite
def price_lists(draw: st.DrawFn) -> list[LoadedPack]:
    names = draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6, unique=True))
    made = []
    for name in names:
        with_factors = draw(st.booleans())
        manifest = TariffPack(
            **about(name, "tariff"),
            year=draw(st.sampled_from(YEARS)),
            edition=draw(st.sampled_from(EDITIONS)),
            prices=CSV,
            partial=draw(st.booleans()),
            factors=CSV if with_factors else None,
        )
        tables: dict[str, Any] = {"prices": [{"hrg": "AA01A"}]}
        if with_factors:
            tables["factors"] = [row | {"name": "x"} for row in draw(printed())]
        made.append(replace(loaded(manifest, **tables), level=draw(st.integers(0, 2))))
    return made


@st.composite
def printed(draw: st.DrawFn) -> list[dict[str, str]]:
    pairs = st.tuples(st.sampled_from(PROVIDERS), st.sampled_from(YEARS))
    return [
        {"provider": provider, "year": year, "mff": draw(st.sampled_from(FACTORS))}
        for provider, year in draw(st.lists(pairs, min_size=1, max_size=6, unique=True))
    ]


@st.composite
def factor_packs(draw: st.DrawFn) -> list[LoadedPack]:
    made = []
    for name in ("y", "z")[: draw(st.integers(1, 2))]:
        merged = draw(
            st.dictionaries(
                st.sampled_from(PROVIDERS),
                st.tuples(
                    st.sampled_from(PROVIDERS),
                    st.sampled_from(("2021-04-01", "2021-04-02", "2023-04-01")),
                ),
                max_size=3,
            )
        )
        manifest = MffPack(
            **about(name, "mff"),
            factors=CSV,
            providers=CSV,
            successors=CSV if merged else None,
        )
        tables: dict[str, Any] = {"factors": draw(printed()), "providers": []}
        if merged:
            tables["successors"] = [
                {"old": old, "new": new, "from": day, "source": "made up", "evidence": "K"}
                for old, (new, day) in merged.items()
            ]
        made.append(replace(loaded(manifest, **tables), level=draw(st.integers(0, 2))))
    return made


@given(price_lists(), st.data())
def test_the_same_price_list_serves_a_year(lists: list[LoadedPack], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(lists), unique=True, max_size=2))
    asked: dict[str, str] = {}
    for pack in chosen:
        assert isinstance(pack.manifest, TariffPack)
        name = data.draw(st.sampled_from((pack.manifest.id, pack.manifest.edition.upper())))
        asked[pack.manifest.year] = name
    engine = Editions(tuple(asked.items())).in_order(PackSet(tuple(lists)))
    oracle = in_order(lists, asked)
    assert [pack.id for pack in engine] == [manifest.id for manifest, _ in oracle]


@given(price_lists(), factor_packs())
def test_the_same_factor_serves_a_provider(
    lists: list[LoadedPack], packs: list[LoadedPack]
) -> None:
    ordered = Editions().in_order(PackSet(tuple(lists)))
    first = {getattr(pack.manifest, "year", ""): pack for pack in reversed(ordered)}
    serving = list(first.values())
    engine = MarketForces(packs, serving)
    oracle = factors_of([*packs, *lists], serving)
    for provider in (*PROVIDERS, "R1A00", "RZZ"):
        for year in (*YEARS, "0000/01", "2019/20"):
            found, expected = engine.find(provider, year), factor_of(oracle, provider, year)
            assert (found.value if found.pack else None) == expected.mff
            assert (found.year or None) == expected.year
            assert engine.is_of_successor(provider, year) == expected.of_successor
            assert (found.value == NULL64) == (found.pack is None)
