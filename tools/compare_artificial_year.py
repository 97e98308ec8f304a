"""The artificial year beside published national figures: `python tools/compare_artificial_year.py`.

Makes an honest year, counts it, draws docs/img/year-*.svg and writes the tables of
docs/artificial-year.md between their markers. The published figures are the restated ones of
`tariff/simulate/data/`, so nothing else is needed. The same generator, numpy and matplotlib give
the same bytes; `--png` draws pictures to look at beside the SVG files.

One file, a function a chart: nothing of it serves elsewhere.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import pyarrow as pa

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, MultipleLocator, PercentFormatter

from tariff.simulate import shipped, synthesise
from tariff.simulate.raking import margin

DOCS = Path(__file__).resolve().parent.parent / "docs"
EPISODES, SEED, YEAR = 400_000, 1, "2022/23"
HERE, PUBLISHED, SECOND, GREY = "#0072B2", "#D55E00", "#56B4E9", "#5F6368"
DECADES = ("0–9", "10–19", "20–29", "30–39", "40–49", "50–59", "60–69", "70–79", "80–89", "90+")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CHAPTERS = {
    "A": "Nervous system",
    "B": "Eyes",
    "C": "Mouth, head, neck, ears",
    "D": "Respiratory",
    "E": "Cardiac",
    "F": "Digestive",
    "G": "Liver, biliary, pancreas",
    "H": "Musculoskeletal",
    "J": "Skin, breast, burns",
    "K": "Endocrine, metabolic",
    "L": "Urinary, male genital",
    "M": "Female genital",
    "N": "Maternity",
    "P": "Childhood, neonates",
    "S": "Blood, chemotherapy",
    "U": "Ungroupable",
    "V": "Trauma, rehabilitation",
    "W": "Immune, infection, other",
    "Y": "Vascular, imaging",
}
# What the commonest primary diagnoses are, in short words of our own.
WORDS = {
    "A099": "gastroenteritis",
    "A419": "sepsis",
    "C443": "skin cancer, face",
    "C509": "breast cancer",
    "C679": "bladder cancer",
    "C900": "myeloma",
    "D509": "iron deficiency anaemia",
    "D649": "anaemia",
    "E669": "obesity",
    "G35X": "multiple sclerosis",
    "H251": "cataract, age",
    "H269": "cataract",
    "I209": "angina",
    "I214": "heart attack",
    "I489": "atrial fibrillation",
    "I500": "heart failure",
    "J181": "lobar pneumonia",
    "J189": "pneumonia",
    "J22X": "chest infection",
    "J440": "COPD, infection",
    "J449": "COPD",
    "J459": "asthma",
    "K219": "reflux",
    "K297": "gastritis",
    "K449": "hiatus hernia",
    "K509": "Crohn's disease",
    "K519": "ulcerative colitis",
    "K573": "diverticular disease",
    "K635": "colonic polyp",
    "K649": "haemorrhoids",
    "M545": "low back pain",
    "O342": "scar of the womb",
    "O368": "care of the baby",
    "O701": "tear at delivery",
    "O721": "bleeding after delivery",
    "N179": "acute kidney injury",
    "N390": "urinary infection",
    "N920": "heavy periods",
    "O800": "delivery",
    "R074": "chest pain",
    "R101": "pain, upper abdomen",
    "R104": "abdominal pain",
    "R13X": "trouble swallowing",
    "R194": "change in bowel habit",
    "R31X": "blood in urine",
    "Z380": "newborn",
}

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.object_]


# ------------------------------------------------------------------ counting


@dataclass
class Year:
    """The columns that are compared, one array entry an episode."""

    first: npt.NDArray[np.bool_]  # of its spell
    age: Ints
    woman: npt.NDArray[np.bool_]
    day_case: npt.NDArray[np.bool_]
    planned: npt.NDArray[np.bool_]
    emergency: npt.NDArray[np.bool_]
    nights: Ints
    admitted: npt.NDArray[np.datetime64]
    diagnoses: Ints  # how many
    procedures: Ints
    primary: Words
    hrg: Words  # of the spell, blank where none is billed
    anywhere: dict[str, int]  # episodes with a code in any position

    @property
    def ordinary(self) -> npt.NDArray[np.bool_]:
        """Episodes of ordinary admissions."""
        return ~self.day_case


def count(episodes: int, seed: int) -> Year:
    """Make the year and keep what is compared."""
    parts: dict[str, list[Any]] = {}
    anywhere: dict[str, int] = {}

    def keep(name: str, values: Any) -> None:
        parts.setdefault(name, []).append(values)

    for batch in synthesise(episodes, seed, YEAR):
        spell = _texts(batch, "spell_id")
        first = np.r_[True, spell[1:] != spell[:-1]]
        last = np.r_[spell[1:] != spell[:-1], True]
        size = np.diff(np.r_[np.flatnonzero(first), len(spell)])
        method = _texts(batch, "admission_method")
        keep("first", first)
        keep("age", batch["age"].to_numpy(zero_copy_only=False).astype(np.int64))
        keep("woman", _texts(batch, "sex") == "2")
        keep("day_case", _texts(batch, "patient_classification") == "2")
        keep("planned", np.isin(method, ("11", "12", "13")))
        keep("emergency", np.array([code[0] == "2" for code in method], dtype=np.bool_))
        admitted, left = (
            batch[f"{which}_date"].to_numpy(zero_copy_only=False)
            for which in ("admission", "discharge")
        )
        keep("nights", (left - admitted).astype("timedelta64[D]").astype(np.int64))
        keep("admitted", admitted.astype("datetime64[D]"))
        keep("primary", _texts(batch, "diag_01"))
        keep("hrg", np.repeat(_texts(batch, "billed_hrg")[last], size))
        for family in ("diag", "oper"):
            filled = np.zeros(len(spell), dtype=np.int64)
            for name in batch.schema.names:
                if re.fullmatch(rf"{family}_\d\d", name):
                    filled += batch[name].is_valid().to_numpy(zero_copy_only=False)
                    if family == "diag":
                        _tally(batch[name], anywhere)
            keep("diagnoses" if family == "diag" else "procedures", filled)
    joined = {name: np.concatenate(values) for name, values in parts.items()}
    return Year(**joined, anywhere=anywhere)


def _texts(batch: pa.RecordBatch, name: str) -> Words:
    column = batch[name].cast(pa.string()).fill_null("")
    return np.array(column.to_pylist(), dtype=object)


def _tally(column: pa.Array, into: dict[str, int]) -> None:
    for pair in column.cast(pa.string()).value_counts().to_pylist():
        if pair["values"]:
            into[pair["values"]] = into.get(pair["values"], 0) + pair["counts"]


def decades(year: Year, rows: npt.NDArray[np.bool_]) -> Floats:
    """Return the shares of the rows by decade of age."""
    counts = np.bincount(np.minimum(year.age[rows] // 10, 9), minlength=10)
    shares: Floats = counts / counts.sum()
    return shares


def stay_by_decade(year: Year) -> Floats:
    """Return the mean nights of ordinary spells by decade of age."""
    rows = year.first & year.ordinary
    decade = np.minimum(year.age[rows] // 10, 9)
    nights = np.bincount(decade, weights=year.nights[rows].astype(np.float64), minlength=10)
    mean: Floats = nights / np.bincount(decade, minlength=10)
    return mean


def months(year: Year) -> Floats:
    """Return emergency admissions a day by month, over their mean.

    The last three weeks are left out: who came in then and stayed on is not in the year.
    """
    days = year.admitted[year.first & year.emergency]
    days = days[(days >= np.datetime64("2022-04-01")) & (days <= np.datetime64("2023-03-10"))]
    month = days.astype("datetime64[M]").astype(np.int64) % 12
    seen = np.unique(days)
    length = np.bincount(seen.astype("datetime64[M]").astype(np.int64) % 12, minlength=12)
    daily = np.divide(
        np.bincount(month, minlength=12), length, out=np.full(12, np.nan), where=length > 0
    )
    relative: Floats = daily / np.nanmean(daily)
    return relative


def chapters(year: Year) -> tuple[list[str], Floats, Floats]:
    """Return HRG chapters, shares of episodes here, and published ones; well babies left out."""
    published: dict[str, float] = {}
    for subchapter, share in margin("subchapter").items():
        published[subchapter[0]] = published.get(subchapter[0], 0.0) + share
    rows = year.primary != "Z380"
    letters = np.array([hrg[:1] or "N" for hrg in year.hrg[rows]])
    names = sorted(published, key=lambda letter: -published[letter])
    here = np.array([(letters == name).mean() for name in names])
    return names, here, np.array([published[name] for name in names])


def day_cases(year: Year, least: int = 150) -> tuple[list[str], Floats, Floats, Floats]:
    """Return roots, published day-case shares, those here, and how many episodes are here."""
    rows = {row["root"]: row for row in shipped.table("roots")}
    root = np.array([hrg[:4] for hrg in year.hrg])
    names, which, size = np.unique(root, return_inverse=True, return_counts=True)
    here = np.bincount(which, weights=year.day_case.astype(np.float64)) / size
    keep = [i for i, name in enumerate(names) if name in rows and size[i] >= least]
    published = []
    for i in keep:
        weights = [float(rows[names[i]][key]) for key in ("day_case", "elective", "non_elective")]
        published.append(weights[0] / sum(weights))
    return (
        [str(names[i]) for i in keep],
        np.array(published),
        here[keep],
        size[keep].astype(np.float64),
    )


# ------------------------------------------------------------------ charts


def style() -> None:
    """Plain charts with the same bytes every time."""
    plt.rcdefaults()
    plt.rcParams.update(
        {
            "svg.hashsalt": "tariff",
            "svg.fonttype": "none",
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "axes.titlesize": 11,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "axes.titlepad": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": GREY,
            "axes.axisbelow": True,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "grid.color": "#E3E5E8",
            "grid.linewidth": 0.8,
            "xtick.color": GREY,
            "ytick.color": GREY,
            "xtick.labelcolor": "black",
            "ytick.labelcolor": "black",
            "xtick.major.size": 0,
            "ytick.major.size": 0,
            "legend.frameon": False,
            "legend.fontsize": 9.5,
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
        }
    )


PERCENT = PercentFormatter(1, decimals=0)


def _fives(axis: Any, step: float = 0.05) -> None:
    """Label shares at whole steps, so that no label is rounded."""
    axis.set_major_locator(MultipleLocator(step))
    axis.set_major_formatter(PERCENT)


def _dumbbell(axes: Any, labels: list[str], here: Floats, published: Floats) -> None:
    """Two dots a line, joined: what is here and what is published."""
    at = np.arange(len(labels))[::-1]
    axes.hlines(at, np.minimum(here, published), np.maximum(here, published), color="#B8BCC2", lw=2)
    axes.plot(published, at, "D", color=PUBLISHED, ms=6, label="published")
    axes.plot(here, at, "o", color=HERE, ms=7, label="artificial year")
    axes.set_yticks(at, labels)
    axes.set_ylim(-0.7, len(labels) - 0.3)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    _fives(axes.xaxis, 0.05 if here.max() < 0.3 else 0.1)
    axes.set_xlim(left=0)


def admitted(year: Year) -> Any:
    """Draw the mix of points of delivery."""
    table = point_of_delivery(year)
    figure, axes = plt.subplots(figsize=(7.2, 2.7))
    here = np.array([row[1] for row in table])
    published = np.array([row[2] for row in table])
    _dumbbell(axes, [row[0].capitalize() for row in table], here, published)
    axes.set_title("Spells by how they are admitted")
    axes.set_xlabel("share of spells; published: admission episodes, HES 2024/25")
    axes.legend(loc="lower right")
    return figure


def ages(year: Year) -> Any:
    """Draw ages of ordinary episodes, and the share of women."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.9), width_ratios=(1.35, 1))
    at = np.arange(10)
    whole = decades(year, year.ordinary)
    decade = np.minimum(year.age // 10, 9)
    women = np.array([year.woman[year.ordinary & (decade == i)].mean() for i in at])
    left.bar(at, whole * women, color=HERE, width=0.72, label="artificial year, women")
    left.bar(at, whole * (1 - women), 0.72, bottom=whole * women, color=SECOND, label="… and men")
    published = np.array(list(margin("ordinary age").values()))
    left.plot(at, published, "D", color=PUBLISHED, ms=7, mec="white", label="published, both sexes")
    left.set_xticks(at, DECADES)
    left.set_ylim(0, 0.2)
    _fives(left.yaxis)
    left.set_title("Ordinary episodes by age")
    left.set_xlabel("age; published: HES 2017/18")
    left.legend(loc="upper left", ncols=1)
    share = np.array([year.woman[decade == i].mean() for i in at])
    right.plot(at, share, "o-", color=HERE, label="artificial year, by age")
    women_here, women_there = year.woman.mean(), margin("rate")["women"]
    right.axhline(
        women_there,
        color=PUBLISHED,
        ls="--",
        lw=1.5,
        label=f"published, all ages {women_there:.1%}\n(artificial year {women_here:.1%})",
    )
    right.set_xticks(at, [name.split("–")[0] for name in DECADES])
    right.set_ylim(0.4, 0.8)
    _fives(right.yaxis, 0.1)
    right.set_title("Women's share of all episodes")
    right.set_xlabel("age from; published: HES 2024/25")
    right.legend(loc="upper right")
    return figure


def stays(year: Year) -> Any:
    """Draw the nights of ordinary spells."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.7))
    at = np.arange(10)
    published = np.array(list(margin("stay by age").values()))
    left.plot(at, published, "D--", color=PUBLISHED, label="published")
    left.plot(at, stay_by_decade(year), "o-", color=HERE, label="artificial year")
    left.set_xticks(at, DECADES)
    left.set_ylim(0, 10.5)
    left.set_title("Mean nights by age")
    left.set_xlabel("age; published: HES 2017/18, mental health included")
    left.legend(loc="upper left")
    rows = year.first & year.ordinary
    longest = 14
    shares = np.bincount(np.minimum(year.nights[rows], longest + 1), minlength=longest + 2)
    right.bar(np.arange(longest + 2), shares / rows.sum(), 0.75, color=HERE)
    right.set_xticks([*range(0, longest, 2), longest + 1], [*range(0, longest, 2), "15+"])
    _fives(right.yaxis)
    right.set_title("Ordinary spells by nights")
    right.set_xlabel("nights in the artificial year")
    rate = margin("rate")
    nights = year.nights[rows]
    right.text(
        0.97,
        0.94,
        f"mean {nights.mean():.2f}, median {np.median(nights):.0f}\n"
        f"published {rate['mean stay']:.2f} and {rate['median stay']:.0f} (HES 2024/25)",
        transform=right.transAxes,
        ha="right",
        va="top",
    )
    return figure


def depth(year: Year) -> Any:
    """Draw how many codes an episode has."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.7))
    rate = margin("rate")
    for axes, values, name, most in (
        (left, year.diagnoses, "icd10", 14),
        (right, year.procedures, "opcs4", 6),
    ):
        low = 1 if axes is left else 0
        at = np.arange(low, most + 1)
        for rows, colour, label, move in (
            (year.day_case, SECOND, "day cases", -0.2),
            (year.ordinary, HERE, "ordinary episodes", 0.2),
        ):
            shares = np.bincount(np.minimum(values[rows], most), minlength=most + 1)[low:]
            axes.bar(at + move, shares / rows.sum(), 0.4, color=colour, label=label)
        axes.set_xticks(at)
        _fives(axes.yaxis, 0.05 if axes is left else 0.1)
        mean, published = values.mean(), rate[f"{name} codes an episode"]
        axes.axvline(mean, color="black", lw=1.2, ls=":", label=f"mean here {mean:.2f}")
        axes.axvline(
            published, color=PUBLISHED, lw=1.8, ls="--", label=f"mean published {published:.2f}"
        )
        axes.legend(loc="upper right")
    left.set_title("Diagnosis codes an episode")
    left.set_xlabel("codes; published: codes 2023/24 over episodes 2024/25")
    right.set_title("Procedure codes an episode")
    right.set_xlabel("codes; published: codes 2023/24 over episodes 2024/25")
    return figure


def calendar(year: Year) -> Any:
    """Draw the days of the week and the months."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5))
    weekday = (year.admitted.astype(np.int64) + 3) % 7
    at = np.arange(7)
    kinds = (
        ("day cases", year.first & year.day_case, SECOND, "s-"),
        ("elective", year.first & year.planned & year.ordinary, GREY, "^-"),
        ("emergency", year.first & year.emergency, HERE, "o-"),
    )
    for label, rows, colour, mark in kinds:
        share = np.bincount(weekday[rows], minlength=7) / rows.sum()
        left.plot(at, share, mark, color=colour, label=label)
    left.set_xticks(at, DAYS)
    left.set_ylim(0, 0.28)
    left.yaxis.set_major_formatter(PERCENT)
    left.set_title("Admissions by weekday (judgement)")
    left.set_xlabel("no published figure is held")
    left.legend(loc="lower left")
    order = [*range(3, 12), 0, 1, 2]
    here = months(year)[order]
    published = np.array(list(margin("emergencies by month").values()))[order]
    right.plot(published, "D--", color=PUBLISHED, label="published, admissions from A&E")
    right.plot(here, "o-", color=HERE, label="artificial year, emergencies")
    right.set_xticks(np.arange(12), [MONTHS[i] for i in order])
    right.set_ylim(0.85, 1.15)
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2f}"))
    right.set_title("Emergency admissions a day, over the mean")
    right.set_xlabel("published: monthly A&E figures, 2016 to 2019, trend removed")
    right.legend(loc="lower right")
    return figure


def chapter_shares(year: Year) -> Any:
    """Draw the HRG chapters."""
    names, here, published = chapters(year)
    figure, axes = plt.subplots(figsize=(7.2, 5.6))
    _dumbbell(axes, [f"{CHAPTERS.get(name, '')}  {name}" for name in names], here, published)
    axes.set_title("Episodes by HRG chapter")
    axes.set_xlabel("share of episodes; published: HES 2021/22")
    axes.legend(loc="lower right")
    return figure


def day_case_rates(year: Year) -> Any:
    """Draw the day-case share of each root."""
    names, published, here, size = day_cases(year)
    figure, axes = plt.subplots(figsize=(5.8, 5.4))
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--", zorder=1)
    # Eight sizes, so that the file need not hold a circle for each root.
    step = np.ceil(8 * np.sqrt(size / size.max())).astype(np.int64)
    for number in np.unique(step):
        rows = step == number
        area = (number / 8) ** 2 * 260 + 6
        axes.scatter(published[rows], here[rows], s=area, color=HERE, alpha=0.45, lw=0, zorder=2)
    axes.grid(axis="both")
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.xaxis.set_major_formatter(PERCENT)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_title(f"Day-case share by HRG root ({len(names)} roots)")
    axes.set_xlabel("published, reference costs 2017/18")
    axes.set_ylabel("artificial year")
    axes.text(
        0.97,
        0.05,
        "area: episodes in the artificial year\ndashed: equal shares",
        transform=axes.transAxes,
        ha="right",
        fontsize=9,
    )
    return figure


def primaries(year: Year) -> list[tuple[str, float, float, float]]:
    """Return the commonest primary diagnoses: share first here, anywhere here, anywhere published.

    How often a code stands first is not published by code in what is held.
    """
    codes, counts = np.unique(year.primary, return_counts=True)
    use = {row["code"]: float(row["use"]) for row in shipped.table("diagnosis_use")}
    episodes, whole = len(year.age), margin("count")["episodes"]
    order = np.argsort(-counts, kind="stable")[:20]
    return [
        (
            str(codes[i]),
            counts[i] / episodes,
            year.anywhere[codes[i]] / episodes,
            use.get(codes[i], 0.0) / whole,
        )
        for i in order
    ]


def diagnoses(year: Year) -> Any:
    """Draw the commonest primary diagnoses, and all common codes."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 5.8), width_ratios=(1, 1))
    rows = primaries(year)
    at = np.arange(len(rows))[::-1]
    first, here, published = (np.array([row[i] for row in rows]) for i in (1, 2, 3))
    left.barh(at, first, 0.62, color=SECOND, label="first, artificial year")
    left.plot(here, at, "o", color=HERE, ms=6, label="in any position, artificial year")
    left.plot(published, at, "D", color=PUBLISHED, ms=6, label="in any position, published")
    left.set_yticks(at, [f"{WORDS.get(row[0], '')}  {row[0]}" for row in rows])
    left.set_ylim(-0.7, len(rows) - 0.3)
    left.grid(axis="x")
    left.grid(visible=False, axis="y")
    left.xaxis.set_major_formatter(PERCENT)
    left.set_title("The 20 commonest primary diagnoses")
    left.set_xlabel("share of episodes with the code")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=3)
    use = {row["code"]: float(row["use"]) for row in shipped.table("diagnosis_use")}
    whole, episodes = margin("count")["episodes"], len(year.age)
    common = sorted(code for code, uses in use.items() if uses / whole >= 0.002)
    x = np.array([use[code] / whole for code in common])
    y = np.array([year.anywhere.get(code, 0) / episodes for code in common])
    seen = y > 0
    right.plot([0.002, 0.3], [0.002, 0.3], color=GREY, lw=1, ls="--")
    right.scatter(x[seen], y[seen], s=16, color=HERE, alpha=0.6, lw=0)
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_ylim(1e-4, 0.5)
    for axis in (right.xaxis, right.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g}%"))
    right.grid(axis="both")
    right.set_title("Codes on 0.2% of episodes or more")
    right.set_xlabel("in any position, published: HES 2022/23")
    right.set_ylabel("in any position, artificial year")
    right.text(
        0.97,
        0.04,
        f"{seen.sum()} codes shown; {(~seen).sum()} are never drawn",
        transform=right.transAxes,
        ha="right",
        fontsize=9,
    )
    return figure


