"""Packs and layouts that are no use, and codes that YAML would spoil."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.e2e.command import (
    QUICK,
    Row,
    left,
    ran,
    read_rows,
    refused,
    tariff,
    text_file,
    together,
    write_rows,
)

PACK = """\
id: mine
version: "1.0.0"
kind: signatures
title: A pack of a test
provenance: illustrative
last_checked: 2026-01-01
engine: ">=0.1"
sources: [{title: Made up}]
"""
RULE = """\
id: TST01
version: 1.0.0
name: from-elsewhere
title: From elsewhere
class: presumptive
status: stable
level: high
scope: spell
match:
  admission_source: [NO, 07]
step: days and units
remedy: {kind: query}
what: The source appears odd.
why: It is looked at.
ask: Please evidence the source.
legitimate_reasons: [It was one.]
sources: [{title: Made up}]
tests:
  - {name: code NO, finds: 1, spells: [{provider: RXX, spell_id: A, admission_source: NO}]}
  - {name: code 07, finds: 1, spells: [{provider: RXX, spell_id: A, admission_source: 07}]}
  - {name: not 7, finds: 0, spells: [{provider: RXX, spell_id: A, admission_source: 7}]}
  - {name: not false, finds: 0, spells: [{provider: RXX, spell_id: A, admission_source: false}]}
"""


def pack_folder(folder: Path, manifest: str = PACK, rule: str = RULE) -> Path:
    folder.mkdir(parents=True)
    (folder / "pack.yaml").write_text(manifest, encoding="utf-8")
    (folder / "TST01-from-elsewhere.yaml").write_text(rule, encoding="utf-8")
    return folder


def refused_pack(extract: Path, out: Path, pack: Path, *words: str) -> None:
    """Refused alike by the check of packs and by a run that is given it."""
    checked, run = together(["pack", "check", pack], ["check", extract, "-o", out, "--pack", pack])
    for word in words:
        assert word in " ".join(ran(checked, 3).stdout.split()), checked.stdout
    refused(run, 3, *words, hint=False)
    assert left(out) == set()


def test_codes_that_yaml_would_spoil_are_text(tmp_path: Path, few: list[Row], out: Path) -> None:
    pack = pack_folder(tmp_path / "mine")
    assert "0 errors" in ran(tariff("pack", "check", pack)).stderr
    assert "4 passed, 0 failed" in ran(tariff("pack", "test", pack)).stdout
    rows = [dict(row) for row in few]
    for row, code in zip(rows, ("NO", "07", "7", "false"), strict=False):
        row["admission_source"] = code
    path = write_rows(tmp_path / "april.csv", rows)
    ran(tariff("check", path, "-o", out, *QUICK, "--pack", pack, "--select", "TST01"))
    found = {row["spell_ids"] for row in read_rows(out / "findings.csv")}
    assert found == {rows[0]["spell_id"], rows[1]["spell_id"]}


def test_a_duplicate_key_is_named_with_its_place(extract: Path, tmp_path: Path, out: Path) -> None:
    pack = pack_folder(tmp_path / "mine", PACK + "title: Once more\n")
    line = PACK.count("\n") + 1
    refused_pack(extract, out, pack, f"pack.yaml:{line}:1: PK012", "title")


def test_a_misspelt_key_is_named_with_a_hint(extract: Path, tmp_path: Path, out: Path) -> None:
    pack = pack_folder(tmp_path / "mine", rule=RULE.replace("remedy:", "remdy:"))
    line = RULE[: RULE.index("remedy:")].count("\n") + 1
    refused_pack(
        extract,
        out,
        pack,
        f"TST01-from-elsewhere.yaml:{line}:1: PK020",
        "remdy",
        "did you mean 'remedy'?",
    )


def test_all_problems_of_a_pack_are_told_at_once(tmp_path: Path) -> None:
    rule = RULE.replace("level: high", "level: hihg").replace("scope: spell", "scpe: spell")
    rule = rule.replace("ask: Please evidence the source.\n", "")
    told = ran(tariff("pack", "check", pack_folder(tmp_path / "mine", rule=rule)), 3).stdout
    for word in ("hihg", "scpe", "ask"):
        assert word in told
    as_json = ran(tariff("pack", "check", "--format", "json", tmp_path / "mine"), 3).stdout
    assert len(json.loads(as_json)) >= 3


def test_two_packs_of_one_name_are_both_named(extract: Path, tmp_path: Path, out: Path) -> None:
    one, two = pack_folder(tmp_path / "a" / "x"), pack_folder(tmp_path / "a" / "y")
    refused_pack(extract, out, tmp_path / "a", "PK302", "'mine'", str(one), str(two))
    result = tariff("check", extract, "-o", out, "--pack", one, "--pack", two)
    refused(result, 3, "PK302", str(one), str(two))


def test_a_pack_that_is_not_there(extract: Path, tmp_path: Path, out: Path) -> None:
    result = tariff("check", extract, "-o", out, "--pack", tmp_path / "none")
    refused(result, 3, "no pack found", str(tmp_path / "none"))


def bomb(path: Path, start: str) -> Path:
    """A YAML file of 100 MB that takes no room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(start, encoding="utf-8")
    os.truncate(path, 100 << 20)
    return path


def test_a_yaml_bomb_is_refused_before_it_is_read(extract: Path, tmp_path: Path, out: Path) -> None:
    bomb(tmp_path / "large" / "pack.yaml", PACK)
    refused_pack(extract, out, tmp_path / "large", "pack.yaml:1:1: PK002")
    layout = bomb(tmp_path / "layout.yaml", "id: mine\n")
    refused(tariff("check", extract, "-o", out, "--layout", layout), 3, "PK002", hint=False)
    assert "PK002" in ran(tariff("pack", "check", layout), 3).stdout


def test_a_yaml_bomb_of_aliases_and_one_of_depth_are_refused(
    extract: Path, tmp_path: Path, out: Path
) -> None:
    laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    refused_pack(extract, out, pack_folder(tmp_path / "laughs", PACK + laughs), "PK006")
    deep = PACK + "lists: " + "[" * 5000 + "]" * 5000 + "\n"
    refused_pack(extract, out, pack_folder(tmp_path / "deep", deep), "PK009")


def test_a_pack_reaches_no_file_outside_its_folder(
    extract: Path, tmp_path: Path, out: Path
) -> None:
    manifest = PACK.replace("kind: signatures", "kind: codes")
    manifest += "classification: opcs4\ncodes: ../secret.csv\n"
    text_file(tmp_path / "secret.csv", "code\nA011\n")
    pack = pack_folder(tmp_path / "mine", manifest)
    (pack / "TST01-from-elsewhere.yaml").unlink()
    refused_pack(extract, out, pack, "PK026", "../secret.csv")


def test_a_layout_with_mistakes(extract: Path, tmp_path: Path, out: Path) -> None:
    layout = text_file(
        tmp_path / "mine.yaml",
        'id: mine\nversion: "1"\ntitle: Mine\nstatus: complete\ncolums:\n  provider: {column: A}\n',
    )
    result = tariff("check", extract, "-o", out, "--layout", layout)
    refused(result, 3, "mine.yaml:5:1: PK020", "colums", "did you mean 'columns'?")
    assert left(out) == set()
