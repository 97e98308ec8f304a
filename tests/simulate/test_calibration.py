"""An artificial year is near the published margins, and two seeds differ only by chance.

Tolerances are stated beside each figure. They hold the generator to what docs/artificial-year.md
shows; where the year is known to be off (docs/artificial-data.md) the bound says by how much.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tariff.extract.fields import EPISODES as FIELDS
from tariff.simulate import Tally, shipped, synthesise
from tariff.simulate.catalogue import PATHWAY, build
from tariff.simulate.columns import field_type
from tariff.simulate.plan import make_plan
from tariff.simulate.raking import (
    TRANSFERS,
    Cube,
    Kinds,
    condition_group,
    first_spells,
    margin,
    rake,
    setting_shares,
)

EPISODES = 100_000
SEEDS = (20, 21)
# One false alarm in 15,000 runs for each of about 170 rates: a z of 4.9 (two-sided, 1e-6 each).
FARTHEST = 4.9

Bools = npt.NDArray[np.bool_]


@dataclass
class Made:
    table: pa.Table
    tally: Tally

    def texts(self, name: str) -> npt.NDArray[np.object_]:
        return np.array(self.table[name].cast(pa.string()).fill_null("").to_pylist(), dtype=object)

    def whole(self, name: str) -> npt.NDArray[np.int64]:
        return self.table[name].combine_chunks().to_numpy(zero_copy_only=False).astype(np.int64)

    def days(self, name: str) -> npt.NDArray[np.datetime64]:
        column = self.table[name].combine_chunks().to_numpy(zero_copy_only=False)
        return column.astype("datetime64[D]")

    def __post_init__(self) -> None:
        spell, method = self.texts("spell_id"), self.texts("admission_method")
        self.first: Bools = np.r_[True, spell[1:] != spell[:-1]]
        self.day_case: Bools = self.texts("patient_classification") == "2"
        self.ordinary: Bools = ~self.day_case
        self.planned: Bools = np.isin(method, ("11", "12", "13"))
        self.emergency: Bools = np.array([code[0] == "2" for code in method], dtype=np.bool_)
        self.woman: Bools = self.texts("sex") == "2"
        self.age = self.whole("age")
        stay = self.days("discharge_date") - self.days("admission_date")
        self.nights = stay.astype("timedelta64[D]").astype(np.int64)
        self.primary = self.texts("diag_01")
        self.hrg = np.repeat(
            self.texts("billed_hrg")[np.r_[spell[1:] != spell[:-1], True]],
            np.diff(np.r_[np.flatnonzero(self.first), len(spell)]),
        )

    def filled(self, family: str, most: int) -> npt.NDArray[np.int64]:
        columns = [self.table[f"{family}_{i:02d}"] for i in range(1, most + 1)]
        return np.sum([pc.is_valid(one).to_numpy().astype(np.int64) for one in columns], axis=0)


def make(seed: int) -> Made:
    tally = Tally()
    batches = list(synthesise(EPISODES, seed, "2022/23", tally=tally))
    return Made(pa.Table.from_batches(batches), tally)


@pytest.fixture(scope="module")
def years() -> tuple[Made, Made]:
    return make(SEEDS[0]), make(SEEDS[1])


@pytest.fixture(scope="module")
def year(years: tuple[Made, Made]) -> Made:
    return years[0]


class TestMargins:
    """Held to published shares when the tables are laid out: within sampling and a little."""

    def test_how_patients_are_admitted(self, year: Made) -> None:
        """Within 1.5 points of the published shares."""
        day_case, elective, _ = setting_shares()
        spells, count = margin("spells"), year.first.sum()
        assert (year.first & year.day_case).sum() / count == pytest.approx(day_case, abs=0.015)
        planned = year.first & year.planned & year.ordinary
        assert planned.sum() / count == pytest.approx(elective, abs=0.008)
        emergency = (year.first & year.emergency).sum() / count
        assert emergency == pytest.approx(spells["emergency"], abs=0.015)

    def test_ages_of_ordinary_episodes(self, year: Made) -> None:
        """Each decade within 1.3 points."""
        decade = np.minimum(year.age[year.ordinary] // 10, 9)
        here = np.bincount(decade, minlength=10) / len(decade)
        published = np.array(list(margin("ordinary age").values()))
        assert np.abs(here - published).max() < 0.013

    def test_the_old_and_women_among_all_episodes(self, year: Made) -> None:
        """Within 1.5 points each; those of 75 to 79, within 1."""
        rate = margin("rate")
        assert (year.age >= 75).mean() == pytest.approx(rate["75 and over"], abs=0.015)
        seventies = (year.age >= 75) & (year.age < 80)
        assert seventies.mean() == pytest.approx(rate["75 to 79"], abs=0.01)
        assert year.woman.mean() == pytest.approx(rate["women"], abs=0.015)

    def test_subchapters(self, year: Made) -> None:
        """Those that can be billed within a fifth of their share, or within 0.4 points."""
        here = Counter(hrg[:2] for hrg in year.hrg if hrg)
        published = {key: share for key, share in margin("subchapter").items() if here[key]}
        published.pop("PB")  # well babies of that subchapter have no bill
        total, whole = sum(here[key] for key in published), sum(published.values())
        for key, share in published.items():
            off = abs(here[key] / total - share / whole)
            assert off < max(0.004, 0.2 * share / whole), (key, here[key] / total, share / whole)
        left_out = 1 - whole - margin("subchapter")["NZ"] - margin("subchapter")["PB"]
        assert left_out < 0.05, "what no billed extract reaches"

    def test_antenatal_care(self, year: Made) -> None:
        """What is neither planned, emergency, birth, delivery nor transfer: within 0.4 points."""
        spells = margin("spells")
        wanted = spells["other"] - spells["deliveries"] - spells["births"] - TRANSFERS
        delivered = np.array([code[:3] == "Z37" for code in year.texts("diag_02")])
        admitted = np.isin(year.texts("admission_method"), ("31", "32")) & ~delivered & year.first
        assert admitted.sum() / year.first.sum() == pytest.approx(wanted, abs=0.004)
        assert year.woman[admitted].all()

    def test_injuries_of_several_sites(self, year: Made) -> None:
        """Within 0.1 points of their share of episodes."""
        several = np.array([hrg[:2] == "VA" for hrg in year.hrg])
        assert several.mean() == pytest.approx(margin("subchapter")["VA"], abs=0.001)

    def test_deliveries_and_births(self, year: Made) -> None:
        """Within 0.4 points of spells, from the published counts of their outcome codes."""
        spells, count = margin("spells"), year.first.sum()
        delivered = np.array([code[:3] == "Z37" for code in year.texts("diag_02")])
        assert (delivered & year.first).sum() / count == pytest.approx(
            spells["deliveries"], abs=0.004
        )
        assert year.woman[delivered].all()
        assert year.age[delivered].min() >= 15 and year.age[delivered].max() <= 49
        born = year.texts("admission_method") == "82"
        assert (born & year.first).sum() / count == pytest.approx(spells["births"], abs=0.004)
        assert (year.age[born] == 0).all()

    def test_emergencies_by_month(self, year: Made) -> None:
        """Discharges of emergencies a day, over the year's mean: each month within 6 %."""
        left = year.days("discharge_date")[year.first & year.emergency]
        month = left.astype("datetime64[M]").astype(np.int64) % 12
        length = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
        daily = np.bincount(month, minlength=12) / length
        published = np.array(list(margin("emergencies by month").values()))
        assert np.abs(daily / daily.mean() - published).max() < 0.06


