"""The examples of docs/explain.md are what the command prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import DEMO, Explain

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explain.md"
EXAMPLE = re.compile(r"```\n\$ tariff explain ([^\n]+)\n(.*?)\n```", re.DOTALL)
EXAMPLES = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("words", "shown"), EXAMPLES, ids=[words for words, _ in EXAMPLES])
def test_an_example_is_what_is_printed(explain: Explain, words: str, shown: str) -> None:
    what, *files = words.split()
    page = explain(what, *(str(DEMO) for _ in files))
    place = 0
    for part in shown.split("...\n") if "...\n" in shown else [shown]:
        text = part.strip("\n").removesuffix("...").rstrip("\n")
        found = page.find(text, place)
        assert found >= 0, text
        place = found + len(text)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5
