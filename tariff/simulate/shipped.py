"""What the generator reads: the packs that ship, and its own small weight tables.

Nothing here knows how to group or price; it only says which codes are valid, which root a code
leads to, and which roots a year prices at all, so that the artificial extract can be billed.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

import yaml

from tariff.errors import UsageError

Row = dict[str, str]

FEMALE, MALE, ANY = "2", "1", ""

# Codes that only one sex can have. Prefixes; the longest that matches decides.
DIAGNOSIS_SEX: dict[str, str] = {
    "A34": FEMALE,
    "B260": MALE,
    "B373": FEMALE,
    "C51": FEMALE,
    "C52": FEMALE,
    "C53": FEMALE,
    "C54": FEMALE,
    "C55": FEMALE,
    "C56": FEMALE,
    "C57": FEMALE,
    "C58": FEMALE,
    "C60": MALE,
    "C61": MALE,
    "C62": MALE,
    "C63": MALE,
    "C796": FEMALE,
    "D06": FEMALE,
    "D070": FEMALE,
    "D071": FEMALE,
    "D072": FEMALE,
    "D073": FEMALE,
    "D074": MALE,
    "D075": MALE,
    "D076": MALE,
    "D176": MALE,
    "D25": FEMALE,
    "D26": FEMALE,
    "D27": FEMALE,
    "D28": FEMALE,
    "D29": MALE,
    "D39": FEMALE,
    "D40": MALE,
    "E28": FEMALE,
    "E29": MALE,
    "E894": FEMALE,
    "E895": MALE,
    "F524": MALE,
    "F525": FEMALE,
    "F53": FEMALE,
    "I861": MALE,
    "I863": FEMALE,
    "L291": MALE,
    "L292": FEMALE,
    "M800": FEMALE,
    "M801": FEMALE,
    "M810": FEMALE,
    "M811": FEMALE,
    "M830": FEMALE,
    "N4": MALE,
    "N50": MALE,
    "N51": MALE,
    "N7": FEMALE,
    "N8": FEMALE,
    "N90": FEMALE,
    "N91": FEMALE,
    "N92": FEMALE,
    "N93": FEMALE,
    "N94": FEMALE,
    "N95": FEMALE,
    "N96": FEMALE,
    "N97": FEMALE,
    "N98": FEMALE,
    "N992": FEMALE,
    "N993": FEMALE,
    "O": FEMALE,
    "P546": FEMALE,
    "Q50": FEMALE,
    "Q51": FEMALE,
    "Q52": FEMALE,
    "Q53": MALE,
    "Q54": MALE,
    "Q55": MALE,
    "R86": MALE,
    "R87": FEMALE,
    "S312": MALE,
    "S313": MALE,
    "S314": FEMALE,
    "S374": FEMALE,
    "S375": FEMALE,
    "S376": FEMALE,
    "T192": FEMALE,
    "T193": FEMALE,
    "T833": FEMALE,
    "Z014": FEMALE,
    "Z124": FEMALE,
    "Z125": MALE,
    "Z301": FEMALE,
    "Z303": FEMALE,
    "Z305": FEMALE,
    "Z32": FEMALE,
    "Z33": FEMALE,
    "Z34": FEMALE,
    "Z35": FEMALE,
    "Z36": FEMALE,
    "Z37": FEMALE,
    "Z39": FEMALE,
    "Z437": FEMALE,
    "Z875": FEMALE,
    "Z975": FEMALE,
}
PROCEDURE_SEX: dict[str, str] = {
    "M61": MALE,
    "M62": MALE,
    "M63": MALE,
    "M64": MALE,
    "M65": MALE,
    "M66": MALE,
    "M67": MALE,
    "M68": MALE,
    "M70": MALE,
    "M71": MALE,
    "M51": FEMALE,
    "M52": FEMALE,
    "M53": FEMALE,
    "M54": FEMALE,
    "N": MALE,
    "P": FEMALE,
    "Q": FEMALE,
    "R": FEMALE,
    "Y95": FEMALE,
}


def pack_file(*parts: str) -> Traversable:
    """Return a file or folder of the packs that ship."""
    return resources.files("tariff.rules").joinpath(*parts)


def read_csv(file: Traversable) -> list[Row]:
    """Return the rows of a side table."""
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


@cache
def table(name: str) -> tuple[Row, ...]:
    """Return the rows of one of the generator's own tables."""
    return tuple(read_csv(resources.files("tariff.simulate").joinpath("data", f"{name}.csv")))


