"""One signature file to a `Rule`: see docs/signatures.md for the language."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from tariff.errors import Problem
from tariff.packs.match_fields import MATCH_FIELDS, is_column, needs_of
from tariff.packs.model import (
    Every,
    ExceptionRule,
    Pairing,
    Predicate,
    Remedy,
    Rule,
    RuleTest,
    SetKey,
)
from tariff.packs.needs import needs_of_predicate
from tariff.packs.nodes import BAD, Decoded, Decoder, Where, decode_tree
from tariff.packs.predicates import PredicateDecoder
from tariff.packs.problems import START, Position, Problems, did_you_mean, shown
from tariff.packs.rule_file import AtLeastDays, Days, RuleFile
from tariff.packs.tree import Broken, Mapping, Node, Scalar, Sequence, parse_tree, read_tree

PAIRING_KEYS = frozenset({"same", "gap_days", "overlap_days", "contains"})
SET_KEYS = frozenset({"key", "of", "keep"})
SET_OF = Literal["episodes", "spells"]
SET_KEEP = Literal["first", "dearest"]
PAIR_NEEDS = ["patient_id", "admission_date", "discharge_date"]

_WHATS: dict[str, tuple[str, ...]] = {
    "reprice": ("price", "short_stay", "mff"),
    "cap_units": ("excess_days",),
}


@dataclass(slots=True)
class DecodedRule(Decoded[Rule]):
    """A rule file: beside the rule, the parameters and lists that its predicates use."""

    params_used: frozenset[str] = frozenset()
    lists_used: frozenset[str] = frozenset()


def decode_rule(
    path: Path, lists: AnyMapping[str, Any] | None = None
) -> tuple[Rule | None, list[Problem]]:
    """A rule file, or None, and all its problems. `lists`: those of its pack (None: not asked)."""
    decoded = read_rule(path, lists)
    return decoded.value, decoded.problems


def read_rule(path: Path, lists: AnyMapping[str, Any] | None = None) -> DecodedRule:
    """Like `decode_rule`, with the positions of the keys."""
    problems = Problems(path)
    return _decode(read_tree(path, problems), problems, lists, path)


def decode_rule_text(
    text: str, lists: AnyMapping[str, Any] | None = None, path: Path | None = None
) -> DecodedRule:
    """Like `read_rule`, from a text."""
    problems = Problems(path or "<text>")
    return _decode(parse_tree(text, problems), problems, lists, path)


def _decode(
    tree: Node | None, problems: Problems, lists: AnyMapping[str, Any] | None, path: Path | None
) -> DecodedRule:
    """Decode all there is, so that a broken predicate does not hide a broken test."""
    decoded = decode_tree(tree, RuleFile, problems, None)
    reader = _RuleReader(problems, decoded.positions, lists)
    rule = None
    if isinstance(tree, Mapping):
        rule = reader.read(tree, decoded.value)
        if rule is not None and path is not None:
            reader.check_name(rule, path)
            rule = replace(rule, path=shown(path))
    return DecodedRule(
        None if problems.failed else rule,
        problems.sorted(),
        tree,
        decoded.positions,
        frozenset(reader.params_used),
        frozenset(reader.lists_used),
    )


class _RuleReader:
    """Reads the parts of a rule that need more than types."""

    def __init__(
        self,
        problems: Problems,
        positions: dict[Where, Position],
        lists: AnyMapping[str, Any] | None,
    ) -> None:
        self._problems = problems
        self._positions = positions
        self._lists = lists
        self._decoder = Decoder(problems)
        self.params_used: set[str] = set()
        self.lists_used: set[str] = set()

    def read(self, tree: Mapping, file: RuleFile | None) -> Rule | None:
        """The rule, None where the file has errors; they are all reported."""
        scope = self._text(tree, "scope")
        pair = scope in ("sequence", "set")
        params = file.params if file else self._params(tree)
        predicates = PredicateDecoder(
            self._decoder, "pair" if pair else "record", self._lists, params
        )
        match_node = tree.entries["match"][1] if "match" in tree.entries else None
        pairing, set_key, match = None, None, None
        if match_node is not None:
            skip = {"sequence": PAIRING_KEYS, "set": SET_KEYS}.get(scope, frozenset())
            if isinstance(match_node, Mapping):
                if scope == "sequence":
                    pairing = self._pairing(match_node, predicates)
                elif scope == "set":
                    set_key = self._set_key(match_node, predicates)
                self._refuse_foreign(match_node, scope)
            match = predicates.decode(match_node, skip | _foreign(scope))
        exceptions = self._exceptions(tree, predicates)
        tests = self._tests(tree)
        remedy = self._remedy(file, scope) if file else None
        needed = [exception.when for exception in exceptions if not exception.optional]
        looked_at = [match or Every(()), *needed]
        key = [*(pairing.same if pairing else ()), *(set_key.key if set_key else ())]
        needs = self._needs(file, [*(PAIR_NEEDS if pairing else ()), *key], Every(tuple(looked_at)))
        self.params_used = predicates.params_used
        self.lists_used = predicates.lists_used
        if file is None or match is None or remedy is None or self._problems.failed:
            return None
        return Rule(
            id=file.id,
            version=file.version,
            name=file.name,
            title=file.title,
            class_=file.class_,
            status=file.status,
            level=file.level,
            scope=file.scope,
            applies=file.applies,
            match=match,
            exceptions=exceptions,
            pairing=pairing,
            set_key=set_key,
            step=file.step,
            remedy=remedy,
            params=file.params,
            needs=needs,
            needs_official_grouping=file.needs_official_grouping,
            min_value=file.min_value,
            what=file.what,
            why=file.why,
            ask=file.ask,
            legitimate_reasons=tuple(file.legitimate_reasons),
            sources=tuple(file.sources),
            tests=tests,
        )

    def check_name(self, rule: Rule, path: Path) -> None:
        """The file is named after its rule."""
        expected = f"{rule.id}-{rule.name}.yaml"
        if path.name != expected:
            self._problems.add("PK100", START, f"the file is not named {expected}")

    # ------------------------------------------------------------ scopes

    def _refuse_foreign(self, node: Mapping, scope: str) -> None:
        for name in _foreign(scope) & set(node.entries):
            owner = "sequence" if name in PAIRING_KEYS else "set"
            self._problems.add(
                "PK106", node.entries[name][0], f"'{name}' belongs to rules of scope {owner}"
            )

    def _pairing(self, node: Mapping, predicates: PredicateDecoder) -> Pairing | None:
        same: tuple[str, ...] = ()
        if "same" in node.entries:
            item = node.entries["same"][1]
            same = predicates.field_list(item)
            if same and same[0] != "patient_id":
                self._problems.add(
                    "PK106", item, "'same' of a sequence begins with patient_id", "put it first"
                )
        else:
            self._problems.add("PK021", node, "missing key 'same'", "write same: [patient_id, ...]")
        gap = self._part(node, "gap_days", Days)
        overlap = self._part(node, "overlap_days", AtLeastDays)
        contains = self._part(node, "contains", bool)
        if gap is None and overlap is None and not contains:
            self._problems.add(
                "PK021", node, "missing key: one of 'gap_days', 'overlap_days', 'contains'"
            )
        return Pairing(
            same,
            gap.min if gap else None,
            gap.max if gap else None,
            overlap.min if overlap else None,
            bool(contains),
        )

    def _set_key(self, node: Mapping, predicates: PredicateDecoder) -> SetKey | None:
        of: Literal["episodes", "spells"] = self._part(node, "of", SET_OF) or "spells"
        keep: Literal["first", "dearest"] = self._part(node, "keep", SET_KEEP) or "first"
        if "key" not in node.entries:
            self._problems.add("PK021", node, "missing key 'key'", "write key: [field, ...]")
            return None
        item = node.entries["key"][1]
        key = predicates.field_list(item, frozenset({"all_fields"}))
        if "all_fields" in key and (len(key) > 1 or of != "episodes"):
            self._problems.add("PK106", item, "'all_fields' stands alone, and with 'of: episodes'")
        return SetKey(of, key, keep)

    def _part(self, node: Mapping, name: str, hint: Any) -> Any:
        if name not in node.entries:
            return None
        value = self._decoder.decode(node.entries[name][1], hint)
        return None if value is BAD else value

    # ------------------------------------------------------------ the rest

    def _exceptions(self, tree: Mapping, predicates: PredicateDecoder) -> tuple[ExceptionRule, ...]:
        node = tree.entries["except"][1] if "except" in tree.entries else None
        found = []
        for item in node.items if isinstance(node, Sequence) else []:
            if isinstance(item, Mapping) and "when" in item.entries:
                when = predicates.decode(item.entries["when"][1])
                optional = self._text(item, "optional") == "true"
                found.append(ExceptionRule(self._text(item, "name"), when, optional))
        return tuple(found)

    def _remedy(self, file: RuleFile, scope: str) -> Remedy:
        remedy = file.remedy
        at = self._positions.get(("remedy",), START)
        accepted = _WHATS.get(remedy.kind, ())
        if accepted and remedy.what not in accepted:
            self._problems.add(
                "PK107", at, f"remedy {remedy.kind} asks for 'what': one of {', '.join(accepted)}"
            )
        if remedy.what and not accepted:
            self._problems.add("PK107", at, f"remedy {remedy.kind} takes no 'what'")
        if (remedy.kind == "edit_and_regroup") != bool(remedy.set):
            what = "asks for" if remedy.kind == "edit_and_regroup" else "takes no"
            self._problems.add("PK107", at, f"remedy {remedy.kind} {what} 'set'")
        if remedy.kind == "merge_and_regroup" and scope != "sequence":
            self._problems.add("PK107", at, "merge_and_regroup needs a rule of scope sequence")
        if remedy.kind == "keep_one" and scope != "set":
            self._problems.add("PK107", at, "keep_one needs a rule of scope set")
        for name in remedy.set:
            if not is_column(name):
                where = self._positions.get(("remedy", "set", name), at)
                hint = did_you_mean(name, _columns(), "columns")
                self._problems.add("PK102", where, f"unknown column '{name}'", hint)
        return Remedy(remedy.kind, tuple(remedy.set.items()), remedy.what)

    def _needs(
        self, file: RuleFile | None, fields: list[str], predicate: Predicate
    ) -> tuple[str, ...]:
        """What the rule itself declares, then what puts records together, then its predicates."""
        declared = file.needs if file else []
        for index, name in enumerate(declared):
            for part in name.split("|"):
                if not is_column(part):
                    at = self._positions.get(("needs", index), START)
                    hint = did_you_mean(part, _columns(), "columns")
                    self._problems.add("PK102", at, f"unknown column '{part}'", hint)
        return tuple(dict.fromkeys([*declared, *needs_of(fields), *needs_of_predicate(predicate)]))

    def _params(self, tree: Mapping) -> dict[str, Decimal]:
        """The parameters of a file that is wrong elsewhere; reported once already."""
        if "params" not in tree.entries:
            return {}
        value = Decoder(Problems(self._problems.path)).decode(
            tree.entries["params"][1], dict[str, Decimal]
        )
        return {} if value is BAD else value

    def _text(self, node: Mapping, name: str) -> str:
        item = node.entries[name][1] if name in node.entries else None
        return item.text if isinstance(item, Scalar) else ""

    # ------------------------------------------------------------ tests

    def _tests(self, tree: Mapping) -> tuple[RuleTest, ...]:
        node = tree.entries["tests"][1] if "tests" in tree.entries else None
        tests = []
        for item in node.items if isinstance(node, Sequence) else []:
            if not isinstance(item, Mapping) or "spells" not in item.entries:
                continue
            spells = item.entries["spells"][1]
            rows = [
                row
                for spell in (spells.items if isinstance(spells, Sequence) else [])
                for row in self._rows(spell)
            ]
            finds = self._quiet(item, "finds", int) or 0
            if finds < 0:
                self._problems.add("PK109", item.entries["finds"][1], "'finds' is not below 0")
            value = self._quiet(item, "value", Decimal)
            if value is not None and not finds:
                self._problems.add(
                    "PK109", item.entries["value"][0], "a test that finds nothing has no value"
                )
            tests.append(RuleTest(self._text(item, "name"), finds, tuple(rows), value))
        return tuple(tests)

    def _quiet(self, node: Mapping, name: str, hint: Any) -> Any:
        """A value whose problems are reported with the model."""
        if name not in node.entries:
            return None
        value = Decoder(Problems(self._problems.path)).decode(node.entries[name][1], hint)
        return None if value is BAD else value

    def _rows(self, spell: Node) -> list[dict[str, str]]:
        """The rows of one entry: one, or one for each of its `episodes`, numbered from 1."""
        if not isinstance(spell, Mapping):
            return []
        shared = self._columns_of(spell, frozenset({"episodes"}))
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
                rows.append({**order, **shared, **self._columns_of(episode)})
            elif not isinstance(episode, Broken):
                self._problems.add("PK109", episode, "an episode is a mapping of columns")
        return rows

    def _columns_of(self, node: Mapping, skip: frozenset[str] = frozenset()) -> dict[str, str]:
        row = {}
        for name, (key, item) in node.entries.items():
            if name in skip:
                continue
            if not is_column(name):
                hint = did_you_mean(name, _columns(), "columns")
                self._problems.add("PK102", key, f"unknown column '{name}'", hint)
            elif isinstance(item, Scalar):
                row[name] = "" if item.is_null else item.text
            elif not isinstance(item, Broken):
                self._problems.add("PK109", item, f"column '{name}' takes one value")
        return row


def _foreign(scope: str) -> frozenset[str]:
    """Keys of `match` that other scopes own. `same` also stands in the match of a set rule."""
    if scope == "sequence":
        return SET_KEYS
    if scope == "set":
        return PAIRING_KEYS - {"same"}
    return (PAIRING_KEYS - {"same"}) | SET_KEYS


def _columns() -> set[str]:
    return {name for name, item in MATCH_FIELDS.items() if not item.derived}
