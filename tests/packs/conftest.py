"""Small packs, written into a folder of the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

MANIFEST = """\
id: {id}
version: "1.0.0"
kind: {kind}
title: A pack of a test
provenance: illustrative
last_checked: 2026-01-01
engine: ">=0.1"
sources: [{{title: Made up}}]
"""

RULE = """\
id: TST01
version: 1.0.0
name: long-stay
title: A long stay
class: deterministic
status: stable
level: high
scope: spell
match:
  spell_days: {at_least: 10}
step: days and units
remedy: {kind: query}
what: The stay appears long.
why: A long stay is rare.
ask: Please evidence the stay.
legitimate_reasons: [The patient was not fit to leave.]
sources: [{title: Made up}]
tests:
  - {name: ten days, finds: 1, spells: [{spell_id: A}]}
  - {name: nine days, finds: 0, spells: [{spell_id: A}]}
"""

WritePack = Callable[..., Path]


@pytest.fixture
def write_pack(tmp_path: Path) -> WritePack:
    """`write_pack(id, kind, more, files, folder)`: a pack folder with its tables and rules."""

    def write(
        pack_id: str = "mine",
        kind: str = "codes",
        more: str = "classification: opcs4\ncodes: codes.csv\n",
        files: dict[str, str] | None = None,
        folder: str = "",
    ) -> Path:
        root = tmp_path / (folder or pack_id)
        root.mkdir(parents=True, exist_ok=True)
        manifest = MANIFEST.format(id=pack_id, kind=kind) + dedent(more)
        (root / "pack.yaml").write_text(manifest, encoding="utf-8")
        for name, text in (files if files is not None else {"codes.csv": "code\nA011\n"}).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return root

    return write
