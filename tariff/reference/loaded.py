"""What the oracle asks of a loaded pack, and the two ways it reads one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from tariff.packs.model import Pack


class TableLike(Protocol):
    """A side table in memory."""

    @property
    def columns(self) -> Mapping[str, Sequence[str]]:
        """Column name to its texts, all of one length."""
        ...


class PackLike(Protocol):
    """A loaded pack."""

    @property
    def manifest(self) -> Pack:
        """The typed manifest."""
        ...

    @property
    def tables(self) -> Mapping[str, TableLike]:
        """The side tables by name."""
        ...


P = TypeVar("P", bound=Pack)


def side_table(pack: PackLike, name: str) -> list[dict[str, str]]:
    """Return a side table as one dict a row."""
    wanted = (name, str(getattr(pack.manifest, name, name)))
    for key in (*wanted, *(w.removesuffix(".csv") for w in wanted)):
        if key in pack.tables:
            columns = pack.tables[key].columns
            names = list(columns)
            rows = zip(*columns.values(), strict=True)
            return [dict(zip(names, row, strict=True)) for row in rows]
    raise KeyError(f"{pack.manifest.id}: no table {name}")


def of_kind(packs: Iterable[PackLike], kind: type[P]) -> list[tuple[P, PackLike]]:
    """Return the packs whose manifest is of a class, with their manifests."""
    found: list[tuple[P, PackLike]] = []
    for pack in packs:
        manifest = pack.manifest
        if isinstance(manifest, kind):
            found.append((manifest, pack))
    return found
