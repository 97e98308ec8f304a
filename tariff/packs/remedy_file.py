"""Remedies of rules: which keys each kind takes, and what they may name."""

from __future__ import annotations

from typing import Any

from tariff.packs.match_fields import FIELDS, columns_of, is_column
from tariff.packs.model import Code, Edit, Operand, Remedy, Removal
from tariff.packs.operands import Numbers, Sides
from tariff.packs.problems import START, HasPosition, did_you_mean
from tariff.packs.rule_file import RemedyFile, RemoveFile
from tariff.packs.tree import Mapping, Node, Scalar
from tariff.packs.vocabulary import Vocabulary

_WHATS: dict[str, tuple[str, ...]] = {
    "reprice": (
        "price",
        "short_stay",
        "mff",
        "best_practice",
        "top_up",
        "amount",
        "unit_price",
        "unbilled",
    ),
    "cap_units": ("excess_days", "quantity"),
}
_TO = ("amount", "quantity", "unit_price")  # whats that take a number
# keys beside `kind` that a kind takes
_TAKES: dict[str, frozenset[str]] = {
    "not_payable": frozenset({"until"}),
    "edit_and_regroup": frozenset({"set", "remove", "swap_primary"}),
    "reclassify": frozenset({"as", "set", "hrg", "price"}),
    "cap_units": frozenset({"what", "to"}),
    "reprice": frozenset({"what", "to"}),
    "contract": frozenset({"share"}),
}
_OF_SPELLS = ("short_stay", "top_up", "excess_days")


