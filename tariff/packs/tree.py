"""YAML text to a plain tree of nodes that know where they stand, with every scalar as written.

The tree is built from the parser's events, so that what a pack may not hold (anchors, aliases,
tags, a second document, depth, bulk) is refused while it is read and before anything is built:
a YAML bomb costs its own few bytes and no more.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tariff.packs.problems import START, Position, Problems

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 20
MAX_NODES = 100_000
BAD_KEY = "\0"  # stands for a key that is not text; YAML cannot write it plain
NULLS = frozenset({"", "~", "null", "Null", "NULL"})

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Scalar:
    """A value as written. `plain`: without quotes, so that `true` or `12` may mean what it says."""

    text: str
    plain: bool
    line: int
    column: int

    @property
    def is_null(self) -> bool:
        """Whether nothing is given: blank, `~` or `null`, without quotes."""
        return self.plain and self.text in NULLS


@dataclass(slots=True)
class Sequence:
    """A list of nodes."""

    items: list[Node]
    line: int
    column: int


@dataclass(slots=True)
class Mapping:
    """Keys and nodes in the order written, each key once (a second one is a problem already)."""

    entries: dict[str, tuple[Scalar, Node]]
    line: int
    column: int


@dataclass(slots=True)
class Broken:
    """What stands where something was refused: already reported, and silent from then on."""

    line: int
    column: int


Node = Scalar | Sequence | Mapping | Broken


class _StopError(Exception):
    """Nothing more can be read of this file; the reason is reported."""


def read_tree(path: Path, problems: Problems) -> Node | None:
    """The tree of a file, or None where there is none to be had. Problems go to `problems`."""
    data = read_bytes(path, MAX_BYTES, problems)
    if data is None:
        return None
    text = decode_text(data, problems)
    return None if text is None else parse_tree(text, problems)


def read_bytes(path: Path, limit: int, problems: Problems) -> bytes | None:
    """The bytes of a regular file of at most `limit` bytes; the size is looked at first."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            problems.add("PK001", START, "not a regular file")
            return None
        if status.st_size > limit:
            problems.add(
                "PK002",
                START,
                f"the file has {status.st_size:,} bytes; at most {limit:,} are read",
                "keep bulk in CSV side tables",
            )
            return None
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        problems.add("PK001", START, f"cannot be read: {error.strerror or error}")
        return None


def decode_text(data: bytes, problems: Problems) -> str | None:
    """UTF-8 text, a byte order mark dropped."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        at = Position(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        problems.add(
            "PK003", at, f"byte 0x{data[error.start]:02X} is not UTF-8", "save the file as UTF-8"
        )
        return None
    if not text.strip():
        problems.add("PK004", START, "the file is empty")
        return None
    return text


def parse_tree(text: str, problems: Problems) -> Node | None:
    """The tree of a text, or None where its syntax is broken or nothing is in it."""
    builder = _Builder(problems)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.feed(event)
    except _StopError:
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = Position(mark.line + 1, mark.column + 1) if mark else START
        problems.add("PK005", at, _sentence(error), _syntax_hint(text, at))
        return None
    except yaml.reader.ReaderError as error:
        start = text.find(chr(error.character)) if isinstance(error.character, int) else -1
        before = text[: max(start, 0)]
        at = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
        problems.add("PK005", at, f"a character that YAML does not allow: {error.reason}")
        return None
    except RecursionError:  # the plain Python parser, on a file nested thousands deep
        problems.add("PK009", START, f"nested deeper than {MAX_DEPTH} levels")
        return None
    if builder.root is None:
        problems.add("PK004", START, "the file holds no YAML")
    return builder.root


class _Builder:
    """Builds the tree from events with a stack of its own, so that depth costs no recursion."""

    def __init__(self, problems: Problems) -> None:
        self.root: Node | None = None
        self._problems = problems
        self._open: list[Sequence | Mapping] = []
        self._keys: list[Scalar | None] = []  # of each open node: the key that waits for its value
        self._nodes = 0
        self._documents = 0

    def feed(self, event: Any) -> None:
        mark = event.start_mark
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._refuse_extras(event)
            self._add(Scalar(event.value, not event.style, mark.line + 1, mark.column + 1))
        elif kind is yaml.MappingStartEvent:
            self._refuse_extras(event)
            self._push(Mapping({}, mark.line + 1, mark.column + 1))
        elif kind is yaml.SequenceStartEvent:
            self._refuse_extras(event)
            self._push(Sequence([], mark.line + 1, mark.column + 1))
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._open.pop()
            self._keys.pop()
        elif kind is yaml.AliasEvent:
            at = Position(mark.line + 1, mark.column + 1)
            self._problems.add(
                "PK006", at, f"alias *{event.anchor} is not allowed", "write the value out in full"
            )
            self._add(Broken(at.line, at.column))
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                at = Position(mark.line + 1, mark.column + 1)
                self._problems.add("PK008", at, "a second document begins; a file holds one")
                raise _StopError

    def _refuse_extras(self, event: Any) -> None:
        at = Position(event.start_mark.line + 1, event.start_mark.column + 1)
        if event.anchor:
            self._problems.add(
                "PK006", at, f"anchor &{event.anchor} is not allowed", "write the value out in full"
            )
        if event.tag:
            self._problems.add("PK007", at, f"tag {event.tag} is not allowed", "leave it out")

    def _push(self, node: Sequence | Mapping) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._problems.add("PK009", node, f"nested deeper than {MAX_DEPTH} levels")
            raise _StopError
        self._add(node)
        self._open.append(node)
        self._keys.append(None)

    def _add(self, node: Node) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._problems.add(
                "PK010", node, f"more than {MAX_NODES:,} values", "keep bulk in CSV side tables"
            )
            raise _StopError
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key = self._keys[-1]
        if key is None:
            self._keys[-1] = self._as_key(node)
            return
        self._keys[-1] = None
        self._enter(parent, key, node)

    def _as_key(self, node: Node) -> Scalar:
        if isinstance(node, Scalar):
            return node
        if not isinstance(node, Broken):
            self._problems.add("PK011", node, "a key must be text, not a list or a mapping")
        return Scalar(BAD_KEY, False, node.line, node.column)

    def _enter(self, parent: Mapping, key: Scalar, node: Node) -> None:
        first = parent.entries.get(key.text)
        if first is None or key.text == BAD_KEY:
            parent.entries[key.text] = (key, node)
            return
        self._problems.add(
            "PK012", key, f"duplicate key '{key.text}'", f"first given in line {first[0].line}"
        )


def _sentence(error: yaml.MarkedYAMLError) -> str:
    """What the parser says, without its own marks."""
    return ", ".join(part for part in (error.context, error.problem) if part) or "broken YAML"


def _syntax_hint(text: str, at: Position) -> str:
    lines = text.splitlines()
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "indent with spaces, not tabs"
    if ": " in line.split(": ", 1)[-1]:
        return "quote text that holds a colon and a space"
    return ""


def is_regular_inside(folder: Path, name: str) -> bool:
    """Whether `name` is a file of the folder, at that very place once links are followed."""
    real = Path(os.path.realpath(folder / name))
    return real.parent == (Path(os.path.realpath(folder)) / name).parent and real.is_file()
