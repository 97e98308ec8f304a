"""One signature file to a `Rule`: see docs/signatures.md for the language."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from tariff.errors import Problem
from tariff.extract.fields import REGISTERS
from tariff.packs.joins import Source, kinds_of
from tariff.packs.match_fields import (
    columns_of,
    day_number,
    is_column,
    names_of,
    said,
)
from tariff.packs.model import (
    Every,
    ExceptionRule,
    Join,
    Pairing,
    Predicate,
    Rule,
    SetKey,
    Tier,
)
from tariff.packs.needs import NeedsReader, Records, joins_of
from tariff.packs.nodes import BAD, Decoded, Decoder, Where, decode_tree
from tariff.packs.operands import Numbers, Sides
from tariff.packs.predicates import PredicateDecoder
from tariff.packs.problems import START, Position, Problems, did_you_mean, shown
from tariff.packs.remedy_file import RemedyReader
from tariff.packs.rule_file import RuleFile
from tariff.packs.rule_tests import TestReader
from tariff.packs.tiers import expanded
from tariff.packs.together import TogetherReader, own_keys
from tariff.packs.tree import Mapping, Node, Scalar, Sequence, parse_tree, read_tree
from tariff.packs.vocabulary import Vocabulary

__all__ = ["DecodedRule", "decode_rule", "decode_rule_text", "expanded", "read_rule"]

PAIRS = ("sequence", "set")
AGAINST = ("national", "earlier")


@dataclass(slots=True)
class DecodedRule(Decoded[Rule]):
    """A rule file: beside the rule, the parameters, lists and maps that it uses."""

    params_used: frozenset[str] = frozenset()
    lists_used: frozenset[str] = frozenset()
    maps_used: frozenset[str] = frozenset()


def decode_rule(
    path: Path,
    lists: AnyMapping[str, Any] | None = None,
    maps: AnyMapping[str, Any] | None = None,
) -> tuple[Rule | None, list[Problem]]:
    """A rule file, or None, and all its problems.

    `lists` and `maps` are those of its pack (None: not asked).
    """
    decoded = read_rule(path, lists, maps)
    return decoded.value, decoded.problems


def read_rule(
    path: Path,
    lists: AnyMapping[str, Any] | None = None,
    maps: AnyMapping[str, Any] | None = None,
) -> DecodedRule:
    """Like `decode_rule`, with the positions of the keys."""
    problems = Problems(path)
    return _decode(read_tree(path, problems), problems, lists, maps, path)


def decode_rule_text(
    text: str,
    lists: AnyMapping[str, Any] | None = None,
    path: Path | None = None,
    maps: AnyMapping[str, Any] | None = None,
) -> DecodedRule:
    """Like `read_rule`, from a text."""
    problems = Problems(path or "<text>")
    return _decode(parse_tree(text, problems), problems, lists, maps, path)


def _decode(
    tree: Node | None,
    problems: Problems,
    lists: AnyMapping[str, Any] | None,
    maps: AnyMapping[str, Any] | None,
    path: Path | None,
) -> DecodedRule:
    """Decode all there is, so that a broken predicate does not hide a broken test."""
    decoded = decode_tree(tree, RuleFile, problems, None)
    rule, words = None, None
    if isinstance(tree, Mapping):
        params = decoded.value.params if decoded.value else _params(tree, problems)
        words = Vocabulary(Decoder(problems), lists, maps, *split_params(params))
        rule = _RuleReader(words, decoded.positions, tree).read(decoded.value)
        if rule is not None and path is not None:
            if path.name != f"{rule.id}-{rule.name}.yaml":
                message = f"the file is not named {rule.id}-{rule.name}.yaml"
                problems.add("PK100", START, message)
            rule = replace(rule, path=shown(path))
    return DecodedRule(
        None if problems.failed else rule,
        problems.sorted(),
        tree,
        decoded.positions,
        frozenset(words.params_used if words else ()),
        frozenset(words.lists_used if words else ()),
        frozenset(words.maps_used if words else ()),
    )


def split_params(
    params: AnyMapping[str, date | Decimal],
) -> tuple[dict[str, Decimal], frozenset[str]]:
    """Give parameters as numbers, and which of them are dates."""
    numbers = {
        name: Decimal(day_number(value)) if isinstance(value, date) else value
        for name, value in params.items()
    }
    return numbers, frozenset(n for n, value in params.items() if isinstance(value, date))


def _params(tree: Mapping, problems: Problems) -> dict[str, date | Decimal]:
    """The parameters of a file that is wrong elsewhere; reported once already."""
    if "params" not in tree.entries:
        return {}
    hint = dict[str, date | Decimal]
    value = Decoder(Problems(problems.path)).decode(tree.entries["params"][1], hint)
    return {} if value is BAD else value


class _RuleReader:
    """Reads the parts of a rule that need more than types."""

    def __init__(self, words: Vocabulary, positions: dict[Where, Position], tree: Mapping) -> None:
        self.words = words
        self._positions = positions
        self._tree = tree
        self.scope = _text(tree, "scope")
        self.match = self._item("match")
        self.of = self._of()
        form: Literal["pair", "record"] = "pair" if self.scope in PAIRS else "record"
        self.predicates = PredicateDecoder(words, form, self.of)
        self.numbers = Numbers(words, Sides(form, (self.of, self.of)))

    def read(self, file: RuleFile | None) -> Rule | None:
        """The rule, None where the file has errors; they are all reported."""
        source = self._source()
        pairing, set_key, match = None, None, None
        if self.match is not None:
            together = TogetherReader(self.words, self.predicates, self.numbers, self.match)
            if self.scope == "sequence":
                pairing = together.pairing()
            elif self.scope == "set":
                set_key = together.set_key()
            together.refuse_foreign(self.scope)
            match = self.predicates.decode(self.match, own_keys(self.scope))
            self._fits_scope(match, source)
        exceptions = self._exceptions()
        tiers = self._tiers(file, match)
        names = tuple(_text(item, "name") for item in self._items("tiers"))
        tests = TestReader(self.words.problems, names).read(self._item("tests"))
        remedy = None
        if file is not None:
            reader = self._remedies(match)
            remedy = reader.read(file.remedy, self._item("remedy") or self._tree)
            self._about(file)
        needs = {
            kind: self._needs(
                file, Records(kind, source), match, exceptions, tiers, pairing, set_key
            )
            for kind in self.of
        }
        if file is None or match is None or remedy is None or self.words.problems.failed:
            return None
        return Rule(
            id=file.id,
            version=file.version,
            name=file.name,
            title=file.title,
            class_=file.class_,
            status=file.status,
            level=file.level,
            scope=file.scope,  # type: ignore[arg-type]  # a rate is refused
            applies=file.applies,
            match=match,
            exceptions=exceptions,
            pairing=pairing,
            set_key=set_key,
            step=file.step,
            remedy=remedy,
            params=dict(self.words.params),
            needs=needs,
            needs_official_grouping=file.needs_official_grouping,
            min_value=file.min_value,
            budget=file.budget,
            what=file.what,
            why=file.why,
            ask=file.ask,
            legitimate_reasons=tuple(file.legitimate_reasons),
            sources=tuple(file.sources),
            tests=tests,
            of=self.of,
            source=source,
            direction=file.direction,
            root_cause=tuple(file.root_cause),
            tiers=tiers,
            date_params=tuple(sorted(self.words.date_params)),
        )

    # ------------------------------------------------------------ nodes

    def _item(self, name: str) -> Node | None:
        return self._tree.entries[name][1] if name in self._tree.entries else None

    def _items(self, name: str) -> list[Mapping]:
        node = self._item(name)
        items = node.items if isinstance(node, Sequence) else []
        return [item for item in items if isinstance(item, Mapping)]

    def _matched(self, name: str) -> Node | None:
        """A key of `match`."""
        node = self.match
        return node.entries[name][1] if isinstance(node, Mapping) and name in node.entries else None

    # ------------------------------------------------------------ what the rule is about

    def _of(self) -> tuple[str, ...]:
        node = self._matched("of")
        found = kinds_of(self.words, node, registers=False) if node is not None else ()
        if node is not None and self.scope == "spell" and found not in ((), ("spells",)):
            self.words.add("PK106", node, "a rule of scope spell is about spells", "scope: record")
        return found or ("spells",)

    def _source(self) -> Any:
        node = self._matched("from")
        if node is None:
            return "extract"
        source = self.words.read(node, Source, "extract")
        if source != "extract" and self.scope != "reconcile":
            message = f"a rule of scope {self.scope} is about records of the extract"
            self.words.add("PK106", node, message, "scope: reconcile, or from: within 'with'")
        return source

    def _about(self, file: RuleFile) -> None:
        """The date of `applies`, the fields of `root_cause`, the scope itself."""
        self._date(file.applies.on)
        for index, name in enumerate(file.root_cause):
            at = self._at("root_cause", index)
            if name not in names_of(self.of):
                self.numbers.unknown(at, name, self.of)
        if file.scope == "rate":
            at = self._at("scope")
            self.words.add("PK106", at, "scope rate is kept for statistical rules, to come later")

    def _date(self, name: str) -> None:
        at = self._at("applies", "on")
        found = self.numbers.field(at, name, 0)
        if found is not None and found.kind != "date":
            self.words.add("PK105", at, f"'{name}' is {said(found)}, not a date")

    def _at(self, *where: str | int) -> Position:
        for length in range(len(where), 0, -1):
            if where[:length] in self._positions:
                return self._positions[where[:length]]
        return START

    # ------------------------------------------------------------ scopes

    def _fits_scope(self, match: Predicate, source: str) -> None:
        """A rule of one record at a time is of the scope of what it is joined with."""
        joins = joins_of(match)
        at = self._at("scope")
        against = source in AGAINST or any(join.source in AGAINST for join in joins)
        registers = any(kind in REGISTERS for join in joins for kind in join.of)
        if self.scope == "reconcile" and not against:
            message = "a rule of scope reconcile looks at 'from: national' or 'from: earlier'"
            self.words.add("PK106", at, message)
        elif self.scope == "reference" and not registers:
            self.words.add("PK106", at, "a rule of scope reference is joined with a register")
        elif self.scope in ("record", "spell") and (against or registers):
            right = "reconcile" if against else "reference"
            what = "other files" if against else "a register"
            message = f"a rule joined with {what} is of scope {right}"
            self.words.add("PK106", at, message)

    # ------------------------------------------------------------ exceptions, tiers, remedies

    def _exceptions(self) -> tuple[ExceptionRule, ...]:
        found = []
        for item in self._items("except"):
            if "when" in item.entries:
                when = self.predicates.decode(item.entries["when"][1])
                optional = _text(item, "optional") == "true"
                found.append(ExceptionRule(_text(item, "name"), when, optional))
        return tuple(found)

    def _remedies(self, match: Predicate | None, when: Predicate | None = None) -> RemedyReader:
        """The reader of a remedy; `when` is that of its tier, which is matched with the rest."""
        matched = Every(tuple(part for part in (match, when) if part is not None))
        joined = first_with(matched) if self.scope not in PAIRS else None
        return RemedyReader(self.words, self.scope, self.of, joined.of if joined else ())

    def _tiers(self, file: RuleFile | None, match: Predicate | None) -> tuple[Tier, ...]:
        items = self._items("tiers")
        whens = [
            self.predicates.decode(item.entries["when"][1]) if "when" in item.entries else None
            for item in items
        ]
        if file is None or len(file.tiers) != len(items):
            return ()
        found = []
        names = [tier.name for tier in file.tiers]
        for index, (tier, item, when) in enumerate(zip(file.tiers, items, whens, strict=True)):
            if tier.name in names[:index]:
                self.words.add("PK111", item, f"two tiers are named '{tier.name}'")
            if when is None and index < len(items) - 1:
                message = f"the tier '{tier.name}' takes all that is left for those after it"
                self.words.add("PK111", item, message, "give it a 'when', or put it last")
            remedy = None
            if tier.remedy is not None:
                reader = self._remedies(match, when)
                remedy = reader.read(tier.remedy, item.entries["remedy"][1])
            found.append(Tier(tier.name, tier.class_, tier.level, when, remedy))
        if found and (file.class_, file.level) != (found[0].class_, found[0].level):
            message = f"the rule is {file.class_}, {file.level}; its first tier is not"
            hint = "class and level of a rule are those of its first tier"
            self.words.add("PK111", self._at("tiers", 0), message, hint)
        return tuple(found)

    # ------------------------------------------------------------ needs

    def _needs(
        self,
        file: RuleFile | None,
        mine: Records,
        match: Predicate | None,
        exceptions: tuple[ExceptionRule, ...],
        tiers: tuple[Tier, ...],
        pairing: Pairing | None,
        set_key: SetKey | None,
    ) -> tuple[str, ...]:
        """What the rule itself declares, then what puts records together, then its predicates."""
        reader = NeedsReader(mine)
        together: list[str] = []
        if pairing is not None:
            together = ["patient_id", "start_date", "end_date", *pairing.same]
            if (pairing.minutes_min, pairing.minutes_max) != (None, None):
                together += ["start_at", "end_at"]
        if set_key is not None:
            together = [*set_key.key, *([set_key.near[0]] if set_key.near else [])]
        found = [*self._declared(file, mine), *mine.needs(together)]
        found += reader.of(match or Every(()))
        for exception in exceptions:
            if not exception.optional:
                found += reader.of_exception(exception.when)
        for tier in tiers:
            found += reader.of_tier(tier.when) if tier.when is not None else ()
        return tuple(dict.fromkeys(found))

    def _declared(self, file: RuleFile | None, mine: Records) -> list[str]:
        """The columns of `needs`, on the kinds that have them."""
        found = []
        for index, name in enumerate(file.needs if file else []):
            parts = name.split("|")
            for part in parts if mine.kind == self.of[0] else ():
                if not any(is_column(part, kind) for kind in self.of):
                    columns = set().union(*(columns_of(kind) for kind in self.of))
                    hint = did_you_mean(part, columns, "columns")
                    at = self._at("needs", index)
                    self.words.add("PK102", at, f"unknown column '{part}'", hint)
            own = [f"{mine.prefix}{part}" for part in parts if is_column(part, mine.kind)]
            if own:
                found.append("|".join(own))
        return found


def first_with(match: Predicate) -> Join | None:
    """Give the first `with` that is not within an `any` or a `not`: it finds the partner."""
    if isinstance(match, Join):
        return match if match.at_most != 0 else None
    if isinstance(match, Every):
        found = (first_with(part) for part in match.parts)
        return next((join for join in found if join is not None), None)
    return None


def _text(node: Mapping, name: str) -> str:
    item = node.entries[name][1] if name in node.entries else None
    return item.text if isinstance(item, Scalar) else ""
