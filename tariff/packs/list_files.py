"""Lists of a signatures pack that stand in CSV side tables, one column `code` first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tariff.errors import Problem
from tariff.packs.columns import Column, TableSpec
from tariff.packs.model import Code, SignaturesPack
from tariff.packs.problems import Position, Problems
from tariff.packs.tables import read_table
from tariff.packs.tree import is_regular_inside

SPEC = TableSpec((Column("code"),), key=("code",), any_columns=True)  # notes may follow


def read_lists(
    folder: Path,
    manifest: SignaturesPack,
    at: Callable[..., Position],
    found: list[Problem],
) -> dict[str, list[Code]]:
    """Give the lists of the files by name; problems are added to `found`."""
    lists: dict[str, list[Code]] = {}
    for name, file in manifest.list_files.items():
        if name in manifest.lists:
            problems = Problems(folder / "pack.yaml")
            message = f"the list '{name}' stands in 'lists' and in 'list_files'"
            problems.add("PK202", at("list_files", name), message, "keep one of the two")
            found += problems
            continue
        if not is_regular_inside(folder, file):
            continue  # reported with the manifest
        problems = Problems(folder / file)
        table = read_table(folder / file, SPEC, problems)
        found += problems
        lists[name] = [Code(code) for code in table.columns["code"]] if table else []
    return lists
