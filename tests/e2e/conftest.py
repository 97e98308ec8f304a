"""Runs that several tests look at: made once, never changed."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import command
from tests.e2e.command import COMMAND, FEW, Result, Row, ran, read_rows, tariff, write_rows

EPISODES = 800


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    """Some of the tests are of the command that pip installed beside this Python."""
    assert COMMAND.is_file(), f"{COMMAND} is not there: install the package (pip install -e .)"


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artificial extract, honestly billed; maternity, which has no price, left out."""
    path = tmp_path_factory.mktemp("honest") / "april.csv"
    ran(tariff("data", "synth", "-o", path, "--episodes", EPISODES + 100, "--seed", 3,
               "--month", "2022-09", "--providers", 3))  # fmt: skip
    given = read_rows(path)
    billed = {(r["provider"], r["spell_id"]) for r in given if r["billed_total"]}
    kept = [r for r in given if (r["provider"], r["spell_id"]) in billed]
    counts = Counter((r["provider"], r["spell_id"]) for r in kept)
    spare = [i for i, r in enumerate(kept) if counts[r["provider"], r["spell_id"]] == 1]
    left_out = set(spare[: len(kept) - EPISODES])
    return write_rows(path, [r for i, r in enumerate(kept) if i not in left_out])


@pytest.fixture(scope="session")
def rows(honest: Path) -> list[Row]:
    """The rows of the artificial extract. Copy one before it is changed."""
    return read_rows(honest)


@pytest.fixture(scope="session")
def singles(rows: list[Row]) -> list[Row]:
    """Rows that are a spell alone, paid more than nothing."""
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row["provider"], row["spell_id"]
        counts[key] = counts.get(key, 0) + 1
    return [row for row in rows if counts[row["provider"], row["spell_id"]] == 1]


@pytest.fixture(scope="session")
def few(singles: list[Row]) -> list[Row]:
    """A few rows, each a spell of its own; six of them stays of more than a night."""
    long = [row for row in singles if int(row["episode_duration"]) > 1][:6]
    short = [row for row in singles if int(row["episode_duration"]) <= 1]
    return [dict(row) for row in [*long, *short][:FEW]]


@pytest.fixture
def extract(few: list[Row], tmp_path: Path) -> Path:
    return write_rows(tmp_path / "april.csv", few)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def dearer(row: Row, pounds: int) -> Row:
    """The row billed at another price, with its market forces factor."""
    price = Decimal(row["billed_price"]) + pounds
    total = (price * Decimal(row["billed_mff"])).quantize(Decimal("0.01"))
    return row | {"billed_price": str(price), "billed_total": str(total)}


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory, rows: list[Row], singles: list[Row]) -> Path:
    """The same extract with five faults.

    An exact copy, a spell under a second id, a price too high, one too low, a wrong factor.
    """
    elective = [row for row in singles if row["admission_method"] == "11"]
    copied, renamed, high, low, factor = elective[:5]
    total = (Decimal(factor["billed_price"]) * 2).quantize(Decimal("0.01"))
    changed = {
        high["spell_id"]: dearer(high, 100),
        low["spell_id"]: dearer(low, -50),
        factor["spell_id"]: factor | {"billed_mff": "2", "billed_total": str(total)},
    }
    out = [changed.get(row["spell_id"], row) for row in rows]
    out += [copied, renamed | {"spell_id": "S999999001"}]
    return write_rows(tmp_path_factory.mktemp("faulty") / "faulty.csv", out)


class Checked:
    """A folder that `tariff check` left, and what the command printed."""

    def __init__(self, source: Path, folder: Path, result: Result) -> None:
        self.source = source
        self.folder = folder
        self.result = result

    def manifest(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text("utf-8"))
        return read

    def findings(self) -> list[Row]:
        return read_rows(self.folder / "findings.csv")


@pytest.fixture(scope="session")
def checked(tmp_path_factory: pytest.TempPathFactory, faulty: Path) -> Checked:
    """The check of the faulty extract, just as a newcomer types it."""
    folder = tmp_path_factory.mktemp("checked") / "out"
    return Checked(faulty, folder, ran(command.installed("check", faulty, "-o", folder)))


@pytest.fixture(scope="session")
def priced(tmp_path_factory: pytest.TempPathFactory, honest: Path) -> Checked:
    """The honest extract, priced and no more."""
    folder = tmp_path_factory.mktemp("priced") / "out"
    return Checked(honest, folder, ran(command.installed("price", honest, "-o", folder)))


def obey_permissions() -> None:
    """Take from this process, which is root's, the right to pass over file permissions."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if libc.prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP, for what is executed next
            raise OSError(ctypes.get_errno(), "prctl")


@pytest.fixture
def permissions(tmp_path: Path) -> dict[str, Any]:
    """Options of `installed()` under which file permissions count, also for root."""
    if not hasattr(os, "geteuid"):
        pytest.skip("file permissions as on POSIX are needed")
    options: dict[str, Any] = {} if os.geteuid() else {"preexec_fn": obey_permissions}
    locked = tmp_path / "locked"
    locked.touch(mode=0)
    try:
        seen = subprocess.run(["cat", str(locked)], capture_output=True, **options).returncode == 0
    except (OSError, subprocess.SubprocessError):
        seen = True
    locked.unlink()
    if seen:
        pytest.skip("root reads every file here")
    return options
