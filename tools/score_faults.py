"""Makes the table of scores in docs/planted-faults.md.

`python tools/score_faults.py [--episodes N] [--faults N] [--seed N] [--keep DIR]` makes a year of
all datasets with faults and near misses of every rule that can be planted, checks it with every
rule, register and snapshot, scores the findings, and writes the table between its markers.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tariff.cli.main import run as run_command
from tariff.simulate.faults import FAULT, NEAR_MISS, care_planters, care_rules, every_rule
from tariff.simulate.score import NOT_RUN, RuleScore, score_files

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "planted-faults.md"
RULES = ROOT / "rules" / "signatures"
SNAPSHOTS = ("national", "earlier")


def called(*words: str) -> str:
    """Run a command of the programme; return what it prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = run_command(list(words))
    if code:
        raise SystemExit(f"tariff {' '.join(words[:2])} ended with {code}")
    return said.getvalue()


def shipped() -> dict[str, tuple[str, str]]:
    """Return class and status of the rules that ship, by id."""
    found = {}
    for path in sorted(RULES.glob("*/*.yaml")):
        text = path.read_text("utf-8")
        word = {name: re.search(rf"^{name}: (\w+)", text, re.M) for name in ("class", "status")}
        kind, status = (match[1] if match else "" for match in word.values())
        found[path.name.split("-")[0]] = kind, status
    return found


def scored(folder: Path, episodes: int, faults: int, seed: int) -> tuple[str, list[RuleScore]]:
    """Synthesise, check and score; return what was planted in words, and the scores."""
    wanted = ",".join(f"{rule}={faults}" for rule in every_rule())
    year, run = folder / "year", folder / "run"
    said = called(
        *("data", "synth", "-o", str(year), "--episodes", str(episodes), "--seed", str(seed)),
        *("--datasets", "all", "--plant", wanted, "--near-misses"),
    )
    beside = [
        word
        for path in sorted((year / "registers").glob("*.csv"))
        for word in ("--register", f"{path.stem}={path}")
    ]
    beside += [
        word
        for name in SNAPSHOTS
        for path in sorted((year / name).glob("*.parquet"))
        for word in ("--against", f"{name}={path}")
    ]
    called(
        *("check", *map(str, sorted(year.glob("*.parquet"))), *beside),
        *("--select", ",".join(shipped()), "--level", "low", "--only", "findings"),
        *("-o", str(run)),
    )
    return said, score_files(run, folder / "year.key.csv")


def table(scores: Sequence[RuleScore]) -> str:
    """Return the scores as a table of the page: rules with something planted, then the others."""
    rules = shipped()
    lines = [
        "| rule | class | planted | found | recall | false | precision | near misses | hit "
        "| by-products | asked | to the penny |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for one in scores:
        if not one.planted:
            continue
        kind, _ = rules.get(one.rule, ("does not ship", ""))
        ran = one.ran != NOT_RUN
        cells = (
            *(one.rule, kind, one.planted, one.found if ran else "not run", _share(one.recall)),
            *(one.false if ran else "", _share(one.precision), one.near_misses),
            *(one.near_misses_hit, one.by_product, one.asked, one.exact),
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    others = [one for one in scores if not one.planted and one.findings]
    if others:
        found = ", ".join(f"{one.rule} {one.false + one.by_product:,}" for one in others)
        lines += ["", f"Nothing is planted for these; findings in the honest rows: {found}."]
    return "\n".join(lines)


def ways() -> str:
    """Return the table of faults and near misses outside of admitted care."""
    lines = ["| rule | faults | near misses |", "|---|---|---|"]
    for rule in care_rules():
        cells = [
            "; ".join(dict.fromkeys(way.says for way in care_planters(kind, rule)))
            for kind in (FAULT, NEAR_MISS)
        ]
        lines.append(f"| {rule} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def between(page: str, name: str, text: str) -> str:
    """Return a page with another text between the markers of a name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, rest = page.split(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def main(argv: Sequence[str]) -> int:
    """Write the table into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=20_000)
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="an empty folder for the year and the run")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        said, scores = scored(folder, given.episodes, given.faults, given.seed)
    sys.stdout.write(said[said.index("planted ") :])
    words = (
        f"{given.episodes:,} episodes and everything else of their year, {given.faults} faults of "
        f"each rule and as many near misses, seed {given.seed}:"
    )
    page = between(PAGE.read_text("utf-8"), "scores", f"{words}\n\n{table(scores)}")
    PAGE.write_text(between(page, "other faults", ways()), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
