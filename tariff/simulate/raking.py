"""Holds the cells of the catalogue to the published margins of `data/margins.csv`.

A cell's weight begins as judgement (age profile and sex ratio of its group) times published
activity of its root and setting. `rake` then scales the cells, margin after margin and over again,
until all margins agree: settings and births by spell; subchapters, age, sex by episode. What a
design cannot reach is left out of a margin, and the rest is scaled to fill it.

Later spells of a patient are not drawn quite as first ones are, so `first_spells` takes from the
first what the later ones will add.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tariff.simulate import shipped

Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

ROUNDS = 120
APART = 2  # days between two spells of a patient
OLDER_SEVENTIES = 0.56  # of the episodes of people in their seventies, of those from 75: as drawn
DAY_CASE, ELECTIVE, NON_ELECTIVE = 0, 1, 2
TRANSFERS = 0.01  # of spells, beside emergencies, births and deliveries: judgement
EXTRA_SPELLS_A_YEAR = 0.62  # mean further spells of a patient in a year: judgement
SAME_AGAIN = 0.35  # share of later medical spells with the root of the first: judgement
STEADY = 0.65  # of the further spells come to anyone, the others as lasting conditions add up
CONDITIONS_A_SPELL = 8.0
# Mean further episodes, of a same-day stay and by night: emergency, elective. Fitted to the
# episodes of an ordinary spell, HES 2024/25.
EMERGENCY_BASE, EMERGENCY_NIGHT = 0.30, 0.112
ELECTIVE_BASE, ELECTIVE_NIGHT = 0.04, 0.035
MOST_NIGHTS = 12  # that count
NIGHTS_OVER_STAY = 1.5  # nights of a spell, cut at that, over the published stay: about
MATERNITY = 0.1  # of these, for mothers and newborns: few are handed over


def margin(name: str) -> dict[str, float]:
    """Return one of the published margins."""
    rows = shipped.table("margins")
    return {row["key"]: float(row["value"]) for row in rows if row["margin"] == name}


@dataclass(frozen=True)
class Cube:
    """The cells before they are raked, one array entry a cell."""

    band: Codes
    sex: Codes
    root: Codes
    setting: Codes
    weight: Floats


@dataclass(frozen=True)
class Kinds:
    """Which roots are of births, of deliveries, and of other care in pregnancy and after."""

    births: Bools
    deliveries: Bools
    antenatal: Bools


def setting_shares() -> tuple[float, float, float]:
    """Return shares of spells by setting: day case, elective, and all others."""
    spells = margin("spells")
    return spells["day case"], spells["elective"], spells["emergency"] + spells["other"]


def episodes_a_spell(
    setting: Codes,
    maternity: Bools,
    age_effect: Floats,
    short_share: Floats,
    elective_stay: Floats,
    long_stay: Floats,
) -> Floats:
    """Return about how many episodes a spell has, by its setting, age and the stays of its root."""
    effect = np.sqrt(age_effect)  # the longest stays are cut, so that not all of it is left
    nights = np.minimum(NIGHTS_OVER_STAY * long_stay * effect, MOST_NIGHTS)
    further = (1 - short_share ** np.sqrt(effect)) * (EMERGENCY_BASE + EMERGENCY_NIGHT * nights)
    emergency = 1 + further * np.where(maternity, MATERNITY, 1.0)
    elective = 1 + ELECTIVE_BASE + ELECTIVE_NIGHT * np.minimum(elective_stay, MOST_NIGHTS)
    number: Floats = np.choose(setting, [np.ones(len(setting)), elective, emergency])
    return number


def rake(
    cube: Cube,
    roots: list[str],
    bands: npt.NDArray[np.int64],
    episodes: Floats,
    kinds: Kinds,
) -> Floats:
    """Return weights of the cells, as shares of spells, that agree with the published margins."""
    weight = cube.weight / cube.weight.sum()
    groups, wanted = _subchapters(cube, roots, kinds)
    settings, shares = _settings(cube, kinds)
    decade = np.array([_decade(int(age)) for age in bands])[cube.band]
    ages = np.array(list(margin("ordinary age").values()))
    ordinary = cube.setting != DAY_CASE
    rate = margin("rate")
    eighty = rate["75 and over"] - rate["75 to 79"]
    seventies = rate["75 to 79"] / OLDER_SEVENTIES
    eldest = np.array([2 if age >= 80 else int(age >= 70) for age in bands])[cube.band]
    for _ in range(ROUNDS):
        weight = _scaled(weight, weight * episodes, groups, wanted)
        weight = _scaled(weight, weight * episodes * ordinary, np.where(ordinary, decade, -1), ages)
        share = weight * episodes
        share /= share.sum()
        # The old among day cases, so that they have their share of all episodes.
        there = np.bincount(eldest[ordinary], weights=share[ordinary], minlength=3)
        left = np.maximum(np.array([1 - seventies - eighty, seventies, eighty]) - there, 0.01)
        weight = _scaled(weight, share, np.where(ordinary, -1, eldest), left)
        women = rate["women"]
        weight = _scaled(weight, weight * episodes, cube.sex, np.array([1 - women, women]))
        weight = _scaled(weight, weight, settings, shares)
    total: Floats = weight / weight.sum()
    return total


def _decade(age: int) -> int:
    return min(age // 10, 9)


def _scaled(weight: Floats, share: Floats, group: Codes, wanted: Floats) -> Floats:
    """Scale the cells of each group, -1 for none, so that the groups have the shares wanted."""
    inside = group >= 0
    held = np.bincount(group[inside], weights=share[inside], minlength=len(wanted))
    wanted = np.where(held > 0, wanted, 0.0)
    factor = np.divide(
        wanted * held.sum() / wanted.sum(), held, out=np.ones(len(wanted)), where=held > 0
    )
    return np.where(inside, weight * factor[group], weight)


def _settings(cube: Cube, kinds: Kinds) -> tuple[Codes, Floats]:
    """Return each cell's setting, maternity apart, and the shares of spells.

    What is neither planned, emergency, birth, delivery nor transfer is antenatal.
    """
    spells = margin("spells")
    day_case, elective, _ = setting_shares()
    born, delivered = spells["births"], spells["deliveries"]
    antenatal = spells["other"] - born - delivered - TRANSFERS
    group = np.where(kinds.deliveries[cube.root], 4, cube.setting)
    group = np.where(kinds.births[cube.root], 3, np.where(kinds.antenatal[cube.root], 5, group))
    emergency = spells["emergency"] + TRANSFERS
    shares = np.array([day_case, elective, emergency, born, delivered, antenatal])
    return group.astype(np.int32), shares


WELL_BABIES = "PB03"


def _subchapters(cube: Cube, roots: list[str], kinds: Kinds) -> tuple[Codes, Floats]:
    """Return each cell's subchapter, -1 for mothers and well babies, and the shares of episodes."""
    published = margin("subchapter")
    names = list(published)
    number = np.array([names.index(root[:2]) if root[:2] in published else -1 for root in roots])
    apart = kinds.deliveries | kinds.antenatal | np.array([root == WELL_BABIES for root in roots])
    number = np.where(apart, -1, number)
    return number[cube.root].astype(np.int32), np.array(list(published.values()))


