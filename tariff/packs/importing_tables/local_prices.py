"""Reads a file of local prices: a price for a provider, commissioner, service and code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tariff.errors import UsageError
from tariff.packs.importing_prices.cells import code
from tariff.packs.importing_prices.columns import Field
from tariff.packs.importing_prices.reading import Row
from tariff.packs.importing_prices.sheets import Source
from tariff.packs.importing_tables.codes import Codes
from tariff.packs.importing_tables.sheet import Found, read_table

FIELDS = (
    Field("provider", r"code of provider|^provider( code)?$", "Provider code", True),
    Field(
        "commissioner", r"code of commissioner|^commissioner( code)?$", "Commissioner code", True
    ),
    Field("treatment_function", r"treatment function( code)?$|^tfc$", "Treatment function code"),
    Field("point_of_delivery", r"^(national )?(point of delivery|pod)( code)?$", "POD code"),
    Field("tariff_code", r"^tariff code$|^(local )?(hrg|tariff)( code)?$", "Tariff code"),
    Field("price", r"^(local )?(unit )?price$|^local tariff$", "Local price", True),
)
COLUMNS = tuple(field.name for field in FIELDS)
KEYS = COLUMNS[:-1]


@dataclass(frozen=True, slots=True)
class LocalPrices:
    """The rows of our table."""

    source: Source
    rows: list[Row]
    notes: list[str]

    @property
    def providers(self) -> list[str]:
        """The providers that have a price."""
        return sorted({row["provider"] for row in self.rows})

    def of(self, provider: str) -> LocalPrices:
        """Those of one provider; UsageError where there are none."""
        kept = [row for row in self.rows if row["provider"] == provider]
        if not kept:
            raise UsageError(
                f"{self.source.name} has no price of provider {provider}",
                hint=f"it has those of {', '.join(self.providers)}",
            )
        return replace(self, rows=kept)

    @property
    def commissioners(self) -> list[str]:
        """The commissioners that agreed one."""
        return sorted({row["commissioner"] for row in self.rows})


def read_local_prices(path: Path, codes: Codes) -> LocalPrices:
    """Read the prices. A blank treatment function, POD or code means any."""
    found = read_table(path, FIELDS)
    rows: dict[tuple[str, ...], tuple[Row, int]] = {}
    for row in found.rows():
        out = _row(found, row, codes)
        if out is None:
            continue
        key = tuple(out[name] for name in KEYS)
        before, line = rows.setdefault(key, (out, row))
        if before["price"] != out["price"]:
            found.problem(
                row,
                "price",
                f"{' '.join(filter(None, key))} stands twice and differs: {before['price']} and "
                f"{out['price']}",
                f"first in row {line + 1}",
            )
    if not rows:
        found.reading.problem(found.block.row, -1, "no price stands below the headings")
    found.log.check()
    return LocalPrices(found.source, [rows[key][0] for key in sorted(rows)], codes.notes)


def _row(found: Found, row: int, codes: Codes) -> Row | None:
    out = {name: code(found.text(row, name)) for name in KEYS}
    codes.provider(found, row, out["provider"])
    codes.commissioner(found, row, out["commissioner"])
    codes.function(found, row, out["treatment_function"])
    out["point_of_delivery"] = codes.point_of_delivery(
        found, row, out["point_of_delivery"], blank=True
    )
    before = len(found.log.problems)
    price = found.number(row, "price", "local price")
    if not price:
        if len(found.log.problems) == before:
            found.problem(row, "price", "there is no price", "leave the row out, or give one")
        return None
    return {**out, "price": price}
