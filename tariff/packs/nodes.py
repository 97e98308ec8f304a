"""Typed decoding of YAML nodes to dataclasses, driven by the type hints of the model.

The annotations *are* the schema. `str` and `Code` take any scalar as written (`07`, `NO`, `5E1`
stay text); `int`, `Decimal`, `bool` want it without quotes; then `date`, `Literal`, `list[T]`,
`tuple[T, ...]`, `dict[str, T]`, `T | None`, other unions, dataclasses, `CsvName`, and `Node` for
a part that another decoder reads. A field without a default is required; a trailing underscore is
not part of the key (`from_` is `from`). Metadata of a field: `pattern` (a regular expression of
the whole text), `form` (that in words), `doc`.

Every problem of a file is collected and decoding goes on after each. A model may define
`check(self) -> Iterator[tuple[str, str]]`: pairs of a key and what is wrong with it (PK027).
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from tariff.errors import Problem
from tariff.packs.model import Code, CsvName
from tariff.packs.problems import START, Position, Problems, did_you_mean
from tariff.packs.tree import (
    BAD_KEY,
    Broken,
    Mapping,
    Node,
    Scalar,
    Sequence,
    is_regular_inside,
    parse_tree,
    read_tree,
)

T = TypeVar("T")
Where = tuple[str | int, ...]


class _Bad:
    """What a value that cannot be decoded becomes; its problem is reported."""

    def __repr__(self) -> str:
        return "BAD"


BAD: Any = _Bad()

INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})")
DECIMAL = re.compile(r"[+-]?(0|[1-9][0-9]{0,15})(\.[0-9]{1,12})?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
CSV_NAME = re.compile(r"(lists/)?[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*\.csv")


@dataclass(slots=True)
class Decoded(Generic[T]):
    """A decoded file: its value (None when it has errors), its problems, and where things stand."""

    value: T | None
    problems: list[Problem]
    tree: Node | None = None
    positions: dict[Where, Position] = field(default_factory=dict)

    def at(self, *where: str | int) -> Position:
        """Where a key or an item stands, e.g. `at("groups", 3, "code")`; else its parent."""
        for length in range(len(where), 0, -1):
            position = self.positions.get(where[:length])
            if position is not None:
                return position
        return self.positions.get((), START)


def decode_file(path: Path, model: type[T]) -> tuple[T | None, list[Problem]]:
    """A YAML file as a `model`, or None, and every problem of the file."""
    decoded = read_file(path, model)
    return decoded.value, decoded.problems


def read_file(path: Path, model: type[T]) -> Decoded[T]:
    """Like `decode_file`, with the positions of the keys."""
    problems = Problems(path)
    return decode_tree(read_tree(path, problems), model, problems, path.parent)


def decode_text(text: str, model: type[T], path: Path | str = "<text>") -> Decoded[T]:
    """Like `read_file`, from a text; side tables are not looked for."""
    problems = Problems(path)
    return decode_tree(parse_tree(text, problems), model, problems, None)


def decode_tree(
    tree: Node | None, model: type[T], problems: Problems, folder: Path | None
) -> Decoded[T]:
    """A tree as a `model`. Problems found before are in `problems` and count."""
    decoder = Decoder(problems, folder)
    value = BAD if tree is None else decoder.decode(tree, model)
    return Decoded(
        None if problems.failed or value is BAD else value,
        problems.sorted(),
        tree,
        decoder.positions,
    )


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One key of a model."""

    key: str
    attribute: str
    hint: Any
    required: bool
    metadata: AnyMapping[str, Any]


@cache
def model_fields(model: type[Any]) -> dict[str, FieldSpec]:
    """The keys of a dataclass, by their YAML names."""
    hints = get_type_hints(model)
    specs = (
        FieldSpec(
            item.name.removesuffix("_"),
            item.name,
            hints[item.name],
            item.default is MISSING and item.default_factory is MISSING,
            item.metadata,
        )
        for item in fields(model)
        if item.init
    )
    return {spec.key: spec for spec in specs}


