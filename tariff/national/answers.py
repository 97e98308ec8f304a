"""The national grouper's HRGs of records that do not exist, by what was asked."""

from __future__ import annotations

import pyarrow as pa

from tariff.engine.spells import Spells
from tariff.errors import DataError
from tariff.national.compare import LEAST_SHARED
from tariff.national.join import Joined, keys_of_spells
from tariff.national.keys import Keys
from tariff.national.read import Answer, spell_keys
from tariff.packs.compile import Rulebook


def take_answers(
    joined: Joined, keys: Keys, answer: Answer, rulebook: Rulebook, spells: Spells
) -> None:
    """Add the answers to what was joined; what cannot be used is counted in a notice."""
    assert answer.spells is not None
    theirs = {row["key"]: row for row in answer.spells.to_pylist()}
    place = {key: index for index, key in enumerate(keys_of_spells(spells).to_pylist())}
    _refuse_other_extract(keys, place)
    answers: dict[tuple[frozenset[int], str], int] = {}
    for key in keys.keys:
        members = [place.get(_key(*part)) for part in key.parts]
        found = theirs.get(_key(key.provider, key.spell))
        known = [index for index in members if index is not None]
        if found is None or len(known) < len(members):
            continue
        episodes = str(int(spells.episodes[known].sum()))
        hrg = rulebook.hrg_ids.get(found["hrg"], -1)
        if hrg >= 0 and not found["hrg"].startswith("UZ") and found["episodes"] in ("", episodes):
            answers[frozenset(known), key.without] = hrg
    joined.answers = answers
    left = len(keys.keys) - len(answers)
    told = f"The national grouper grouped {len(answers):,} of the {len(keys.keys):,} merged or "
    told += f"edited records that {keys.name} lists"
    joined.notices.append(
        f"{told}; {left:,} keep the engine's own grouping." if left else f"{told}."
    )


def _key(provider: str, spell: str) -> str:
    (key,) = spell_keys(pa.array([provider]), pa.array([spell])).to_pylist()
    return str(key)


def _refuse_other_extract(keys: Keys, place: dict[str, int]) -> None:
    parts = {part for key in keys.keys for part in key.parts}
    here = sum(_key(*part) in place for part in parts)
    if here < LEAST_SHARED * len(parts):
        raise DataError(
            f"{keys.name}: only {here:,} of the {len(parts):,} spells that it names are in the "
            "extract",
            hint="give the .keys.csv that was written for this very extract",
        )