def by_prefix(prefixes: dict[str, str], code: str) -> str:
    """Return the value of the longest prefix of a code, blank when there is none."""
    for length in range(len(code), 0, -1):
        if (value := prefixes.get(code[:length])) is not None:
            return value
    return ""


@cache
def diagnosis_sex(code: str) -> str:
    """Return the only sex that can have a diagnosis, blank for any."""
    return by_prefix(DIAGNOSIS_SEX, code)


@cache
def procedure_sex(code: str) -> str:
    """Return the only sex that can have a procedure, blank for any."""
    return by_prefix(PROCEDURE_SEX, code)


class ValidCodes:
    """The valid codes of both classifications, by the rules of docs/grouping.md."""

    def __init__(self) -> None:
        self.diagnoses = {row["code"] for row in read_csv(pack_file("codes/icd10-5/codes.csv"))}
        self.procedures = {row["code"] for row in read_csv(pack_file("codes/opcs4/codes.csv"))}

    def diagnosis(self, code: str) -> bool:
        """Say whether a four-character ICD-10 code is valid."""
        if code in self.diagnoses:
            return len(code) == 4
        category, fourth = code[:3], code[3:]
        if category not in self.diagnoses:
            return False
        return fourth == "X" or ("W00" <= category <= "Y34" and fourth.isdigit())

    def procedure(self, code: str) -> bool:
        """Say whether an OPCS-4 code is valid."""
        return code in self.procedures


@cache
def valid_codes() -> ValidCodes:
    """Return the valid codes, read once."""
    return ValidCodes()


@cache
def _code_rules(codes: str) -> dict[str, tuple[str, ...]]:
    """Return what the pack of a classification says of some of its codes, as prefixes."""
    manifest = yaml.safe_load(pack_file("codes", codes, "pack.yaml").read_text("utf-8"))
    return {
        name: (*manifest[name].get("prefixes", ()), *manifest[name].get("codes", ()))
        for name in ("never_primary", "vague_primary", "vague_burn", "never_dominant",
                     "vague_dominant")
        if name in manifest
    }  # fmt: skip


# Never first, as coded here; the last five are common beside others and rarely a reason to come in.
SELDOM_PRIMARY = ("R69", "T14", "U", "E78", "E55", "R29", "R32", "R54")


@cache
def _not_primary() -> tuple[str, ...]:
    """Return prefixes of diagnoses that may not stand first, and of burns: they ask for an area."""
    rules = _code_rules("icd10-5")
    burns = read_csv(pack_file("hrg/injuries-reconstructed/burn_diagnoses.csv"))
    ruled = (*rules["never_primary"], *rules["vague_primary"], *rules["vague_burn"])
    return (*ruled, *SELDOM_PRIMARY, *(row["code"] for row in burns))


def never_primary(code: str) -> bool:
    """Say whether a diagnosis is never made the first."""
    return code.startswith(_not_primary())


def never_dominant(code: str) -> bool:
    """Say whether a procedure may not drive, or is too vague to."""
    rules = _code_rules("opcs4")
    return code.startswith((*rules["never_dominant"], *rules["vague_dominant"]))


@cache
def _services() -> dict[str, str]:
    rows = read_csv(pack_file("hrg/services-reconstructed/services.csv"))
    return {row["code"]: row["service"] for row in rows}


def service(code: str) -> str:
    """Return the service that has a root of its own on a day of nothing else, blank for none."""
    found = by_prefix(_services(), code)
    return "" if found == "ignored" else found