CHARTS: dict[str, Callable[[Year], Any]] = {
    "year-settings": admitted,
    "year-age": ages,
    "year-stay": stays,
    "year-depth": depth,
    "year-calendar": calendar,
    "year-chapters": chapter_shares,
    "year-day-case": day_case_rates,
    "year-diagnoses": diagnoses,
}


def draw(year: Year, folder: Path, png: Path | None) -> None:
    """Write every chart."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, chart in CHARTS.items():
        style()
        figure = chart(year)
        target = folder / f"{name}.svg"
        figure.savefig(target, metadata={"Date": None, "Creator": None})
        text = target.read_text("utf-8")
        target.write_text(re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE), "utf-8")
        if png is not None:
            figure.savefig(png / f"{name}.png", dpi=110)
        plt.close(figure)


# ------------------------------------------------------------------ tables


def point_of_delivery(year: Year) -> list[tuple[str, float, float]]:
    """Return the mix of spells here and as published."""
    spells = margin("spells")
    first = year.first
    here = {
        "day case": year.day_case,
        "elective": year.planned & year.ordinary,
        "emergency": year.emergency,
        "other": ~year.planned & ~year.emergency,
    }
    return [(name, rows[first].mean(), spells[name]) for name, rows in here.items()]


def figures(year: Year) -> Iterator[tuple[str, float, float, str, str]]:
    """Yield figure, value here, published value, how it is shown, and the published source."""
    rate, spells = margin("rate"), margin("spells")
    first, ordinary = year.first, year.ordinary
    whole, hes = first.sum(), "HES 2024/25"
    for name, here, published in point_of_delivery(year):
        yield f"spells: {name}", here, published, "%", hes
    yield "episodes a spell", len(first) / whole, rate["episodes a spell"], "2", hes
    spell_rows = first & ordinary
    yield (
        "episodes an ordinary spell",
        ordinary.sum() / spell_rows.sum(),
        rate["episodes an ordinary spell"],
        "2",
        f"{hes}, derived",
    )
    for name, outcome in (("deliveries", "Z37"), ("births", "Z38")):
        codes = sum(n for code, n in year.anywhere.items() if code.startswith(outcome))
        source = "codes 2023/24 over admissions 2024/25, derived"
        yield f"{name} to a hundred spells", codes / whole, spells[name], "%", source
    yield "episodes of women", year.woman.mean(), rate["women"], "%", hes
    yield "episodes at 75 and over", (year.age >= 75).mean(), rate["75 and over"], "%", hes
    seventies = (year.age >= 75) & (year.age < 80)
    yield "episodes at 75 to 79", seventies.mean(), rate["75 to 79"], "%", hes
    by_age = decades(year, ordinary)
    for name, value, published in zip(
        DECADES, by_age, margin("ordinary age").values(), strict=True
    ):
        yield f"ordinary episodes at {name}", value, published, "%", "HES 2017/18"
    nights = year.nights[spell_rows]
    yield "nights of an ordinary spell, mean", nights.mean(), rate["mean stay"], "2", hes
    yield "nights of an ordinary spell, median", np.median(nights), rate["median stay"], "0", hes
    home = (year.nights == 0)[first & year.emergency].mean()
    yield "emergencies home the same day", home, rate["emergencies home the same day"], "%", hes
    for name, value, published in zip(
        DECADES, stay_by_decade(year), margin("stay by age").values(), strict=True
    ):
        yield f"nights at {name}, mean", value, published, "2", "HES 2017/18"
    yield (
        "diagnosis codes an episode",
        year.diagnoses.mean(),
        rate["icd10 codes an episode"],
        "2",
        "codes 2023/24 over episodes 2024/25, derived",
    )
    yield (
        "procedure codes an episode",
        year.procedures.mean(),
        rate["opcs4 codes an episode"],
        "2",
        "codes 2023/24 over episodes 2024/25, derived",
    )
    none = (year.procedures == 0).mean()
    yield "episodes without a procedure", none, rate["without a procedure"], "%", hes
    for name, letters in (("neoplasms", "neoplasms"), ("digestive", "K"), ("pregnancy", "O")):
        chapter = np.array([_block(code) == letters for code in year.primary])
        yield f"spells: primary diagnosis {name}", chapter[first].mean(), rate[name], "%", hes


def _block(code: str) -> str:
    return "neoplasms" if code[0] == "C" or "D00" <= code[:3] <= "D48" else code[0]


def _shown(value: float, form: str) -> str:
    return f"{value:.1%}" if form == "%" else f"{value:.{form}f}"


def headline_table(year: Year) -> str:
    """Return the table of figures."""
    lines = [
        "| figure | here | published | difference | published source |",
        "|---|--:|--:|--:|---|",
    ]
    for name, here, published, form, source in figures(year):
        apart = here - published
        text = f"{apart * 100:+.1f} points" if form == "%" else f"{apart:+.{form}f}"
        lines.append(
            f"| {name} | {_shown(here, form)} | {_shown(published, form)} | {text} | {source} |"
        )
    return "\n".join(lines)


def chapter_table(year: Year) -> str:
    """Return the table of HRG chapters."""
    lines = ["| HRG chapter | here | published 2021/22 | difference |", "|---|--:|--:|--:|"]
    for name, here, published in zip(*chapters(year), strict=True):
        lines.append(
            f"| {name} {CHAPTERS.get(name, '')} | {here:.1%} | {published:.1%} "
            f"| {(here - published) * 100:+.1f} points |"
        )
    return "\n".join(lines)


def summary(year: Year) -> str:
    """Return what the page says of the scatter charts."""
    _, published, here, size = day_cases(year)
    together = np.corrcoef(published, here)[0, 1]
    apart = np.average(here - published, weights=size)
    return (
        f"Over {len(size)} roots with 150 episodes or more the correlation is {together:.3f}; "
        f"weighted by episodes, the share here lies {apart * 100:.1f} points above the published "
        "one: the share of day cases among all spells is held to 2024/25, the shares of roots are "
        "of 2017/18, and they cannot both be met."
    )


def diagnosis_table(year: Year) -> str:
    """Return the table of the commonest primary diagnoses."""
    lines = [
        "| code | what it is | first, here | anywhere, here | anywhere, published 2022/23 |",
        "|---|---|--:|--:|--:|",
    ]
    for code, first, here, published in primaries(year):
        lines.append(
            f"| {code} | {WORDS.get(code, '')} | {first:.2%} | {here:.2%} | {published:.2%} |"
        )
    return "\n".join(lines)


TABLES: dict[str, Callable[[Year], str]] = {
    "figures": headline_table,
    "chapters": chapter_table,
    "day-case": summary,
    "diagnoses": diagnosis_table,
}


def write_tables(year: Year, page: Path) -> None:
    """Put the tables between their markers."""
    text = page.read_text("utf-8")
    for name, table in TABLES.items():
        pattern = rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)"
        made = table(year)
        found = len(re.findall(pattern, text, flags=re.DOTALL))
        text = re.sub(pattern, rf"\g<1>{made}\n\g<2>", text, flags=re.DOTALL)
        if found != 1:
            raise SystemExit(f"{page} has no place for {name}")
    page.write_text(text, "utf-8")


def main() -> int:
    """Count the year, draw it and write it down."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--episodes", type=int, default=EPISODES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--docs", type=Path, default=DOCS, help="where the page lies")
    parser.add_argument("--png", type=Path, help="a folder for pictures to look at")
    given = parser.parse_args()
    year = count(given.episodes, given.seed)
    draw(year, given.docs / "img", given.png)
    write_tables(year, given.docs / "artificial-year.md")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