def further_spells(bands: npt.NDArray[np.int64], days: int) -> Floats:
    """Return about how many further spells a patient has, by age band and sex."""
    return (
        EXTRA_SPELLS_A_YEAR * days / 365 * (STEADY + lasting_conditions(bands) / CONDITIONS_A_SPELL)
    )


def lasting_conditions(bands: npt.NDArray[np.int64]) -> Floats:
    """Return about how many lasting conditions a patient has, by age band and sex."""
    rows = [row for row in shipped.table("comorbidities") if row["kind"] != "acute"]
    chance = np.array([[float(row[key]) for key in CONDITION_BANDS] for row in rows])
    female = np.array([float(row["female"]) for row in rows])
    by_sex = np.stack([2 / (1 + female), 2 * female / (1 + female)])
    middle = bands + np.append(np.diff(bands), 8) / 2
    return np.asarray((RECORDING * chance.T[condition_group(middle)]) @ by_sex.T)


CONDITION_BANDS = ("child", "young", "middle", "senior", "old", "aged")
CONDITION_AGES = (19, 45, 65, 75, 85)
RECORDING = 1.5  # the table's shares are of people; coders record more of those in hospital


def condition_group(age: npt.NDArray[np.generic]) -> npt.NDArray[np.intp]:
    """Return the column of the table of conditions for each age."""
    return np.searchsorted(CONDITION_AGES, age, side="right")


def first_spells(
    cube: Cube,
    weight: Floats,
    bands: npt.NDArray[np.int64],
    further: Floats,
    days: int,
    births: Bools,
    repeats: Bools,
) -> Floats:
    """Return weights of first spells such that first and later ones together have `weight`."""
    more = further[cube.band, cube.sex]
    again = SAME_AGAIN * repeats[cube.root]
    stratum = cube.band * 2 + cube.sex
    born = births[cube.root]
    weight = weight / (1 - _no_room(cube, bands, more, days))
    first = weight.copy()
    for _ in range(8):
        size = np.bincount(stratum, weights=np.where(born, 0.0, first))
        repeating = np.bincount(stratum, weights=np.where(born, 0.0, first * again))
        share = np.divide(repeating, size, out=np.zeros(len(size)), where=size > 0)[stratum]
        first = weight / np.where(born, 1.0, 1 + more * (1 - share + again))
    shares: Floats = first / first.sum()
    return shares


def _no_room(cube: Cube, bands: npt.NDArray[np.int64], more: Floats, days: int) -> Floats:
    """Return about how likely a spell is left out because another of the patient is in its way."""
    stays = list(margin("stay by age").values())
    stay = np.array([stays[_decade(int(age))] for age in bands])[cube.band]
    own = np.where(cube.setting == DAY_CASE, 0.0, stay)
    lost: Floats = np.minimum(more * (own + stay / 2 + 2 * APART) / days, 0.2)
    return lost
