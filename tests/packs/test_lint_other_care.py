"""The checks of packs that group care other than admitted, on broken copies of those that ship."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from tariff.packs.lint import lint
from tariff.packs.load import shipped_folder
from tariff.packs.read import read_pack

TODAY = date(2026, 12, 1)
HRG = shipped_folder() / "hrg"
CARE = shipped_folder() / "other-care"


def found(
    tmp_path: Path, pack: str, file: str, before: str, after: str, of: Path = HRG
) -> list[str]:
    """The codes of the problems of a pack in which one text is replaced."""
    folder = tmp_path / pack
    shutil.copytree(of / pack, folder)
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    loaded, problems = read_pack(folder)
    assert loaded is not None
    assert not problems
    return [problem.code for problem in lint([loaded], TODAY)]


@pytest.mark.parametrize(
    ("pack", "file", "before", "after", "code"),
    [
        ("emergency-reconstructed", "groups.csv", "2,3,VB05Z,,,\n", "", "PK416"),
        ("emergency-reconstructed", "investigations.csv", "01,2", "1,2", "PK412"),
        ("emergency-reconstructed", "investigations.csv", "01,2", "16310,2", "PK412"),
        ("emergency-reconstructed", "treatments.csv", "01,1-2", "01,2-1", "PK400"),
        ("emergency-reconstructed", "pack.yaml", "no_treatment_as: 1", "no_treatment_as: 0",
         "PK416"),
        ("attendances-reconstructed", "pack.yaml", 'first_attendance: "2"',
         'first_attendance: "1"', "PK202"),
        ("critical-care-reconstructed", "pack.yaml", "days: [renal_days]", "days: [renal]",
         "PK416"),
        ("critical-care-reconstructed", "pack.yaml", 'neonatal_units: ["13"',
         'neonatal_units: ["01"', "PK202"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(
    tmp_path: Path, pack: str, file: str, before: str, after: str, code: str
) -> None:
    assert code in found(tmp_path, pack, file, before, after)


@pytest.mark.parametrize("kind", ["attendances", "emergency", "critical-care"])
def test_the_packs_that_ship_are_sound(kind: str) -> None:
    loaded, problems = read_pack(HRG / f"{kind}-reconstructed")
    assert loaded is not None
    assert not problems
    assert lint([loaded], TODAY) == []


@pytest.mark.parametrize(
    ("file", "before", "after", "code"),
    [
        ("currencies.csv", "CYF1A,other_prices", "CYF1A,other", "PK417"),
        ("maternity_words.csv", "antenatal,twins", "delivery,twins", "PK417"),
        ("maternity_edges.csv", "antenatal,BMI,35,,,49", "antenatal,BMI,50,,,49", "PK400"),
        ("maternity_edges.csv", "antenatal,AGE,,,20,", "antenatal,AGE,,,,", "PK400"),
        ("maternity_edges.csv", "antenatal,AGE,,,20,", "antenatal,AGE,,,20,21", "PK400"),
    ],
)
def test_what_is_wrong_in_a_pack_that_prices(
    tmp_path: Path, file: str, before: str, after: str, code: str
) -> None:
    assert code in found(tmp_path, "2022-23", file, before, after, CARE)


@pytest.mark.parametrize("pack", ["2013-14", "2016-17", "2017-19", "2022-23"])
def test_the_packs_that_price_are_sound(pack: str) -> None:
    loaded, problems = read_pack(CARE / pack)
    assert loaded is not None
    assert not problems
    assert lint([loaded], TODAY) == []
