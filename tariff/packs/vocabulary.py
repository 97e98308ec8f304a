"""What the predicates of one rule may name beside fields: lists, maps and parameters."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from decimal import Decimal
from typing import Any

from tariff.packs.model import Named
from tariff.packs.nodes import BAD, INTEGER, Decoder
from tariff.packs.problems import HasPosition, Problems, did_you_mean
from tariff.packs.tree import Broken, Mapping, Node, Scalar

Span = tuple[int | None, int | None]
NO_SPAN: Span = (None, None)


class Vocabulary:
    """Looks names up, and remembers which were used. `lists` and `maps` of None are not asked."""

    def __init__(
        self,
        decoder: Decoder,
        lists: AnyMapping[str, Any] | None,
        maps: AnyMapping[str, Any] | None,
        params: AnyMapping[str, Decimal],
        date_params: frozenset[str] = frozenset(),
    ) -> None:
        self.decoder = decoder
        self.problems: Problems = decoder.problems
        self.params = params
        self.date_params = date_params
        self.params_used: set[str] = set()
        self.lists_used: set[str] = set()
        self.maps_used: set[str] = set()
        self._lists = lists
        self._maps = maps

    def add(self, code: str, at: HasPosition, message: str, hint: str = "") -> None:
        """Note a problem."""
        self.problems.add(code, at, message, hint)

    def read(self, node: Node, hint: Any, otherwise: Any = None) -> Any:
        """Give a value as its type; `otherwise` where it is none, which is reported."""
        value = self.decoder.decode(node, hint)
        return otherwise if value is BAD else value

    def unknown_keys(self, node: Mapping, accepted: frozenset[str]) -> None:
        """Report the keys that are not accepted."""
        for name, (key, _) in node.entries.items():
            if name not in accepted:
                hint = did_you_mean(name, accepted, "keys")
                self.add("PK020", key, f"unknown key '{name}'", hint)

    # ------------------------------------------------------------ names

    def list_name(self, node: Node) -> str:
        """Give the name of a list of the pack, empty where it is none."""
        return self._name(node, self._lists, self.lists_used, "list", "PK103")

    def map_name(self, node: Node) -> str:
        """Give the name of a map of the pack, empty where it is none."""
        return self._name(node, self._maps, self.maps_used, "map", "PK103")

    def _name(
        self, node: Node, known: AnyMapping[str, Any] | None, used: set[str], what: str, code: str
    ) -> str:
        name: str = self.read(node, str, "")
        if name:
            used.add(name)
            if known is not None and name not in known:
                hint = did_you_mean(name, set(known), f"{what}s")
                self.add(code, node, f"unknown {what} '{name}'", hint)
        return name

    def param(self, node: Node) -> str:
        """Give the name of a parameter written `$name`; empty where there is none such."""
        if not isinstance(node, Scalar) or not node.text.startswith("$"):
            if not isinstance(node, Broken):
                self.add("PK101", node, "expected a parameter: $name")
            return ""
        name = node.text[1:]
        self.params_used.add(name)
        if name not in self.params:
            hint = did_you_mean(name, set(self.params), "parameters")
            self.add("PK104", node, f"unknown parameter '${name}'", hint)
            return ""
        return name

    def number_param(self, node: Node) -> str:
        """Like `param`, of one that is a number."""
        name = self.param(node)
        if name in self.date_params:
            self.add("PK105", node, f"${name} is a date, not a number")
            return ""
        return name

    # ------------------------------------------------------------ whole numbers

    def whole(self, node: Node) -> int | None:
        """Give a whole number, or that of a parameter."""
        if isinstance(node, Broken):
            return None
        if isinstance(node, Scalar) and node.text.startswith("$"):
            name = self.number_param(node)
            if not name:
                return None
            value = self.params[name]
            if value != value.to_integral_value():
                self.add("PK105", node, f"${name} is {value}: no whole number")
                return None
            return Named(int(value), name)
        if isinstance(node, Scalar) and node.plain and INTEGER.fullmatch(node.text):
            return int(node.text)
        found = f"'{node.text}'" if isinstance(node, Scalar) else "something else"
        self.add("PK022", node, f"expected a whole number or $name, found {found}")
        return None

    def span(self, node: Node, keys: frozenset[str] = frozenset({"min", "max"})) -> Span:
        """Give `{min, max}`; either may be left out, not both."""
        if not isinstance(node, Mapping):
            if not isinstance(node, Broken):
                listed = ", ".join(f"{key}: n" for key in ("min", "max") if key in keys)
                self.add("PK022", node, f"expected {{{listed}}}")
            return NO_SPAN
        self.unknown_keys(node, keys)
        ends = [
            self.whole(node.entries[key][1]) if key in node.entries and key in keys else None
            for key in ("min", "max")
        ]
        low, high = ends
        if not node.entries:
            self.add("PK021", node, f"missing key '{min(keys, key=('min', 'max').index)}'")
        elif low is not None and high is not None and low > high:
            self.add("PK110", node, f"min {low} is above max {high}: it never holds")
        return low, high
