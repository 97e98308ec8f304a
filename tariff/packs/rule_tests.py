"""Inline tests of rules: rows of every kind of record, of registers and of other files."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tariff.extract.fields import REGISTERS
from tariff.packs.match_fields import KINDS, columns_of, is_column
from tariff.packs.model import RuleTest
from tariff.packs.nodes import BAD, Decoder
from tariff.packs.problems import Problems, did_you_mean
from tariff.packs.tree import Broken, Mapping, Node, Scalar, Sequence

SOURCES = ("history", "national", "earlier")
Rows = tuple[dict[str, str], ...]


class TestReader:
    """Reads the tests of one rule."""

    __test__ = False  # not one of pytest's

    def __init__(self, problems: Problems, tiers: tuple[str, ...] = ()) -> None:
        self._problems = problems
        self._tiers = tiers

    def read(self, node: Node | None) -> tuple[RuleTest, ...]:
        """Give every test of a list that has a shape to be read."""
        items = node.items if isinstance(node, Sequence) else []
        return tuple(self._test(item) for item in items if isinstance(item, Mapping))

    def _test(self, node: Mapping) -> RuleTest:
        finds = self._quiet(node, "finds", int) or 0
        if finds < 0:
            self._problems.add("PK109", node.entries["finds"][1], "'finds' is not below 0")
        for name in ("value", "settled", "tier"):
            if name in node.entries and not finds:
                message = f"a test that finds nothing has no {name}"
                self._problems.add("PK109", node.entries[name][0], message)
        tier = self._text(node, "tier")
        if tier and tier not in self._tiers:
            hint = did_you_mean(tier, set(self._tiers), "tiers")
            self._problems.add("PK109", node.entries["tier"][1], f"no tier '{tier}'", hint)
        others = dict(self._others(node))
        rows = others.pop("spells", ())
        return RuleTest(
            self._text(node, "name"),
            finds,
            rows,
            self._quiet(node, "value", Decimal),
            self._quiet(node, "settled", Decimal),
            tier,
            others,
        )

    def _others(self, node: Mapping) -> Iterator[tuple[str, Rows]]:
        """Rows by what they are of: `spells`, `history/spells`, `registers/deaths`."""
        for kind in KINDS:
            if kind in node.entries:
                yield kind, self._rows(node.entries[kind][1], kind)
        for name in (*SOURCES, "registers"):
            inner = node.entries[name][1] if name in node.entries else None
            if not isinstance(inner, Mapping):
                continue
            known = tuple(REGISTERS) if name == "registers" else KINDS
            for kind, (key, item) in inner.entries.items():
                if kind in known:
                    yield f"{name}/{kind}", self._rows(item, kind)
                    continue
                what = "registers" if name == "registers" else "kinds of records"
                hint = did_you_mean(kind, set(known), what)
                self._problems.add("PK109", key, f"'{name}' has no '{kind}'", hint)

    def _rows(self, node: Node, kind: str) -> Rows:
        items = node.items if isinstance(node, Sequence) else []
        if kind != "spells":
            records = [item for item in items if isinstance(item, Mapping)]
            return tuple(self._columns_of(item, kind) for item in records)
        return tuple(row for item in items for row in self._episodes(item))

    def _episodes(self, spell: Node) -> list[dict[str, str]]:
        """The rows of one entry: one, or one for each of its `episodes`, numbered from 1."""
        if not isinstance(spell, Mapping):
            return []
        shared = self._columns_of(spell, "spells", frozenset({"episodes"}))
        if "episodes" not in spell.entries:
            return [shared]
        node = spell.entries["episodes"][1]
        if not isinstance(node, Sequence) or not node.items:
            if not isinstance(node, Broken):
                self._problems.add("PK109", node, "'episodes' is a list of columns")
            return []
        rows = []
        for number, episode in enumerate(node.items, 1):
            if isinstance(episode, Mapping):
                order = {} if len(node.items) == 1 else {"episode_order": str(number)}
                rows.append({**order, **shared, **self._columns_of(episode, "spells")})
            elif not isinstance(episode, Broken):
                self._problems.add("PK109", episode, "an episode is a mapping of columns")
        return rows

    def _columns_of(
        self, node: Mapping, kind: str, skip: frozenset[str] = frozenset()
    ) -> dict[str, str]:
        row = {}
        for name, (key, item) in node.entries.items():
            if name in skip:
                continue
            if not is_column(name, kind):
                hint = did_you_mean(name, columns_of(kind), "columns")
                self._problems.add("PK102", key, f"unknown column '{name}'", hint)
            elif isinstance(item, Scalar):
                row[name] = "" if item.is_null else item.text
            elif not isinstance(item, Broken):
                self._problems.add("PK109", item, f"column '{name}' takes one value")
        return row

    def _quiet(self, node: Mapping, name: str, hint: Any) -> Any:
        """A value whose problems are reported with the model."""
        if name not in node.entries:
            return None
        value = Decoder(Problems(self._problems.path)).decode(node.entries[name][1], hint)
        return None if value is BAD else value

    @staticmethod
    def _text(node: Mapping, name: str) -> str:
        item = node.entries[name][1] if name in node.entries else None
        return item.text if isinstance(item, Scalar) else ""
