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
from dataclasses import dataclass

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
_STAY_EXACT = re.compile(r"\blength of stay (\d+) days?\b(?! or )", _I)
_SCORE = r"(?P<band>\d+-\d+|<=\d+|>=\d+|\d+)"
_DIAGNOSIS_SCORE = re.compile(rf"\bDiagnosis Score {_SCORE}", _I)
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
    (_INTERVENTION_SCORE, "intervention_score"),
)
