"""Restate published national figures as the side tables of the packs in `rules/`.

Reads the reference data from the folder named in TARIFF_REFERENCE_DATA, else from
`../shared/data` beside the repository, and writes CSV tables in our own columns. The same
reference data gives the same bytes. The manifests (`pack.yaml`) beside the tables are written by
hand and name the sources and their licences.

    python tools/restate_packs.py            write the tables
    python tools/restate_packs.py --check    write nothing, exit 1 if a table would change
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from restate.label_parser import LabelError
from restate.lookups import (
    code_tables,
    complication_table,
    factor_tables,
    label_tables,
    split_tables,
)
from restate.prices import price_tables
from restate.tables import REPOSITORY, Reference, RestateError, Table, reference_folder


def all_tables(folder: Path) -> list[Table]:
    """Return every restated table, built from the reference data in a folder."""
    data = Reference(folder)
    return [
        *price_tables(data),
        *factor_tables(data),
        *label_tables(data),
        *split_tables(data),
        complication_table(data),
        *code_tables(data),
    ]


def _changed(table: Table, rules: Path) -> bool:
    target = rules / table.path
    return not target.is_file() or target.read_bytes() != table.text.encode("utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Restate published national figures as packs.")
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


if __name__ == "__main__":
    sys.exit(main())