class RemedyReader:
    """Reads the remedies of one rule about records of some kinds."""

    def __init__(
        self, words: Vocabulary, scope: str, of: tuple[str, ...], partner: tuple[str, ...]
    ) -> None:
        self.words = words
        self.scope = scope
        self.of = of
        self.partner = partner  # kinds of the partner of a hit; none: there is no partner

    def read(self, file: RemedyFile, node: Node) -> Remedy:
        """Give a remedy; `node` is where it stands."""
        self._keys(file, node)
        self._fits(file, node)
        return Remedy(
            file.kind,
            file.what,
            self._edits(file, node),
            self._removal(file.remove, node) if file.remove else None,
            self._swap(node),
            file.as_,
            file.hrg != "none",
            self._param(node, "price", above_zero=True),
            self._to(file, node),
            self._param(node, "share"),
            file.until,
        )

    def _add(self, at: HasPosition, message: str, hint: str = "") -> None:
        self.words.add("PK107", at, message, hint)

    def _keys(self, file: RemedyFile, node: Node) -> None:
        """Each kind has keys of its own."""
        kind = file.kind
        if kind == "rate":
            self._add(
                node,
                "remedy rate is kept for statistical rules, which come later",
                "use query, which claims nothing",
            )
            return
        accepted = _WHATS.get(kind, ())
        at = _key(node, "what")
        if accepted and file.what not in accepted:
            self._add(node, f"remedy {kind} asks for 'what': one of {', '.join(accepted)}")
        given = [name for name in _entries(node) if name != "kind"]
        takes = _TAKES.get(kind, frozenset())
        for name in given:
            if name not in takes:
                self._add(_key(node, name), f"remedy {kind} takes no '{name}'")
        if "to" in takes and "to" in given and file.what not in _TO:
            self._add(_key(node, "to"), f"'what: {file.what}' takes no 'to'")
        if file.what in _TO and file.what in accepted and "to" not in given:
            self._add(at, f"'what: {file.what}' asks for 'to': a number")
        if kind == "edit_and_regroup" and not set(given) & takes:
            self._add(node, "remedy edit_and_regroup asks for 'set', 'remove' or 'swap_primary'")
        if kind == "reclassify" and not file.as_:
            self._add(node, "remedy reclassify asks for 'as': attendances or emergency")
        if kind == "contract" and "share" not in given:
            self._add(node, "remedy contract asks for 'share': $name")

    def _fits(self, file: RemedyFile, node: Node) -> None:
        """The rule finds the records that the remedy is about."""
        kind, spells = file.kind, self.of == ("spells",)
        if kind == "merge_and_regroup" and self.scope != "sequence":
            self._add(node, "merge_and_regroup needs a rule of scope sequence")
        elif kind in ("merge_and_regroup", "reclassify") and not spells:
            self._add(node, f"remedy {kind} is of spells, the rule of {', '.join(self.of)}")
        elif file.what in _OF_SPELLS and "spells" not in self.of:
            message = f"'what: {file.what}' is of spells, the rule of {', '.join(self.of)}"
            self._add(_key(node, "what"), message)
        elif file.what in ("quantity", "unit_price") and "lines" not in self.of:
            message = f"'what: {file.what}' is of lines, the rule of {', '.join(self.of)}"
            self._add(_key(node, "what"), message)
        if kind == "keep_one" and self.scope != "set" and not self.partner:
            self._add(
                node,
                "keep_one needs a rule of scope set, or a partner",
                "the first 'with' of match, not within any or not, finds the partner",
            )

    # ------------------------------------------------------------ edits

    def _edits(self, file: RemedyFile, node: Node) -> tuple[Edit, ...]:
        kinds = (file.as_,) if file.kind == "reclassify" and file.as_ else self.of
        edits = []
        item = _item(node, "set")
        if isinstance(item, Mapping):
            if not item.entries:
                self._add(item, "'set' is empty")
            for name, (key, value) in item.entries.items():
                if not any(is_column(name, kind) for kind in kinds):
                    self._no_column(key, name, kinds)
                edit = self._edit(name, value)
                if edit is not None:
                    edits.append(edit)
        return tuple(edits)

    def _edit(self, name: str, node: Node) -> Edit | None:
        if not isinstance(node, Mapping):
            code = self.words.read(node, Code)
            return None if code is None else Edit(name, "code", code)
        self.words.unknown_keys(node, frozenset({"field", "map"}))
        if len(set(node.entries) & {"field", "map"}) != 1:
            self._add(node, "write a code, {field: name} or {map: name}")
            return None
        if "map" in node.entries:
            mapped = self.words.map_name(node.entries["map"][1])
            return Edit(name, "map", mapped) if mapped else None
        item = node.entries["field"][1]
        other: str = self.words.read(item, str, "")
        if not other:
            return None
        known = any(is_column(other, kind) or other in FIELDS[kind] for kind in self.of)
        if not known:
            self._no_column(item, other, self.of)
        elif any(FIELDS[kind][other].many for kind in self.of if other in FIELDS[kind]):
            self._add(item, f"'{other}' holds several codes")
        return Edit(name, "field", other)

    def _no_column(self, at: HasPosition, name: str, kinds: tuple[str, ...]) -> None:
        columns = set().union(*(columns_of(kind) for kind in kinds))
        hint = did_you_mean(name, columns, "columns")
        self.words.add("PK102", at, f"unknown column '{name}'", hint)

    def _removal(self, file: RemoveFile, node: Node) -> Removal | None:
        item = _item(node, "remove")
        given = [name for name in _entries(item) if name != "one"]
        if len(given) != 1:
            self._add(item or START, "'remove' takes one of 'diagnoses', 'procedures', 'pairs'")
            return None
        what: Any = given[0]
        value = _item(item, what)
        if value is None:
            return None
        if what == "pairs":
            return Removal("pairs", self.words.list_name(value), file.one)
        if isinstance(value, Scalar) and value.text == "outside_stay" and what == "procedures":
            if "spells" not in self.of:
                self._add(value, f"outside_stay is of spells, the rule of {', '.join(self.of)}")
            return Removal("procedures", "", file.one)
        if not isinstance(value, Mapping) or set(value.entries) != {"list"}:
            also = ", or outside_stay" if what == "procedures" else ""
            self._add(value, f"'{what}' takes {{list: name}}{also}")
            return None
        return Removal(what, self.words.list_name(value.entries["list"][1]), file.one)

    def _swap(self, node: Node) -> str:
        item = _item(node, "swap_primary")
        value = _item(item, "list") if item is not None else None
        return self.words.list_name(value) if value is not None else ""

    # ------------------------------------------------------------ numbers

    def _param(self, node: Node, name: str, *, above_zero: bool = False) -> str:
        item = _item(node, name)
        if item is None:
            return ""
        param = self.words.number_param(item)
        if param:
            value = self.words.params[param]
            if above_zero and value <= 0:
                self._add(item, f"'{name}' is above 0; ${param} is {value}")
            elif name == "share" and not 0 <= value <= 1:
                self._add(item, f"a share lies between 0 and 1; ${param} is {value}")
        return param

    def _to(self, file: RemedyFile, node: Node) -> Operand | None:
        item = _item(node, "to")
        if item is None or file.what not in _TO:
            return None
        unit = FIELDS["lines"]["quantity" if file.what == "quantity" else "billed"]
        partner = self.partner or self.of
        if not self.partner and isinstance(item, Mapping) and "of" in item.entries:
            key, value = item.entries["of"]
            if isinstance(value, Scalar) and value.text == "other":
                self._add(key, "there is no other record: no first 'with' of match")
        return Numbers(self.words, Sides("join", (partner, self.of))).operand(unit, item, 1)


def _entries(node: Node | None) -> tuple[str, ...]:
    return tuple(node.entries) if isinstance(node, Mapping) else ()


def _item(node: Node | None, name: str) -> Node | None:
    if isinstance(node, Mapping) and name in node.entries:
        return node.entries[name][1]
    return None


def _key(node: Node, name: str) -> HasPosition:
    if isinstance(node, Mapping) and name in node.entries:
        return node.entries[name][0]
    return node
