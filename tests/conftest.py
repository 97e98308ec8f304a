"""Fixtures and the summary line shared by all tests."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = "TARIFF_REFERENCE_DATA"
_counts = {"used": 0, "skipped": 0}

# Packs, extracts and spells that the tests share are millions of objects that stay; to search them
# for cycles again and again took a tenth of the time.
gc.set_threshold(100_000, 50, 100)


def reference_folder() -> Path:
    """Where the reference data is looked for."""
    given = os.environ.get(ENVIRONMENT)
    return Path(given) if given else ROOT.parent / "shared" / "data"


@pytest.fixture
def reference_data(request: pytest.FixtureRequest) -> Path:
    """The folder of the reference data; the test is skipped where it is absent."""
    if request.node.get_closest_marker("reference_data") is None:
        pytest.fail("a test that uses reference_data is marked @pytest.mark.reference_data")
    folder = reference_folder()
    if not folder.is_dir():
        _counts["skipped"] += 1
        pytest.skip(f"no reference data at {folder} (set {ENVIRONMENT})")
    _counts["used"] += 1
    return folder


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many tests the reference data served."""
    if any(_counts.values()):
        terminalreporter.write_line(
            f"reference data: {_counts['used']} tests used it, "
            f"{_counts['skipped']} skipped for want of it"
        )