class Decoder:
    """Decodes the nodes of one file. `folder` is where side tables must lie (None: not asked)."""

    def __init__(self, problems: Problems, folder: Path | None = None) -> None:
        self.problems = problems
        self.folder = folder
        self.positions: dict[Where, Position] = {}

    def decode(
        self, node: Node, hint: Any, where: Where = (), metadata: AnyMapping[str, Any] = {}
    ) -> Any:
        """The value of a node as its type, or `BAD`."""
        self.positions[where] = Position(node.line, node.column)
        if isinstance(node, Broken):
            return BAD
        if hint is Node or hint is Any:
            return node
        origin = get_origin(hint)
        if origin is Union or origin is types.UnionType:
            return self._union(node, get_args(hint), where, metadata)
        if origin is Literal:
            return self._literal(node, get_args(hint))
        if origin is list or origin is tuple:
            return self._items(node, get_args(hint)[0], origin, where, metadata)
        if origin is dict:
            return self._dict(node, get_args(hint), where, metadata)
        if is_dataclass(hint):
            return self._model(node, hint, where)
        return self._scalar(node, hint, metadata)

    # ------------------------------------------------------------ scalars

    def _scalar(self, node: Node, hint: Any, metadata: AnyMapping[str, Any]) -> Any:
        name, read = _SCALARS[hint]
        if not isinstance(node, Scalar):
            self.problems.add("PK022", node, f"expected {name}, found {_described(node)}")
            return BAD
        if node.is_null and (hint is not Code or not node.text):
            self.problems.add("PK025", node, f"expected {name}, found nothing")
            return BAD
        value = read(node)
        if value is BAD:
            self.problems.add(
                "PK022", node, f"expected {name}, found {_quoted(node)}", _type_hint(node, hint)
            )
            return BAD
        pattern = metadata.get("pattern")
        if pattern and not re.fullmatch(pattern, node.text):
            form = metadata.get("form", f"text of the form {pattern}")
            self.problems.add("PK024", node, f"expected {form}, found {_quoted(node)}")
            return BAD
        return self._table_name(node) if hint is CsvName else value

    def _literal(self, node: Node, accepted: tuple[Any, ...]) -> Any:
        words = [str(word) for word in accepted]
        listed = ", ".join(words)
        if not isinstance(node, Scalar):
            self.problems.add("PK022", node, f"expected one of {listed}; found {_described(node)}")
            return BAD
        for word in accepted:
            if node.text == str(word):
                return word
        hint = did_you_mean(node.text, words, "accepted")
        self.problems.add(
            "PK023",
            node,
            f"expected one of {listed}; found {_quoted(node)}",
            hint if hint.startswith("did") else "",
        )
        return BAD

    def _table_name(self, node: Scalar) -> Any:
        name = node.text
        if not CSV_NAME.fullmatch(name):
            self.problems.add(
                "PK026",
                node,
                f"'{name}' is not the name of a .csv file in the pack's own folder",
                "no path, letters, digits, '-', '_' and '.' only",
            )
            return BAD
        if self.folder is None:
            return CsvName(name)
        if not (self.folder / name).exists():
            self.problems.add("PK001", node, f"table '{name}' is not in the pack's folder")
            return BAD
        if not is_regular_inside(self.folder, name):
            self.problems.add("PK026", node, f"'{name}' leads out of the pack's folder")
            return BAD
        return CsvName(name)

    # ------------------------------------------------------------ composites

    def _items(
        self, node: Node, hint: Any, origin: Any, where: Where, metadata: AnyMapping[str, Any]
    ) -> Any:
        if not isinstance(node, Sequence):
            self.problems.add(
                "PK022", node, f"expected a list, found {_described(node)}", "write [a, b]"
            )
            return BAD
        values = [
            self.decode(item, hint, (*where, index), metadata)
            for index, item in enumerate(node.items)
        ]
        return BAD if any(value is BAD for value in values) else origin(values)

    def _dict(
        self, node: Node, hints: tuple[Any, ...], where: Where, metadata: AnyMapping[str, Any]
    ) -> Any:
        if not isinstance(node, Mapping):
            self.problems.add("PK022", node, f"expected a mapping, found {_described(node)}")
            return BAD
        values = {}
        for text, (key, item) in node.entries.items():
            name = text if hints[0] in (str, Code) else self.decode(key, hints[0], (*where, text))
            values[name] = self.decode(item, hints[1], (*where, text), metadata)
            if text == BAD_KEY:
                values[name] = BAD
        return BAD if BAD in values or BAD in values.values() else values

    def _model(self, node: Node, model: Any, where: Where) -> Any:
        if not isinstance(node, Mapping):
            self.problems.add("PK022", node, f"expected a mapping, found {_described(node)}")
            return BAD
        specs = model_fields(model)
        values: dict[str, Any] = {}
        for name, (key, item) in node.entries.items():
            spec = specs.get(name)
            if spec is not None:
                values[spec.attribute] = self.decode(item, spec.hint, (*where, name), spec.metadata)
            elif name != BAD_KEY:
                self.problems.add(
                    "PK020", key, f"unknown key '{name}'", did_you_mean(name, set(specs), "keys")
                )
        for spec in specs.values():
            if spec.required and spec.attribute not in values:
                self.problems.add("PK021", node, f"missing key '{spec.key}'")
                values[spec.attribute] = BAD
        if BAD in values.values():
            return BAD
        value = model(**values)
        check: Callable[[], Any] | None = getattr(value, "check", None)
        for name, message in check() if check else ():
            self.problems.add("PK027", self.positions.get((*where, name), node), message)
        return value

    def _union(
        self, node: Node, hints: tuple[Any, ...], where: Where, metadata: AnyMapping[str, Any]
    ) -> Any:
        """The first member that the node fits; None only for a value that is not there."""
        if isinstance(node, Scalar) and node.is_null and type(None) in hints:
            return None
        members = [hint for hint in hints if hint is not type(None)]
        fitting = [hint for hint in members if _shape(hint) in (Any, type(node))] or members
        for hint in fitting[:-1]:
            trial = Decoder(Problems(self.problems.path), self.folder)
            value = trial.decode(node, hint, where, metadata)
            if not trial.problems.failed:
                self.positions.update(trial.positions)
                return value
        return self.decode(node, fitting[-1], where, metadata)


