"""How the records of a `sequence` or `set` rule are put together."""

from __future__ import annotations

from typing import Literal

from tariff.packs.match_fields import said
from tariff.packs.model import Operand, Pairing, SetKey
from tariff.packs.operands import Numbers
from tariff.packs.predicates import PredicateDecoder
from tariff.packs.tree import Broken, Mapping, Node
from tariff.packs.vocabulary import NO_SPAN, Vocabulary

SPAN_KEYS = ("gap_days", "gap_minutes", "starts_days")
PAIRING_KEYS = frozenset({"same", *SPAN_KEYS, "overlap_days", "contains"})
SET_KEYS = frozenset({"key", "keep", "near"})
ABOUT_KEYS = frozenset({"of", "from"})
SET_KEEP = Literal["first", "dearest"]


class TogetherReader:
    """Reads those keys of the `match` of one rule."""

    def __init__(
        self, words: Vocabulary, predicates: PredicateDecoder, numbers: Numbers, match: Node | None
    ) -> None:
        self.words = words
        self.predicates = predicates
        self.numbers = numbers
        self.match = match

    def _matched(self, name: str) -> Node | None:
        node = self.match
        return node.entries[name][1] if isinstance(node, Mapping) and name in node.entries else None

    def refuse_foreign(self, scope: str) -> None:
        """Report keys of `match` that other scopes own."""
        node = self.match
        if not isinstance(node, Mapping):
            return
        for name in sorted(foreign_keys(scope)):
            if name in node.entries:
                owner = "sequence" if name in PAIRING_KEYS else "set"
                message = f"'{name}' belongs to rules of scope {owner}"
                self.words.add("PK106", node.entries[name][0], message)

    def pairing(self) -> Pairing | None:
        """Give how the two records of a sequence stand to each other."""
        node = self.match
        if not isinstance(node, Mapping):
            return None
        same: tuple[str, ...] = ()
        if "same" in node.entries:
            item = node.entries["same"][1]
            same = self.predicates.field_list(item)
            if same and same[0] != "patient_id":
                message = "'same' of a sequence begins with patient_id"
                self.words.add("PK106", item, message, "put it first")
        else:
            self.words.add("PK021", node, "missing key 'same'", "write same: [patient_id, ...]")
        spans = {
            name: self.words.span(node.entries[name][1]) if name in node.entries else NO_SPAN
            for name in SPAN_KEYS
        }
        overlap = self._matched("overlap_days")
        least = self.words.span(overlap, frozenset({"min"}))[0] if overlap is not None else None
        whole = self._matched("contains")
        contains = whole is not None and self.words.read(whole, bool, False)
        if not any(name in node.entries for name in (*SPAN_KEYS, "overlap_days")) and not contains:
            listed = ", ".join(f"'{name}'" for name in (*SPAN_KEYS, "overlap_days", "contains"))
            self.words.add("PK021", node, f"missing key: one of {listed}")
        return Pairing(
            same,
            *spans["gap_days"],
            least,
            bool(contains),
            *spans["gap_minutes"],
            *spans["starts_days"],
        )

    def set_key(self) -> SetKey | None:
        """Give what puts the records of a set together."""
        node = self.match
        if not isinstance(node, Mapping):
            return None
        keep = self._matched("keep")
        kept: Literal["first", "dearest"] = (
            self.words.read(keep, SET_KEEP, "first") if keep is not None else "first"
        )
        near = self._near()
        if "key" not in node.entries:
            self.words.add("PK021", node, "missing key 'key'", "write key: [field, ...]")
            return None
        item = node.entries["key"][1]
        key = self.predicates.field_list(item, frozenset({"all_fields"}))
        if "all_fields" in key and len(key) > 1:
            self.words.add("PK106", item, "'all_fields' stands alone in 'key'")
        if "all_fields" in key and near is not None:
            self.words.add("PK106", item, "exact copies take no 'near'")
        return SetKey(key, kept, near)

    def _near(self) -> tuple[str, Operand] | None:
        """`{field: n}`: how far apart two records of a key may be."""
        node = self._matched("near")
        if node is None or isinstance(node, Broken):
            return None
        if not isinstance(node, Mapping) or len(node.entries) != 1:
            self.words.add("PK101", node, "'near' takes one field: {field: n}")
            return None
        ((name, (key, item)),) = node.entries.items()
        found = self.numbers.field(key, name, 0)
        if found is None:
            return None
        if found.kind == "code":
            message = f"'{name}' is {said(found)}: codes are not near each other"
            self.words.add("PK105", key, message)
            return None
        operand = self.numbers.constant(found, item, difference=True)
        return None if operand is None else (name, operand)


def own_keys(scope: str) -> frozenset[str]:
    """Give the keys of `match` that are no predicates, those that do not belong there too."""
    mine = {"sequence": PAIRING_KEYS, "set": SET_KEYS}.get(scope, frozenset())
    return mine | foreign_keys(scope) | ABOUT_KEYS


def foreign_keys(scope: str) -> frozenset[str]:
    """Keys of `match` that other scopes own. `same` also stands in the match of a set rule."""
    if scope == "sequence":
        return SET_KEYS
    if scope == "set":
        return PAIRING_KEYS - {"same"}
    return (PAIRING_KEYS - {"same"}) | SET_KEYS
