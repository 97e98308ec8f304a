"""Which price list serves a year, as docs/pricing.md has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tariff.packs.model import TariffPack
from tariff.reference.loaded import PackLike, of_kind

Held = tuple[TariffPack, PackLike]


def in_order(packs: Sequence[PackLike], asked: Mapping[str, str]) -> list[Held]:
    """Return the price lists, the one that serves a year before the others of that year.

    What is asked for (`asked`: an edition or the id of a pack, by year) stands first; then an
    earlier level of the search order, whole lists, the final edition, all but consultations, and
    the id that is first in the alphabet.
    """
    left = of_kind(packs, TariffPack)
    ordered: list[Held] = []
    for year in sorted({manifest.year for manifest, _ in left}):
        of_year = sorted((held for held in left if held[0].year == year), key=_standing)
        name = asked.get(year)
        if name is not None:
            fitting = [held for held in of_year if _is_called(held[0], name)]
            if not fitting:
                raise LookupError(f"no edition {name} of {year}")
            of_year = [fitting[0], *(held for held in of_year if held is not fitting[0])]
        ordered += of_year
    return ordered


def _is_called(manifest: TariffPack, name: str) -> bool:
    return manifest.id == name or _words(manifest.edition) == _words(name)


def _words(edition: str) -> list[str]:
    return edition.lower().replace("-", " ").replace("_", " ").split()


def _standing(held: Held) -> tuple[int, int, int, str]:
    manifest, pack = held
    words = _words(manifest.edition)
    if words == ["final"]:
        standing = 0
    elif words and words[0].startswith(("consultation", "draft")):
        standing = 2
    else:
        standing = 1
    return int(getattr(pack, "level", 9)), int(manifest.partial), standing, manifest.id
