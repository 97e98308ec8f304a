"""Rows of the tables of a tariff pack or of the rules beside it, and what kinds of price it has."""

from __future__ import annotations

from tariff.packs.load import LoadedPack

PRICE_KINDS = ("national", "unit", "guide", "benchmark")  # columns of the table of price types


def rows_of(pack: LoadedPack, table: str) -> list[dict[str, str]]:
    """Give the rows of a table, none where the pack does not have it."""
    if table not in pack.tables:
        return []
    columns = pack.tables[table].columns
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def kinds_of(tariff: LoadedPack) -> dict[tuple[str, str, str], str]:
    """Give the kind of each figure: by what it is of, its code and the figure.

    Where all figures of a code are of one kind, it is that of the code, under no figure.
    """
    found: dict[tuple[str, str, str], str] = {}
    for row in rows_of(tariff, "price_types"):
        kinds = [kind for kind in PRICE_KINDS if row[kind]]
        for kind in kinds:
            found |= {(row["of"], row["code"], figure): kind for figure in row[kind].split()}
        if len(kinds) == 1:
            found[row["of"], row["code"], ""] = kinds[0]
    return found


def folded(text: str) -> str:
    """Give a text as names are compared: without capitals and doubled blanks."""
    return " ".join(text.casefold().split())
