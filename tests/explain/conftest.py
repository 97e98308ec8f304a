"""Shared by the tests of `tariff explain`: compiled packs, the demo, and tiny extracts."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tariff.cli import main
from tariff.engine.run import Options, Run, check
from tariff.explain.trace import Books
from tariff.extract import open_extract
from tariff.packs.compile import Rulebook, rulebook_of
from tariff.packs.load import load_packs

DEMO = Path(str(files("tariff.simulate"))) / "data" / "demo-apc-2022-09.csv"

# A valid emergency admission of an adult with pneumonia: five days at Barts in 2022/23.
EPISODE = {
    "provider": "R1H",
    "spell_id": "S1",
    "patient_id": "SECRET77",
    "episode_order": 1,
    "age": 60,
    "sex": "1",
    "patient_classification": "1",
    "admission_source": "19",
    "admission_method": "21",
    "admission_date": "2022-05-01",
    "discharge_date": "2022-05-06",
    "discharge_destination": "19",
    "discharge_method": "1",
    "episode_duration": 5,
    "main_specialty": "300",
    "treatment_function": "300",
    "neonatal_care": "8",
    "diag_01": "J181",
}
# Of a spell without dates, whose year is given.
UNDATED = {"admission_date": "", "discharge_date": ""}


def run(arguments: list[str]) -> int:
    """Run a command in this process; give its exit code."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.filterwarnings("ignore", "'protected_args'", DeprecationWarning)  # of click
        patch.setattr("sys.argv", ["tariff", *arguments])
        patch.setattr("tariff.explain.trace.Books", _books)
        return main.run(arguments)


@cache
def _shipped_books() -> Books:
    return Books(rulebook_of(load_packs()))


def _books(rulebook: Rulebook) -> Books:
    """The books of a rulebook; those of the packs that ship are read once."""
    kept = _shipped_books()
    return kept if rulebook is kept.rulebook else Books(rulebook)


Explain = Callable[..., str]


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return rulebook_of(load_packs())


@pytest.fixture(scope="session")
def books(rulebook: Rulebook) -> Books:
    return _books(rulebook)


@pytest.fixture(scope="session")
def demo(rulebook: Rulebook) -> Run:
    return check(open_extract([DEMO]), Options(), rulebook=rulebook, keep=True)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write episodes as a canonical file; what a row does not say is as in EPISODE."""
    full = [EPISODE | row for row in rows]
    names = list(dict.fromkeys(name for row in full for name in row))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(full)
    return path


@pytest.fixture
def explain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Explain:
    """`explain(word, *options, rows=[...])`: what the command prints, run to the end."""

    def call(word: str, *options: str, rows: list[dict[str, Any]] | None = None) -> str:
        named = [] if rows is None else [str(write(tmp_path / "extract.csv", rows))]
        code = run(["explain", word, *named, *options])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        assert max(len(line) for line in printed.out.splitlines()) <= 100
        assert all(line == line.rstrip() for line in printed.out.splitlines())
        return printed.out

    return call


Fails = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Fails:
    """`refused(word, *options, rows=[...])`: the message of a user's mistake (exit 2)."""

    def call(word: str, *options: str, rows: list[dict[str, Any]] | None = None) -> str:
        named = [] if rows is None else [str(write(tmp_path / "extract.csv", rows))]
        code = run(["explain", word, *named, *options])
        printed = capsys.readouterr()
        assert code == 2
        assert not printed.out
        return printed.err

    return call


def section(page: str, title: str) -> str:
    """The text of a section of a page, without its heading."""
    lines = page.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(title.upper()))
    body = lines[start + 1 :]
    end = next((i for i, line in enumerate(body) if line and line[0] != " "), len(body))
    return "\n".join(body[:end]).rstrip()


def squeezed(text: str) -> str:
    """Text with every run of blanks as one, so that the widths of columns do not matter."""
    return " ".join(text.split())
