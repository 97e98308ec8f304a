"""What the restating tools share: a command line that writes tables, or says which would change."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from restate.label_parser import LabelError
from restate.tables import REPOSITORY, RestateError, Table, reference_folder


def run(
    description: str,
    all_tables: Callable[[Path], list[Table]],
    arguments: list[str] | None = None,
) -> int:
    """Run the command line; return the exit code: 1 with --check where a table would change."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, help="reference data folder")
    parser.add_argument("--rules", type=Path, default=REPOSITORY / "rules", help="where to write")
    parser.add_argument("--check", action="store_true", help="only say which tables would change")
    options = parser.parse_args(arguments)
    try:
        tables = all_tables(options.data or reference_folder())
    except (RestateError, LabelError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    changed = [table for table in tables if _changed(table, options.rules)]
    for table in changed:
        if not options.check:
            table.write(options.rules)
        print(f"{'would change' if options.check else 'written'}: {table.path}")
    print(f"{len(tables)} tables, {len(changed)} changed", file=sys.stderr)
    return 1 if options.check and changed else 0


def _changed(table: Table, rules: Path) -> bool:
    target = rules / table.path
    return not target.is_file() or target.read_bytes() != table.text.encode("utf-8")
