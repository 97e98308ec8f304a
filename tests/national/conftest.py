"""Extracts shared with the tests of the command."""

from __future__ import annotations

from tests.e2e.conftest import extract, few, honest, installed, out, rows, singles

__all__ = ["extract", "few", "honest", "installed", "out", "rows", "singles"]
