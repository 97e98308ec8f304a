"""Read one pack folder: its manifest, its tables, its rules, and the hash of it all."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from tariff import __version__
from tariff.errors import Problem
from tariff.packs.kinds import PACK_KINDS
from tariff.packs.list_files import read_lists
from tariff.packs.model import Pack, Rule, SignaturesPack
from tariff.packs.nodes import CSV_NAME, Decoded, Where, decode_tree
from tariff.packs.problems import START, Position, Problems, did_you_mean
from tariff.packs.tables import TABLES, Table, read_table
from tariff.packs.tree import Mapping, Node, Scalar, is_regular_inside, read_tree

MANIFEST = "pack.yaml"
HASHED = (".yaml", ".csv")  # what can change the meaning of a pack

Stamp = tuple[tuple[str, int, int], ...]

_VERSION = re.compile(r"(>=|<=|==|!=|>|<)\s*([0-9]+(?:\.[0-9]+)*)")


@dataclass(frozen=True, eq=False)
class LoadedPack:
    """A pack as read: typed, its tables by the key of the manifest, its rules by id."""

    manifest: Pack
    root: Path
    tables: dict[str, Table]
    rules: tuple[Rule, ...]
    sha256: str
    level: int = 0  # of the search order, 0 first
    intact: bool = True  # no error in any of its files
    positions: dict[Where, Position] = field(default_factory=dict, repr=False, compare=False)
    rule_files: dict[str, Decoded[Rule]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def has_tables(self) -> bool:
        """Whether every table that the manifest names could be read."""
        keys = TABLES.get(self.manifest.kind, {})
        return all(key in self.tables for key in keys if getattr(self.manifest, key))

    @property
    def id(self) -> str:
        """The id of the pack."""
        return self.manifest.id

    def holds(self, on: date) -> bool:
        """Whether a day lies in the dates that the pack applies to."""
        applies = self.manifest.applies
        return (applies.from_ or date.min) <= on <= (applies.to or date.max)

    def at(self, *where: str | int) -> Position:
        """Where a key of the manifest stands."""
        return Decoded[Pack](None, [], None, self.positions).at(*where)


def read_pack(folder: Path, level: int = 0) -> tuple[LoadedPack | None, list[Problem]]:
    """A pack, or None where its manifest cannot be used, and all problems of all its files."""
    problems = Problems(folder / MANIFEST)
    tree = read_tree(folder / MANIFEST, problems)
    model = _model(tree, problems)
    if model is None:
        return None, problems.sorted()
    kind, decoded = model[0], decode_tree(tree, model[1], problems, folder)
    if decoded.value is not None:
        _check_engine(decoded, problems)
    names = sorted(_names(folder))
    _check_nested(names, problems)
    found = problems.sorted()
    tables = _read_tables(folder, kind, tree, found)
    manifest = decoded.value
    if isinstance(manifest, SignaturesPack):
        lists = read_lists(folder, manifest, decoded.at, found)
        manifest = replace(manifest, lists={**manifest.lists, **lists})
    rules = _read_rules(folder, names, manifest, found) if kind == "signatures" else {}
    if manifest is None:
        return None, found
    by_id = {file.value.id: file for file in rules.values() if file.value is not None}
    return (
        LoadedPack(
            manifest,
            folder,
            tables,
            tuple(by_id[rule_id].value for rule_id in sorted(by_id)),  # type: ignore[misc]
            "" if _failed(found) else _sha256(folder, names),
            level,
            not _failed(found),
            decoded.positions,
            by_id,
        ),
        found,
    )


def _model(tree: Node | None, problems: Problems) -> tuple[str, type[Pack]] | None:
    """The kind of a manifest and its model."""
    if tree is None:
        return None
    if not isinstance(tree, Mapping):
        problems.add("PK022", tree, "expected a mapping: the keys of a manifest")
        return None
    kinds = ", ".join(PACK_KINDS)
    if "kind" not in tree.entries:
        problems.add("PK021", tree, "missing key 'kind'", f"one of {kinds}")
        return None
    node = tree.entries["kind"][1]
    kind = node.text if isinstance(node, Scalar) else ""
    if kind not in PACK_KINDS:
        problems.add(
            "PK301", node, f"unknown kind '{kind}'", did_you_mean(kind, set(PACK_KINDS), "kinds")
        )
        return None
    return kind, PACK_KINDS[kind]


# ---------------------------------------------------------------- tables and rules


def _read_tables(
    folder: Path, kind: str, tree: Node | None, found: list[Problem]
) -> dict[str, Table]:
    """The tables that the manifest names, even where something else in it is wrong."""
    tables: dict[str, Table] = {}
    assert isinstance(tree, Mapping)
    for key, spec in TABLES.get(kind, {}).items():
        node = tree.entries[key][1] if key in tree.entries else None
        if not isinstance(node, Scalar) or not CSV_NAME.fullmatch(node.text):
            continue  # reported with the manifest, or an optional table
        if not is_regular_inside(folder, node.text):
            continue
        problems = Problems(folder / node.text)
        table = read_table(folder / node.text, spec, problems)
        found += problems
        if table is not None:
            tables[key] = table
    return tables


def _read_rules(
    folder: Path, names: Iterable[str], manifest: Pack | None, found: list[Problem]
) -> dict[str, Decoded[Rule]]:
    """The rule files of a signatures pack by path; an id used twice is a problem of the second."""
    from tariff.packs.rules import read_rule  # it needs the field dictionary of tariff.extract

    lists = manifest.lists if isinstance(manifest, SignaturesPack) else None
    maps = manifest.maps if isinstance(manifest, SignaturesPack) else None
    files: dict[str, Decoded[Rule]] = {}
    owners: dict[str, str] = {}
    for name in names:
        if not name.endswith(".yaml") or name.rsplit("/", 1)[-1] == MANIFEST:
            continue
        path = folder / name
        if not is_regular_inside(path.parent, path.name):
            problems = Problems(path)
            problems.add("PK026", START, "the file is a link that leads out of its folder")
            found += problems
            continue
        decoded = read_rule(path, lists, maps)
        found += decoded.problems
        if decoded.value is None:
            continue
        owner = owners.setdefault(decoded.value.id, name)
        if owner != name:
            problems = Problems(path)
            problems.add(
                "PK108",
                decoded.at("id"),
                f"rule id {decoded.value.id} is also that of {owner}",
                "an id is never used again: take the next number of the family",
            )
            found += problems
            continue
        files[name] = decoded
    return files


# ---------------------------------------------------------------- the folder


def _names(folder: Path) -> list[str]:
    """The files of a pack that count, as posix paths below its folder."""
    names: list[str] = []
    for here, below, files in os.walk(folder):
        below[:] = [name for name in below if name[0] not in "._"]
        base = Path(here).relative_to(folder)
        names += [
            (base / name).as_posix()
            for name in files
            if name.endswith(HASHED) and not name.startswith(".")
        ]
    return names


def stamp(folder: Path) -> Stamp:
    """The files of a pack: each with the time it was written and its size."""
    found = ((name, (folder / name).lstat()) for name in sorted(_names(folder)))
    return tuple((name, status.st_mtime_ns, status.st_size) for name, status in found)


def _check_nested(names: Iterable[str], problems: Problems) -> None:
    for name in names:
        if name.endswith(f"/{MANIFEST}"):
            problems.add(
                "PK303", START, f"{name}: a pack stands within this one", "move it beside this one"
            )


def _failed(found: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in found)


def _sha256(folder: Path, names: Iterable[str]) -> str:
    """The hash of the names and bytes of a pack's files, wherever the folder stands."""
    digest = hashlib.sha256()
    for name in names:
        if not is_regular_inside((folder / name).parent, Path(name).name):
            continue
        data = (folder / name).read_bytes()
        digest.update(f"{len(name.encode())}:{name}:{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()


def _check_engine(decoded: Decoded[Pack], problems: Problems) -> None:
    assert decoded.value is not None
    required = decoded.value.engine
    at = decoded.at("engine")
    for part in required.split(","):
        match = _VERSION.fullmatch(part.strip())
        if match is None:
            problems.add("PK024", at, f"expected versions such as '>=0.1', found '{required}'")
            return
        if not _holds(match[1], _numbers(__version__), _numbers(match[2])):
            problems.add(
                "PK305",
                at,
                f"the pack asks for engine {required}; this is tariff {__version__}",
                "use the version of tariff that the pack asks for",
            )
            return


def _numbers(version: str) -> tuple[int, ...]:
    parts = [int(part) for part in re.findall(r"[0-9]+", version)[:4]]
    return tuple(parts + [0] * (4 - len(parts)))


def _holds(operator: str, have: tuple[int, ...], asked: tuple[int, ...]) -> bool:
    return {
        ">=": have >= asked,
        "<=": have <= asked,
        "==": have == asked,
        "!=": have != asked,
        ">": have > asked,
        "<": have < asked,
    }[operator]
