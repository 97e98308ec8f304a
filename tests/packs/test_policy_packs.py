"""Packs of policies between spells: those that ship, and mistakes in copies of them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from tariff.packs.lint import lint
from tariff.packs.load import shipped_folder
from tariff.packs.local_policies import LocalPolicies
from tariff.packs.nodes import decode_text
from tariff.packs.policy_model import MarginalRatePack, ReadmissionsPack
from tariff.packs.read import read_pack

FOLDER = shipped_folder() / "policies"


@pytest.mark.parametrize("name", ["readmissions", "marginal-rate"])
def test_the_shipped_packs_lint_clean(name: str) -> None:
    pack, problems = read_pack(FOLDER / name)
    assert pack is not None
    assert not problems
    assert lint([pack], date(2026, 12, 1)) == []


@pytest.mark.parametrize(
    ("pack", "before", "after", "says"),
    [
        ("readmissions", "from: 2011-04-01", "from: 2011-03-31", "overlaps what goes before"),
        ("readmissions", "to: 2012-03-31", "to: 2010-03-31", "the end is before the beginning"),
        ("readmissions", "days: 14", "days: -1", "-1 days: a number that is not below 0"),
        ("readmissions", "name: transplant", "name: cancer", "'cancer' is given twice"),
        ("readmissions", "age_below: 4", "", "a test names at least one thing"),
        ("readmissions", "[no_national_price,", "[no_price,", "'no_price' is not among no_year"),
        ("readmissions", "elective: not_paid", "elective: free", "expected one of not_paid"),
        ("marginal-rate", "rate: 0.5", "rate: 1.5", "rate 1.5 is out of range"),
        ("marginal-rate", "rate: 0.5", "rate: -0.1", "rate -0.1 is out of range"),
        ("marginal-rate", "from: 2016-04-01", "from: 2016-05-01", "no whole tariff years"),
        ("marginal-rate", "to: 2015-03-31", "to: 2016-03-31", "overlaps what goes before"),
        ("marginal-rate", "offer: default", "offer: enhanced", "overlaps what goes before"),
        ("marginal-rate", "name: transfer", "name: maternity", "'maternity' is given twice"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_pack_is_named_with_its_place(
    pack: str, before: str, after: str, says: str
) -> None:
    text = (FOLDER / pack / "pack.yaml").read_text(encoding="utf-8")
    assert before in text
    model = ReadmissionsPack if pack == "readmissions" else MarginalRatePack
    found = decode_text(text.replace(before, after, 1), model, Path("pack.yaml"))
    assert found.value is None
    assert says in "\n".join(map(str, found.problems))


def test_the_local_file_of_the_docs_is_one() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "policies.md"
    (block,) = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    decoded = decode_text(block, LocalPolicies)
    assert decoded.problems == []
    assert decoded.value is not None
    assert len(decoded.value.readmissions.terms) == 3


def test_every_mark_of_evidence_is_data() -> None:
    """A rule that no source confirms is a switch that says so."""
    rules = read_pack(FOLDER / "readmissions")[0]
    rates = read_pack(FOLDER / "marginal-rate")[0]
    assert rules is not None
    assert rates is not None
    assert isinstance(rules.manifest, ReadmissionsPack)
    assert isinstance(rates.manifest, MarginalRatePack)
    assert {item.name for item in rules.manifest.exclusions if item.evidence == "K"} == {
        "index_died"
    }
    assert {rate.offer for rate in rates.manifest.rates if rate.evidence == "K"} == {
        "enhanced", "default",
    }  # fmt: skip
    assert rates.manifest.scope_evidence == "K"
    assert all(item.applied for item in rules.manifest.exclusions)
