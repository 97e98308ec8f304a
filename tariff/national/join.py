"""The national grouper's own answer taken over: it stands before what the engine grouped.

Joined on provider, spell and episode number. A spell that is not in the answer, or has another
number of episodes there, keeps the engine's grouping and is counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.frame import Vocabulary
from tariff.engine.group import Groups
from tariff.engine.reasons import CATEGORIES, PROCEDURE_FLAGS
from tariff.engine.spells import Spells
from tariff.errors import DataError
from tariff.national.compare import place_in, refuse_other_records, same_codes
from tariff.national.read import Answer, episode_keys, spell_keys
from tariff.packs.compile import Rulebook
from tariff.packs.grouping import NULL32

NATIONAL = CATEGORIES.index("national")  # in error by the national grouper, not by the engine
MOST_OF_OTHER_YEARS = 0.5  # of the HRGs: above, the grouper is another year's


@dataclass
class Joined:
    """What became of an answer: the spells it stands for, and what to say of it."""

    spells: NDArray[np.bool_]
    notices: list[str] = field(default_factory=list)
    answers: dict[tuple[frozenset[int], str], int] | None = None  # of records that do not exist

    def unanswered(self, asked: Iterable[tuple[frozenset[int], str]]) -> list[str]:
        """Tell of records that the findings need and that the national grouper was not asked."""
        if self.answers is None:
            return []
        left = sum(key not in self.answers for key in asked)
        if not left:
            return []
        return [
            f"Merged or edited records that the findings need and the national grouper's answer "
            f"does not have: {left:,}. They keep the engine's own grouping; write them again with "
            "--for-national."
        ]


def keys_of_spells(spells: Spells) -> pa.Array:
    """Give the key of each spell of a run."""
    return spell_keys(*_names(spells, spells.first))


def take_over(
    answer: Answer, rulebook: Rulebook, spells: Spells, groups: Groups, hrgs: list[str]
) -> Joined:
    """Put the answer in the place of the groups; HRGs that no pack has are added to `hrgs`."""
    return _Join(answer, rulebook, spells, groups, hrgs).run()


def _names(spells: Spells, rows: NDArray[np.int64]) -> tuple[pa.Array, pa.Array]:
    frame = spells.frame
    providers = pa.array(frame.vocabularies["provider"].values, pa.string())
    provider = providers.take(pa.array(frame.columns["provider"][rows].astype(np.int64)))
    return provider, frame.texts["spell_id"].take(rows)


class _Join:
    def __init__(
        self,
        answer: Answer,
        rulebook: Rulebook,
        spells: Spells,
        groups: Groups,
        hrgs: list[str],
    ) -> None:
        self.answer = answer
        self.rulebook = rulebook
        self.spells = spells
        self.groups = groups
        self.hrgs = hrgs

    def run(self) -> Joined:
        theirs = self.answer.spells
        assert theirs is not None
        place = place_in(keys_of_spells(self.spells), theirs["key"].combine_chunks())
        shared = np.flatnonzero(place >= 0)
        at_episodes = self._episodes()
        self._refuse(theirs.num_rows, len(shared), len(place), at_episodes)
        counts = theirs["episodes"].to_pylist()
        hrg = theirs["hrg"].to_pylist()
        missing = sum(1 for at in place if at < 0)
        taken = np.zeros(len(place), bool)
        taken[shared] = [
            bool(hrg[at]) and counts[at] in ("", str(own))
            for at, own in zip(place[shared], self.spells.episodes[shared], strict=True)
        ]
        joined = Joined(taken)
        self._take_spells(np.flatnonzero(taken), place)
        episodes = self._take_episodes(taken, at_episodes)
        files = ", ".join(source.file for source in self.answer.sources)
        joined.notices.append(
            f"The national grouper's own answer ({files}) is used for "
            f"{int(taken.sum()):,} of {len(place):,} spells and {episodes:,} of "
            f"{len(self.spells.perm):,} episodes."
        )
        changed = len(place) - int(taken.sum()) - missing
        if missing:
            joined.notices.append(
                f"Spells that are not in the national grouper's answer: {missing:,}. They keep "
                "the engine's own grouping."
            )
        if changed:
            joined.notices.append(
                f"Spells that have another number of episodes, or no HRG, in the national "
                f"grouper's answer: {changed:,}. They keep the engine's own grouping."
            )
        joined.notices += self._other_years(taken)
        return joined

    # -- is it of this extract

    def _episodes(self) -> NDArray[np.int64] | None:
        """The place of each row, in order, among their episodes; None where they are not given."""
        theirs, frame = self.answer.episodes, self.spells.frame
        if theirs is None:
            return None
        perm = self.spells.perm
        order = frame.column("episode_order")
        if order is None or "episode_order" not in frame.fields:
            start = np.repeat(self.spells.start[:-1], self.spells.episodes)
            numbers = np.arange(len(perm)) - start + 1
        else:
            numbers = np.where(order == NULL32, 0, order)[perm]
        keys = episode_keys(*_names(self.spells, perm), pa.array(numbers).cast(pa.string()))
        return place_in(keys, theirs["key"].combine_chunks())

    def _refuse(
        self, theirs: int, shared: int, ours: int, episodes: NDArray[np.int64] | None
    ) -> None:
        names = ("the extract", self.answer.name)
        refuse_other_records("spells", names, (ours, theirs), shared, None)
        if episodes is None or self.answer.episodes is None:
            return
        found = np.flatnonzero(episodes >= 0)
        codes = pa.array(self.spells.frame.diagnoses.values, pa.string())
        primary = self.spells.frame.diag[self.spells.perm[found], 0].astype(np.int64)
        given = self.answer.episodes["diagnosis"].take(pa.array(episodes[found]))
        same = int(same_codes(codes.take(pa.array(primary)), given.combine_chunks()).sum())
        counts = (len(episodes), self.answer.episodes.num_rows)
        refuse_other_records("episodes", names, counts, len(found), same)

    def _other_years(self, taken: NDArray[np.bool_]) -> list[str]:
        """Refuse, or tell of, HRGs that the design of the spell's year does not have."""
        designs = [set(g.split_hrgs) for g in self.rulebook.groupers]
        which = np.flatnonzero(taken & (self.groups.category == 0))
        pairs = zip(self.groups.grouper[which], self.groups.hrg[which], strict=True)
        other = sum(self.hrgs[hrg] not in designs[grouper] for grouper, hrg in pairs)
        if not other:
            return []
        if other > MOST_OF_OTHER_YEARS * len(which):
            raise DataError(
                f"{self.answer.name}: {other:,} of {len(which):,} HRGs are not in the design of "
                "the year of their spells",
                hint="run the grouper of that year, or give the year with --year",
            )
        return [
            f"HRGs of the national grouper that the design held for the year of their spells does "
            f"not have: {other:,}. Check that the grouper was the one of that year."
        ]

    # -- what becomes theirs

    def _take_spells(self, which: NDArray[np.int64], place: NDArray[np.int64]) -> None:
        theirs, groups = self.answer.spells, self.groups
        assert theirs is not None
        at = pa.array(place[which])
        answers = theirs.select(["hrg", "flag", "procedure", "diagnosis"]).take(at)
        ids = self._hrg_ids(answers["hrg"])
        groups.hrg[which] = ids
        groups.flag[which] = _flags(answers["flag"])
        groups.code[which] = self._codes(answers)
        groups.category[which] = _category(answers["hrg"], groups.category[which])
        groups.reason[which] = 0
        groups.cc[which] = NULL32
        groups.split[which] = -1
        for grouper in np.unique(groups.grouper[which]):
            roots = self.rulebook.groupers[int(grouper)].root_ids
            mine = groups.grouper[which] == grouper
            names = [self.hrgs[hrg][:4] for hrg in ids[mine]]
            groups.root[which[mine]] = [roots.get(name, -1) for name in names]
        in_error = groups.category[which] != 0
        groups.episode[which[in_error]] = 0

    def _take_episodes(self, taken: NDArray[np.bool_], place: NDArray[np.int64] | None) -> int:
        """Take over the episodes of the spells that were; give how many."""
        theirs, groups, spells = self.answer.episodes, self.groups, self.spells
        if theirs is None or place is None:
            return 0
        spell = spells.spell_of_rows()
        which = np.flatnonzero((place >= 0) & taken[spell])
        rows = spells.perm[which]
        answers = theirs.take(pa.array(place[which]))
        groups.row_hrg[rows] = self._hrg_ids(answers["hrg"])
        groups.row_flag[rows] = _flags(answers["flag"])
        groups.row_code[rows] = self._codes(answers)
        groups.row_category[rows] = _category(answers["hrg"], groups.row_category[rows])
        groups.row_errors[rows[groups.row_category[rows] == 0]] = 0
        groups.row_reason[rows] = 0
        groups.row_cc[rows] = NULL32
        drives = which[[text == "1" for text in answers["reports"].to_pylist()]]
        drives = drives[groups.category[spell[drives]] == 0]
        groups.episode[spell[drives]] = drives - spells.start[spell[drives]] + 1
        return len(which)

    def _hrg_ids(self, names: pa.ChunkedArray) -> NDArray[np.int32]:
        """HRGs as indices of `hrgs`, -1 for none; those that no pack has are added in order."""
        known = {hrg: index for index, hrg in enumerate(self.hrgs)}
        for name in sorted(set(names.to_pylist()) - set(known) - {""}):
            known[name] = len(self.hrgs)
            self.hrgs.append(name)
        return np.array([known.get(name, -1) for name in names.to_pylist()], np.int32)

    def _codes(self, answers: pa.Table) -> NDArray[np.uint16]:
        """The code that drove: the dominant procedure, else the primary diagnosis; 0 in error."""
        frame = self.spells.frame
        out = np.zeros(answers.num_rows, np.uint16)
        cells = (answers[name].to_pylist() for name in ("flag", "procedure", "diagnosis"))
        for index, (flag, procedure, diagnosis) in enumerate(zip(*cells, strict=True)):
            if flag in PROCEDURE_FLAGS and flag:
                out[index] = _id_of(frame.procedures, procedure)
            elif flag != "U":
                out[index] = _id_of(frame.diagnoses, diagnosis)
        return out


def _id_of(vocabulary: Vocabulary, code: str) -> int:
    return vocabulary.id_of(code.replace(".", "").upper())


def _flags(flags: pa.ChunkedArray) -> NDArray[np.uint8]:
    return np.array([ord(flag) if len(flag) == 1 else 0 for flag in flags.to_pylist()], np.uint8)


def _category(hrgs: pa.ChunkedArray, own: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """None where they grouped; the engine's own, where it has one, or a word of its own."""
    in_error = np.array([hrg.startswith("UZ") for hrg in hrgs.to_pylist()], bool)
    return np.where(in_error, np.where(own == 0, NATIONAL, own), 0).astype(np.uint8)