def _shape(hint: Any) -> Any:
    """The kind of node that a type is written as."""
    if hint is Node or hint is Any:
        return Any
    origin = get_origin(hint)
    if origin is list or origin is tuple:
        return Sequence
    return Mapping if origin is dict or is_dataclass(hint) else Scalar


def _integer(node: Scalar) -> Any:
    return int(node.text) if node.plain and INTEGER.fullmatch(node.text) else BAD


def _decimal(node: Scalar) -> Any:
    return Decimal(node.text) if node.plain and DECIMAL.fullmatch(node.text) else BAD


def _date(node: Scalar) -> Any:
    try:
        return date.fromisoformat(node.text) if DAY.fullmatch(node.text) else BAD
    except ValueError:
        return BAD


def _boolean(node: Scalar) -> Any:
    return {"true": True, "false": False}.get(node.text, BAD) if node.plain else BAD


def _text(node: Scalar) -> Any:
    return node.text


_SCALARS: dict[Any, tuple[str, Callable[[Scalar], Any]]] = {
    str: ("text", _text),
    Code: ("a code", _text),
    CsvName: ("the name of a table", _text),
    int: ("a whole number", _integer),
    Decimal: ("a number", _decimal),
    date: ("a date (YYYY-MM-DD)", _date),
    bool: ("true or false", _boolean),
}


def _described(node: Node) -> str:
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    return _quoted(node) if isinstance(node, Scalar) else "nothing"


def _quoted(node: Scalar) -> str:
    """A value in a message: short, on one line, between its own kind of quotes."""
    text = " ".join(node.text.split())
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return f"'{text}'" if node.plain else f'"{text}"'


def _type_hint(node: Scalar, hint: Any) -> str:
    if hint in (int, Decimal, bool) and not node.plain:
        unquoted = Scalar(node.text, True, node.line, node.column)
        if _SCALARS[hint][1](unquoted) is not BAD:
            return "write it without quotes"
    if hint is bool and node.text.lower() in {"yes", "no", "on", "off", "true", "false"}:
        return "write true or false"
    if hint in (int, Decimal) and re.fullmatch(r"0[0-9]+", node.text):
        return "write it without leading zeros"
    return ""
