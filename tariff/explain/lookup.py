"""Find what a name stands for; an unknown name gets suggestions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.engine.columns import SpellColumns
from tariff.engine.select import Selected
from tariff.errors import UsageError
from tariff.explain.ways import leads_unbundled
from tariff.explain.words import article
from tariff.extract.nhs_number import is_nhs_number
from tariff.packs.compile import Rulebook
from tariff.packs.load import PackSet
from tariff.packs.model import SignaturesPack
from tariff.report.text import KIND, RECORD

MOST = 20_000  # names that are compared with a misspelt one
SHOWN = 4
_OTHER_CARE = {RECORD[kind]: KIND[kind][0] for kind in KIND if kind != "spells"}


def near(word: str, names: Iterable[str], what: str) -> str:
    """Give a hint: the names nearest to a word."""
    known = list(names)
    close = get_close_matches(word, known[:MOST], SHOWN, 0.6)
    if not close and len(word) > 1:
        close = [name for name in known if name.startswith(word[:-1])][:SHOWN]
    return f"did you mean {' or '.join(close)}?" if close else what


def _said(word: str) -> str:
    """Give a word of the command line as a message may repeat it."""
    return "that number" if is_nhs_number(word) else f"'{word}'"


# ---------------------------------------------------------------- rules and HRGs


def find_rule(packs: PackSet, word: str) -> Selected | None:
    """Give the signature of an id or a name, in any case."""
    wanted = word.strip().lower()
    for pack, rule in packs.rules():
        if wanted in (rule.id.lower(), rule.name.lower()):
            assert isinstance(pack.manifest, SignaturesPack)
            lists = {name: [str(c) for c in codes] for name, codes in pack.manifest.lists.items()}
            return Selected(rule, pack.id, lists)
    return None


def find_hrg(rulebook: Rulebook, word: str) -> str | None:
    """Give an HRG, or the root of one, in capitals."""
    wanted = word.strip().upper()
    if wanted in rulebook.hrg_ids or wanted in rulebook.labels:
        return wanted
    roots = {hrg[:4] for hrg in (*rulebook.hrgs, *rulebook.labels)}
    return wanted if wanted in roots or leads_unbundled(rulebook, wanted) else None


def unknown(rulebook: Rulebook, word: str) -> UsageError:
    """Give the error for a name that is neither a signature nor an HRG."""
    if ":" in word:
        return UsageError(
            f"{_said(word)} is a spell: its trace needs the extract it is in",
            hint="tariff explain PROVIDER:NUMBER FILE...",
        )
    if len(word) == 16 and set(word.lower()) <= set("0123456789abcdef"):
        return UsageError(
            f"'{word}' is a finding: name the run it is of",
            hint=f"tariff explain {word} --run DIR",
        )
    rules = [rule.id for _, rule in rulebook.packs.rules()]
    hrgs = [*rulebook.hrgs, *sorted({hrg[:4] for hrg in rulebook.hrgs})]
    wanted = word.strip().upper()
    hint = near(wanted, rules, "") or near(
        wanted, hrgs, "for a spell, name the extract too: SPELL FILE..."
    )
    return UsageError(
        f"there is no signature, HRG, flag or service called {_said(word)}", hint=hint
    )


# ---------------------------------------------------------------- spells


HOW_OTHER_CARE = (
    "tariff check FILE... -o DIR writes what was worked out of each record to DIR; "
    "tariff explain FINDING --run DIR explains what is asked about it"
)


def refuse_other_care(word: str) -> None:
    """Raise where a word is the key of a record that has no page: one that is not a spell."""
    kind = word.partition(":")[0]
    if kind in _OTHER_CARE:
        raise UsageError(
            f"{_said(word)} is {article(_OTHER_CARE[kind])}; only spells have a page of their own",
            hint=HOW_OTHER_CARE,
        )


def find_spell(columns: SpellColumns, word: str) -> int:
    """Give the index of a spell: `spell:PROVIDER:NUMBER`, `PROVIDER:NUMBER` or the number alone."""
    numbers = columns.texts("spell_id")
    text = word.strip()
    found: list[int] = []
    rest = text.removeprefix("spell:")
    if rest == text:
        found = _places(numbers, text)
    provider, colon, number = rest.partition(":")
    if not found and colon:
        found = _of_provider(columns, _places(numbers, number), provider)
    if len(found) == 1:
        return found[0]
    providers = columns.texts("provider", np.array(found, np.int64)).to_pylist()
    if found:
        raise UsageError(
            f"spell {_said(text)} is in {len(found)} providers: {', '.join(providers)}",
            hint=f"write the provider before it, such as {providers[0]}:{text}",
        )
    raise UsageError(
        f"no spell {_said(text)} is in the extract",
        hint=_suggestion(columns, numbers, number if colon else rest),
    )


def _places(numbers: pa.Array, number: str) -> list[int]:
    """Indices of the spells with a number; in any case where none has it as written."""
    found = np.flatnonzero(pc.equal(numbers, number).to_numpy(zero_copy_only=False))
    if not len(found):
        lowered = pc.equal(pc.utf8_lower(numbers), number.lower())
        found = np.flatnonzero(lowered.to_numpy(zero_copy_only=False))
    return [int(index) for index in found]


def _of_provider(columns: SpellColumns, found: Sequence[int], provider: str) -> list[int]:
    providers = columns.texts("provider", np.array(found, np.int64)).to_pylist()
    return [
        index
        for index, name in zip(found, providers, strict=True)
        if name.lower() == provider.strip().lower()
    ]


def _suggestion(columns: SpellColumns, numbers: pa.Array, number: str) -> str:
    same = _places(numbers, number)
    if same:
        providers = columns.texts("provider", np.array(same, np.int64)).to_pylist()
        return f"did you mean {' or '.join(f'{name}:{number}' for name in providers[:SHOWN])}?"
    alike = numbers.filter(pc.starts_with(numbers, number[: max(len(number) - 2, 1)]))
    hint = near(number, (alike if len(alike) else numbers)[:MOST].to_pylist(), "")
    return hint or "write it as PROVIDER:NUMBER; a row that was rejected is in no spell"
