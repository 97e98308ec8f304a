"""Restate published national figures as the side tables of the packs in `rules/`.

Reads the reference data from the folder named in TARIFF_REFERENCE_DATA, else from
`../shared/data` beside the repository, and writes CSV tables in our own columns. The same
reference data gives the same bytes. The manifests (`pack.yaml`) beside the tables are written by
hand and name the sources and their licences.

    python tools/restate_packs.py            write the tables
    python tools/restate_packs.py --check    write nothing, exit 1 if a table would change
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from restate.command import run
from restate.lookups import (
    code_tables,
    complication_table,
    factor_tables,
    label_tables,
    split_tables,
)
from restate.prices import price_tables
from restate.tables import Reference, Table


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


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    return run("Restate published national figures as packs.", all_tables, arguments)


if __name__ == "__main__":
    sys.exit(main())
