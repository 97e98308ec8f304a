"""Read the split bounds of a healthcare resource group from its published label.

An HRG label says in words which patients of a root belong to the group, for example
``"Asthma without Interventions, with CC Score 3-5"``. This module is the single place
where those words become numbers. It knows nothing of files or years: the same parser
serves every price list, so a band means the same thing in each of them.

Bounds are inclusive; ``None`` stands for "no limit on this side".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

Bound = int | None
Band = tuple[Bound, Bound]

UNBOUNDED: Band = (None, None)

_I = re.IGNORECASE

_CC = re.compile(r"\bwith CC (?:Score )?(?P<band>\d+-\d+|\d+\+|\d+)", _I)
_AGE_BETWEEN = re.compile(r"\bbetween (\d+) and (\d+) years\b", _I)
_AGE_OVER = re.compile(r"\b(\d+) years? and over\b", _I)
_AGE_UNDER = re.compile(r"\b(\d+) years? and under\b", _I)
_STAY_BETWEEN = re.compile(r"\blength of stay between (\d+) and (\d+) days?\b", _I)
_STAY_OVER = re.compile(r"\blength of stay (\d+) days? or more\b", _I)
_STAY_UNDER = re.compile(r"\blength of stay (\d+) days? or less\b", _I)
_STAY_ENDED = re.compile(r"\bin (\d+) days? or less\b", _I)  # transferred or died
_STAY_EXACT = re.compile(r"\blength of stay (\d+) days?\b(?! or )", _I)
_SCORE = r"(?P<band>\d+-\d+|\d+\+|<=\d+|>=\d+|\d+)"
_DIAGNOSIS_SCORE = re.compile(rf"\b(?:Diagnosis|Severity) Score {_SCORE}", _I)
_INTERVENTION_SCORE = re.compile(rf"\bIntervention Score {_SCORE}", _I)

# "with Imaging Intervention" or "with Other Percutaneous Intervention" are parts of the
# name of a procedure, not a count; so the word must follow directly.
_INTERVENTIONS: tuple[tuple[re.Pattern[str], Band], ...] = (
    (re.compile(r"\bwith(?:out| No) Interventions?\b", _I), (0, 0)),
    (re.compile(r"\bwith Single Intervention\b", _I), (1, 1)),
    (re.compile(r"\bwith Multiple Interventions\b", _I), (2, None)),
    (re.compile(r"\bwith Interventions\b", _I), (1, None)),
)

# Wording that restricts a group without giving a number, wherever it stands.
_ALWAYS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bDischarged Home\b", _I), "discharged_home"),
    (re.compile(r"\bAdmitted from Home\b", _I), "admitted_from_home"),
    (
        re.compile(r"\bAdmitted from Other Location or Born in Hospital\b", _I),
        "admitted_from_other_location_or_born_here",
    ),
    (re.compile(r"\bAdmitted from Other Hospital Provider\b", _I), "admitted_from_other_provider"),
    (
        re.compile(r"\bwith Insertion of Long-Acting Contraceptive\b", _I),
        "long_acting_contraceptive",
    ),
    (
        re.compile(r"\bwithout Insertion of Long-Acting Contraceptive\b", _I),
        "no_long_acting_contraceptive",
    ),
    (re.compile(r"\bTransferred or Died\b", _I), "transferred_or_died"),
    (re.compile(r"\bfor Medical or Patient Reasons\b", _I), "medical_or_patient_reasons"),
)

# Wording that restricts a group only by contrast with a sister of the same root: the words are
# read as a condition where two groups of a root would otherwise take the same patient.
_BY_CONTRAST: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^(?!.*\bOpen or Laparoscopic\b).*\bLaparoscopic\b", _I), "laparoscopic"),
    (re.compile(r"\bOpen\b(?! or Laparoscopic\b)", _I), "open"),
    (re.compile(r"\b14 to 20 weeks gestation\b", _I), "gestation_14_to_20_weeks"),
    (re.compile(r"\b(?:less than|under) 14 weeks gestation\b", _I), "gestation_under_14_weeks"),
)


class LabelError(ValueError):
    """A set of labels cannot be told apart by what this parser understands."""


@dataclass(frozen=True, slots=True)
class Split:
    """What a label asks of a patient of the root, as inclusive bounds and named conditions."""

    cc: Band = UNBOUNDED
    age: Band = UNBOUNDED
    interventions: Band = UNBOUNDED
    stay: Band = UNBOUNDED
    diagnosis_score: Band = UNBOUNDED
    conditions: tuple[str, ...] = ()

    @property
    def bands(self) -> tuple[Band, ...]:
        """The five bands, in the column order of a splits table."""
        return (self.cc, self.age, self.interventions, self.stay, self.diagnosis_score)

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The ten bounds, lower and upper by turns, in the column order of a splits table."""
        return tuple(bound for band in self.bands for bound in band)

    def overlaps(self, other: Split) -> bool:
        """Tell whether one patient could satisfy both, as far as bounds and conditions say."""
        if self.conditions != other.conditions:
            return False
        return all(_meet(a, b) for a, b in zip(self.bands, other.bands, strict=True))


