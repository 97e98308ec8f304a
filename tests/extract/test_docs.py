"""The pages made from the code are those that stand in the repository."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from tariff.extract.fields import EPISODES, field_of, in_order, members
from tariff.extract.layout import Layout
from tariff.packs.nodes import decode_text

ROOT = Path(__file__).resolve().parents[2]


def test_fields_page_is_current() -> None:
    spec = importlib.util.spec_from_file_location("build_docs", ROOT / "tools" / "build_docs.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    page = (ROOT / "docs" / "fields.md").read_text(encoding="utf-8")
    assert page == tool.fields_page(), "run python tools/build_docs.py"


def test_every_layout_shown_in_the_docs_is_one() -> None:
    page = (ROOT / "docs" / "layouts.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert blocks
    for block in blocks:
        if block.startswith("id:"):
            decoded = decode_text(block, Layout)
            assert decoded.problems == []


def test_families_and_their_members() -> None:
    first = field_of("diag_01")
    assert field_of("diag_99") is first
    assert field_of("diag_00") is field_of("diag_100") is field_of("ward_02") is None
    assert members("oper_date")[-1] == "oper_date_99"
    assert in_order({"oper_02", "diag_10", "age", "diag_02"}) == [
        "age", "diag_02", "diag_10", "oper_02"
    ]  # fmt: skip
    assert len({field.name for field in EPISODES}) == len(EPISODES)