class RootTable:
    """A table of code prefixes and the roots they lead to; the longest prefix wins."""

    def __init__(self, name: str) -> None:
        rows = read_csv(pack_file(f"hrg/roots-reconstructed/{name}.csv"))
        self.rows = {row["code"]: row for row in rows}

    def find(self, code: str) -> Row | None:
        """Return the row of a code; one without a root is none."""
        for length in range(len(code), 0, -1):
            if (row := self.rows.get(code[:length])) is not None:
                return row if row["root"] else None
        return None

    def root(self, code: str, child: bool) -> str:
        """Return the root of a code for an adult or a child, blank when it has none."""
        row = self.find(code)
        if row is None:
            return ""
        return (row["root_child"] or row["root"]) if child else row["root"]

    def rank(self, code: str) -> int:
        """Return the rank by which a procedure competes, 0 for one that does not drive."""
        row = self.find(code)
        return int(row["rank"]) if row is not None else 0

    def drives(self, code: str) -> bool:
        """Say whether a procedure may drive the grouping."""
        return self.rank(code) > 0


@cache
def root_table(name: str) -> RootTable:
    """Return one of the tables of roots, read once."""
    return RootTable(name)


@dataclass(frozen=True)
class YearFigures:
    """What a tariff year can group and price, by root: 0 day case, 1 elective, 2 non-elective."""

    tariff: str
    roots: frozenset[str]
    priced: frozenset[tuple[str, int]]
    mff: frozenset[str]


def _manifests(folder: str) -> list[dict[str, object]]:
    files = [entry.joinpath("pack.yaml") for entry in pack_file(folder).iterdir()]
    found = [yaml.safe_load(file.read_text("utf-8")) for file in files if file.is_file()]
    return sorted(found, key=lambda manifest: str(manifest["id"]))


def _covers(manifest: dict[str, object], day: date) -> bool:
    applies = manifest.get("applies")
    if not isinstance(applies, dict) or manifest.get("partial"):
        return False
    return bool(applies.get("from", day) <= day <= applies.get("to", day))


def _positive(text: str) -> bool:
    return bool(text) and float(text) > 0


@cache
def year_figures(year: str, first_day: date) -> YearFigures:
    """Return what can be grouped and priced in full in a year.

    Left out are roots with a split whose CC list is not held, and settings in which some HRG of the
    root has no price: an honest bill cannot be made for those.
    """
    tariffs = [pack for pack in _manifests("tariff") if pack.get("year") == year]
    splits = [
        pack
        for pack in _manifests("hrg")
        if pack.get("kind") == "splits" and _covers(pack, first_day)
    ]
    tariffs = [pack for pack in tariffs if not pack.get("partial")]
    if not tariffs or not splits:
        raise UsageError(
            f"No complete price list and HRG design of {year} ships with this version.",
            hint="Choose 2017/18, 2018/19 or 2022/23, or leave the billing out with --unbilled.",
        )
    held = {
        subchapter
        for row in read_csv(pack_file("hrg/cc-2024-25/members.csv"))
        for subchapter in row["subchapters"].split()
    }
    listed = read_csv(pack_file("tariff", str(tariffs[0]["id"]), "prices.csv"))
    prices = {row["hrg"]: row for row in listed}
    usable: dict[str, bool] = {}
    missing: set[tuple[str, int]] = set()
    for row in read_csv(pack_file("hrg", str(splits[0]["id"]), "splits.csv")):
        root, price = row["root"], prices.get(row["hrg"], {})
        by_score = bool(row["cc_min"] or row["cc_max"]) and root[:2] not in held
        usable[root] = usable.get(root, True) and not by_score
        combined = price.get("combined", "")
        wanted = (
            price.get("day_case") or combined,
            price.get("ordinary_elective") or combined,
            price.get("non_elective", ""),
        )
        missing.update((root, i) for i, text in enumerate(wanted) if not _positive(text))
    roots = frozenset(root for root, good in usable.items() if good)
    return YearFigures(
        tariff=str(tariffs[0]["id"]),
        roots=roots,
        priced=frozenset((root, i) for root in roots for i in range(3) if (root, i) not in missing),
        mff=frozenset(
            row["provider"]
            for row in read_csv(pack_file("mff/mff-england/factors.csv"))
            if row["year"] == year
        ),
    )


def weighted(text: str) -> list[tuple[str, float]]:
    """Read `I489:6 I480:2` as codes and weights; a weight left out is 1."""
    found = []
    for part in text.split():
        code, _, weight = part.partition(":")
        found.append((code, float(weight or 1)))
    return found