class TestFitted:
    """Fitted to published means by constants in the modules."""

    def test_nights(self, year: Made) -> None:
        """Mean within 0.3 nights, median exact, emergencies home the same day within 2 points."""
        rate, rows = margin("rate"), year.first & year.ordinary
        assert year.nights[rows].mean() == pytest.approx(rate["mean stay"], abs=0.3)
        assert np.median(year.nights[rows]) == rate["median stay"]
        home = (year.nights[year.first & year.emergency] == 0).mean()
        assert home == pytest.approx(rate["emergencies home the same day"], abs=0.02)

    def test_nights_by_age(self, year: Made) -> None:
        """By decade, each over the whole, within 18 % of the published ratio."""
        rows = year.first & year.ordinary
        decade = np.minimum(year.age[rows] // 10, 9)
        count = np.bincount(decade, minlength=10)
        here = np.bincount(decade, weights=year.nights[rows].astype(float)) / count
        published = np.array(list(margin("stay by age").values()))
        ratio = (here / year.nights[rows].mean()) / (
            published / np.average(published, weights=count)
        )
        assert np.abs(ratio - 1).max() < 0.18

    def test_nights_by_root(self, year: Made) -> None:
        """Over common roots, stays of emergencies go with the published means of their roots."""
        rows = {row["root"]: row for row in shipped.table("roots")}
        chosen = year.first & (year.emergency) & (year.hrg != "")
        root = np.array([hrg[:4] for hrg in year.hrg[chosen]])
        names, which, size = np.unique(root, return_inverse=True, return_counts=True)
        here = np.bincount(which, weights=year.nights[chosen].astype(float)) / size
        keep = [i for i, name in enumerate(names) if size[i] >= 200 and name in rows]
        short = [float(rows[names[i]]["short_share"]) for i in keep]
        long = [float(rows[names[i]]["long_stay"]) for i in keep]
        published = [0.4 * s + (1 - s) * n for s, n in zip(short, long, strict=True)]
        assert len(keep) > 30
        assert np.corrcoef(here[keep], published)[0, 1] > 0.85

    def test_episodes_of_a_spell(self, year: Made) -> None:
        """Within 0.03 over all spells, 0.05 over ordinary ones."""
        rate = margin("rate")
        assert EPISODES / year.first.sum() == pytest.approx(rate["episodes a spell"], abs=0.03)
        ordinary = year.ordinary.sum() / (year.first & year.ordinary).sum()
        assert ordinary == pytest.approx(rate["episodes an ordinary spell"], abs=0.05)

    def test_secondary_diagnoses(self, year: Made) -> None:
        """Each condition on 1 % of episodes or more within a fifth of its published rate.

        The rate is the use of its codes in all positions, 2023/24, over the episodes of 2024/25.
        """
        published = margin("condition")
        here: Counter[str] = Counter()
        for i in range(1, 15):
            here.update(year.texts(f"diag_{i:02d}").tolist())
        checked = 0
        for row in shipped.table("comorbidities"):
            codes = [code for code, _ in shipped.weighted(row["codes"])]
            if published[row["condition"]] >= 0.01:
                found = sum(here[code] for code in codes) / EPISODES
                assert found == pytest.approx(published[row["condition"]], rel=0.2), row[
                    "condition"
                ]
                checked += 1
        assert checked > 60

    def test_depth_and_procedures(self, year: Made) -> None:
        """Known to be lower than nationally: 4.3 to 5.5 of 6.7 diagnoses, 1.2 to 1.9 of 1.8
        procedures; without a procedure within 3 points."""
        rate = margin("rate")
        assert 4.3 < year.filled("diag", 14).mean() < 5.5
        procedures = year.filled("oper", 12)
        assert 1.2 < procedures.mean() < 1.9
        assert (procedures == 0).mean() == pytest.approx(rate["without a procedure"], abs=0.03)


class TestNotHeld:
    """Figures that nothing in the tables is fitted to."""

    def test_day_case_shares_of_roots(self, year: Made) -> None:
        """Correlation above 0.95 over roots of 100 episodes or more; none is turned round."""
        rows = {row["root"]: row for row in shipped.table("roots")}
        root = np.array([hrg[:4] for hrg in year.hrg])
        names, which, size = np.unique(root, return_inverse=True, return_counts=True)
        here = np.bincount(which, weights=year.day_case.astype(float)) / size
        keep = [i for i, name in enumerate(names) if size[i] >= 100 and name in rows]
        weights = [
            [float(rows[names[i]][key]) for key in ("day_case", "elective", "non_elective")]
            for i in keep
        ]
        published = np.array([one[0] / sum(one) for one in weights])
        assert len(keep) > 150
        assert np.corrcoef(here[keep], published)[0, 1] > 0.95
        assert np.abs(here[keep] - published).max() < 0.4

    def test_chapters_of_primary_diagnoses(self, year: Made) -> None:
        """Neoplasms and digestive diseases within 3 points of admissions."""
        rate, primary = margin("rate"), year.primary[year.first]
        block = np.array([code[0] == "C" or "D00" <= code[:3] <= "D48" for code in primary])
        assert block.mean() == pytest.approx(rate["neoplasms"], abs=0.03)
        digestive = np.array([code[0] == "K" for code in primary])
        assert digestive.mean() == pytest.approx(rate["digestive"], abs=0.03)


class TestCoherence:
    def test_lasting_conditions_come_back(self, year: Made) -> None:
        """A condition of one spell is in 85 % of the patient's other emergencies."""
        lasting = {"I10X", "E119", "J459", "E039", "N183", "I489", "M069", "G409"}
        patients, spells = year.texts("patient_id"), year.texts("spell_id")
        columns = [year.texts(f"diag_{i:02d}") for i in range(1, 15)]
        full = columns[13] != ""
        emergency = year.emergency & ~full & year.first
        found: dict[str, dict[str, set[str]]] = {}
        for row in np.flatnonzero(emergency):
            codes = {column[row] for column in columns if column[row]} & lasting
            found.setdefault(patients[row], {})[spells[row]] = codes
        again = total = 0
        for stays in found.values():
            if len(stays) > 1:
                ever = set().union(*stays.values())
                again += sum(len(codes) for codes in stays.values())
                total += len(ever) * len(stays)
        assert total > 1000
        assert again / total > 0.85

    def test_joint_replacements_have_a_reason_and_a_side(self, year: Made) -> None:
        operated = year.texts("oper_01")
        # Hybrid and resurfacing ones, too: their codes share the activity of the root by use.
        hip = np.array(
            [code[:3] in ("W37", "W38", "W39", "W93", "W94", "W95") for code in operated]
        )
        cataract = np.array([code[:3] in ("C71", "C72", "C74", "C75") for code in operated])
        assert hip.sum() > 100 and cataract.sum() > 300
        reasons = {code[:3] for code in year.primary[hip]}
        assert reasons <= {"M16", "S72", "T84", "M87", "M84"}, reasons
        assert {code[:2] for code in year.primary[cataract]} <= {"H2", "H3", "H4", "H1", "H5"}
        sides = np.array(
            [
                any(year.texts(f"oper_{i:02d}")[row] in ("Z942", "Z943", "Z941") for i in (2, 3))
                for row in np.flatnonzero(hip)[:200]
            ]
        )
        assert sides.mean() > 0.75


class TestSeeds:
    def test_two_seeds_have_different_patients(self, years: tuple[Made, Made]) -> None:
        one, other = (made.table.select(COMPARED).to_pylist() for made in years)
        same = sum(a == b for a, b in zip(one[:5000], other[:5000], strict=True))
        assert same < 5, "rows agree by chance alone"

    def test_two_seeds_have_the_same_rates(self, years: tuple[Made, Made]) -> None:
        """Two-sample z of each rate below FARTHEST; the unit is the patient, not the episode.

        Episodes of one patient go together, so each rate's variance is taken over patients.
        """
        counted = [_rates(made) for made in years]
        worst: list[tuple[float, str]] = []
        for name in counted[0].keys() & counted[1].keys():
            (p, v), (q, w) = counted[0][name], counted[1][name]
            worst.append((abs(p - q) / max((v + w) ** 0.5, 1e-12), name))
        assert len(worst) > 150
        assert max(worst)[0] < FARTHEST, sorted(worst)[-5:]
        # And not suspiciously alike: a tenth of fair z values lie beyond 1.64.
        assert sum(z > 1.64 for z, _ in worst) > 0.02 * len(worst)


COMPARED = ["age", "sex", "admission_date", "discharge_date", "diag_01", "oper_01", "provider"]


def _rates(made: Made) -> dict[str, tuple[float, float]]:
    """Return rates over episodes and their variances, clustered by patient."""
    patients, number = np.unique(made.texts("patient_id"), return_inverse=True)
    size = np.bincount(number).astype(float)
    rates: dict[str, tuple[float, float]] = {}

    def add(name: str, rows: Bools) -> None:
        hits = np.bincount(number, weights=rows.astype(float), minlength=len(patients))
        p = hits.sum() / size.sum()
        rates[name] = (float(p), float(((hits - p * size) ** 2).sum() / size.sum() ** 2))

    add("day case", made.day_case)
    add("planned", made.planned)
    add("emergency", made.emergency)
    add("woman", made.woman)
    add("same day", made.nights == 0)
    add("a week or more", made.nights >= 7)
    for low in range(0, 100, 10):
        add(f"age {low}", (made.age >= low) & (made.age < low + 10))
    depth = made.filled("diag", 14)
    for most in range(1, 14):
        add(f"depth {most}", depth <= most)
    weekday = (made.days("admission_date").astype(np.int64) + 3) % 7
    for day in range(7):
        add(f"weekday {day}", weekday == day)
    chapter = np.array([hrg[:2] for hrg in made.hrg])
    for name, count in Counter(chapter.tolist()).items():
        if count >= 200:
            add(f"subchapter {name}", chapter == name)
    for code, count in Counter(made.primary.tolist()).most_common(60):
        if count >= 200:
            add(f"primary {code}", made.primary == code)
    conditions = ("I10X", "E119", "I489", "J459", "N183", "F171", "Z864", "F329", "E669", "M199")
    anywhere = {code: np.zeros(len(made.age), dtype=np.bool_) for code in conditions}
    for i in range(2, 15):
        column = made.texts(f"diag_{i:02d}")
        for code in conditions:
            anywhere[code] |= column == code
    for code, rows in anywhere.items():
        add(f"secondary {code}", rows)
    for provider in sorted(set(made.texts("provider"))):
        add(f"provider {provider}", made.texts("provider") == provider)
    return rates


@pytest.fixture(scope="module")
def run(year: Made) -> Any:
    from tariff.engine.run import Options, check
    from tariff.extract import from_arrow

    opened = from_arrow(year.table)
    return opened, check(opened, Options(level="low"))


class TestHonest:
    """The whole year as `check` sees it."""

    def test_no_row_is_rejected(self, run: Any) -> None:
        opened, _ = run
        assert opened.rejects.num_rows == 0

    def test_no_episode_is_in_error(self, run: Any) -> None:
        counts = run[1].manifest["counts"]
        assert counts["episodes_in_error"] == counts["spells_in_error"] == 0

    def test_all_but_the_pathway_is_grouped_and_priced(self, run: Any, year: Made) -> None:
        """Spells without an HRG are of mothers, 4.5 to 6 % of all; well babies are excluded.

        Deliveries have prices, but are not in the design, and of care before and after birth (NZ16
        to NZ27) the complication list is not held; where none is asked for there is an HRG, but no
        price. Every other spell is priced: 91.5 % of all.
        """
        counts = run[1].manifest["counts"]
        assert 0.045 < counts["spells_unmapped"] / counts["spells"] < 0.06
        assert counts["spells_grouped"] + counts["spells_unmapped"] == counts["spells"]
        mother = np.isin(year.texts("admission_method"), ("31", "32")) & year.first
        well = np.char.startswith(year.primary.astype(str), "Z38") & year.first
        assert counts["spells"] - counts["spells_priced"] == mother.sum() + well.sum()
        assert counts["spells_priced"] / counts["spells"] == pytest.approx(0.915, abs=0.005)
        assert counts["spells_incomplete"] == 0

    def test_few_spells_had_to_be_left_out(self, year: Made) -> None:
        """At most 1 in 1,000 drawn could not be billed."""
        billing = year.tally.billing
        assert billing.not_grouped + billing.not_priced < 0.001 * billing.spells
        assert 0.08 < billing.pathway / billing.spells < 0.09

    def test_every_deterministic_rule_is_silent(self, run: Any) -> None:
        """Presumptive ones ask about honest care too, within the budget that each states."""
        findings = run[1].findings.to_pylist()
        found = Counter(one["rule"] for one in findings if one["class"] == "deterministic")
        assert found == {}

    def test_no_field_breaks_the_dictionary(self, year: Made) -> None:
        known = {field.name: field for field in FIELDS}
        for name in year.table.column_names:
            kind, column = field_type(name), year.table[name]
            if kind == "integer":
                bounds = pc.min_max(column).as_py()
                assert bounds["min"] is None or 0 <= bounds["min"] <= bounds["max"] < 10_000, name
            elif kind in ("code", "clinical", "identifier"):
                texts = set(pc.unique(column.cast(pa.string())).to_pylist()) - {None}
                assert all(text.isascii() and not set(text) & set(" .,;\"'") for text in texts)
            if name in known and known[name].key:
                assert column.null_count == 0, name


class TestRaking:
    """The scaling on a cube small enough to see through."""

    def test_nothing_is_drawn_of_a_root_without_weight(self) -> None:
        catalogue = build(make_plan(1000, 1))
        assert (np.diff(catalogue.cells.running) >= 0).all()
        assert set(np.unique(catalogue.cells.setting)) == {0, 1, 2}

    def test_the_pathway_is_reached_where_it_has_no_price(self) -> None:
        roots = build(make_plan(1000, 1)).roots
        assert [root for root in roots if root.startswith(PATHWAY)]

    def test_weights_are_shares(self) -> None:
        bands = np.array([0, 40, 75, 85])
        rng = np.random.default_rng(1)
        at = np.array(
            [(b, s, r, k) for b in range(4) for s in (0, 1) for r in (0, 1) for k in (0, 1, 2)]
        )
        cube = Cube(*(at[:, i].astype(np.int32) for i in range(4)), rng.random(len(at)) + 0.1)
        none = np.zeros(2, dtype=np.bool_)
        weight = rake(cube, ["FD01", "DZ11"], bands, np.ones(len(at)), Kinds(none, none, none))
        assert weight.min() > 0
        assert weight.sum() == pytest.approx(1)
        women = weight[cube.sex == 1].sum()
        assert women == pytest.approx(margin("rate")["women"], abs=0.01)

    def test_first_spells_make_up_for_later_ones(self) -> None:
        bands, births = np.array([0, 40]), np.array([False, False])
        cube = Cube(
            band=np.array([0, 1], dtype=np.int32),
            sex=np.zeros(2, dtype=np.int32),
            root=np.array([0, 1], dtype=np.int32),
            setting=np.zeros(2, dtype=np.int32),
            weight=np.ones(2),
        )
        further = np.array([[0.0, 0.0], [1.0, 1.0]])
        order = (bands, further, 10_000_000, births, births)  # so long that there is always room
        first = first_spells(cube, np.array([0.5, 0.5]), *order)
        assert first == pytest.approx([2 / 3, 1 / 3], rel=1e-4)

    def test_ages_find_their_column_of_conditions(self) -> None:
        ages = np.array([0, 18, 19, 44, 45, 64, 65, 74, 75, 84, 85, 104])
        assert condition_group(ages).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