def _meet(a: Band, b: Band) -> bool:
    """Tell whether two bands have a number in common."""
    below = a[1] is not None and b[0] is not None and a[1] < b[0]
    above = b[1] is not None and a[0] is not None and b[1] < a[0]
    return not (below or above)


def _band(text: str) -> Band:
    """Read ``3-5``, ``6+``, ``<=23``, ``>=45`` or a single number."""
    if text.startswith("<="):
        return (None, int(text[2:]))
    if text.startswith(">="):
        return (int(text[2:]), None)
    if text.endswith("+"):
        return (int(text[:-1]), None)
    low, _, high = text.partition("-")
    return (int(low), int(high or low))


def _one_of(
    label: str,
    between: re.Pattern[str],
    over: re.Pattern[str],
    under: re.Pattern[str],
    exact: re.Pattern[str] | None = None,
) -> Band:
    """Read a band that is worded as "between a and b", "a or more", "b or less" or "a"."""
    if found := between.search(label):
        return (int(found[1]), int(found[2]))
    if found := over.search(label):
        return (int(found[1]), None)
    if found := under.search(label):
        return (None, int(found[1]))
    if exact is not None and (found := exact.search(label)):
        return (int(found[1]), int(found[1]))
    return UNBOUNDED


def _searched(pattern: re.Pattern[str], label: str) -> Band:
    found = pattern.search(label)
    return _band(found["band"]) if found else UNBOUNDED


def _interventions(label: str) -> Band:
    """Read the number of interventions, or the intervention score of a multiple trauma group."""
    score = _searched(_INTERVENTION_SCORE, label)
    if score != UNBOUNDED:
        return score
    for pattern, band in _INTERVENTIONS:
        if pattern.search(label):
            return band
    return UNBOUNDED


def _stay(label: str) -> Band:
    if found := _STAY_ENDED.search(label):
        return (None, int(found[1]))
    return _one_of(label, _STAY_BETWEEN, _STAY_OVER, _STAY_UNDER, _STAY_EXACT)


def parse_label(label: str) -> Split:
    """Return what one label says, without looking at the other labels of its root."""
    return Split(
        cc=_searched(_CC, label),
        age=_one_of(label, _AGE_BETWEEN, _AGE_OVER, _AGE_UNDER),
        interventions=_interventions(label),
        stay=_stay(label),
        diagnosis_score=_searched(_DIAGNOSIS_SCORE, label),
        conditions=tuple(name for pattern, name in _ALWAYS if pattern.search(label)),
    )


def root_of(hrg: str) -> str:
    """Return the root of an HRG: the code without its split letter."""
    return hrg[:4]


def overlapping(splits: Mapping[str, Split]) -> list[tuple[str, str]]:
    """Return the pairs of HRGs, of one root, that the same patient could satisfy."""
    codes = sorted(splits)
    return [
        (a, b)
        for index, a in enumerate(codes)
        for b in codes[index + 1 :]
        if splits[a].overlaps(splits[b])
    ]


def _contrasted(labels: Mapping[str, str], splits: Mapping[str, Split]) -> dict[str, Split]:
    """Add to the splits of one root the conditions that only show by contrast."""
    told_apart = {}
    for hrg, split in splits.items():
        found = tuple(name for pattern, name in _BY_CONTRAST if pattern.search(labels[hrg]))
        told_apart[hrg] = replace(split, conditions=split.conditions + found)
    return told_apart


def parse_labels(labels: Mapping[str, str]) -> dict[str, Split]:
    """Return the split of every HRG of a list, told apart within each root.

    Two groups of a root must never take the same patient, except that a group with a condition
    is tested before the groups without one. Raises `LabelError` where the words do not suffice.
    """
    roots: dict[str, dict[str, Split]] = {}
    for hrg, label in labels.items():
        roots.setdefault(root_of(hrg), {})[hrg] = parse_label(label)
    result: dict[str, Split] = {}
    for splits in roots.values():
        if overlapping(splits):
            splits = _contrasted(labels, splits)
            if left := overlapping(splits):
                raise LabelError(f"not told apart by their labels: {left}")
        result.update(splits)
    return result


def table_order(splits: Mapping[str, Split]) -> Iterable[str]:
    """Return the HRGs by root; inside a root those with a condition first, then by code."""
    return sorted(splits, key=lambda hrg: (root_of(hrg), not splits[hrg].conditions, hrg))
