"""Findings against the key of a planted extract: recall, precision and value, rule by rule.

A finding is right when it names a record in which a fault of its rule was planted. Where the fault
is another rule's and the key says that this rule lawfully meets the same rows (`also`), or a record
compared with them, it is neither right nor false: a by-product. Every other finding is false.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from tariff.errors import DataError, UsageError
from tariff.simulate.faults.key import read_key
from tariff.simulate.faults.model import NEAR_MISS, Planted

FILES = ("findings.parquet", "findings.csv")
MANIFEST = "manifest.json"
RAN, NOT_RUN, UNKNOWN = "ran", "not run", "not known"
NEEDED = ("rule", "records", "value_pence")
PARTNER = "partner"  # findings of earlier versions do not have it


@dataclass(frozen=True)
class Finding:
    """What of a finding is compared with the key."""

    rule: str
    records: tuple[str, ...]
    value_pence: int | None
    partner: str = ""  # the record it was compared with


@dataclass
class RuleScore:
    """How one rule did. Values in pence; shares are missing where there is nothing to divide by."""

    rule: str
    ran: str = UNKNOWN
    why: str = ""  # why it did not run
    planted: int = 0
    found: int = 0
    findings: int = 0
    right: int = 0
    by_product: int = 0
    false: int = 0
    near_misses: int = 0
    near_misses_hit: int = 0
    value_planted: int = 0  # of all that was planted
    asked: int = 0  # faults found by questions only, which claim no value
    value_of_found: int = 0  # of what was planted, found and claimed
    value_found: int = 0  # by the findings that are right
    exact: int = 0  # faults found and valued to the penny

    @property
    def recall(self) -> float | None:
        """Return the share of the planted faults that were found."""
        return self.found / self.planted if self.planted and self.ran != NOT_RUN else None

    @property
    def precision(self) -> float | None:
        """Return the share of right findings among those that are right or false."""
        judged = self.right + self.false
        return self.right / judged if judged else None

    @property
    def value_error(self) -> int:
        """Return by how much the findings that are right differ from what was planted there."""
        return self.value_found - self.value_of_found

    def row(self) -> dict[str, Any]:
        """Return everything as a row."""
        own = asdict(self)
        ends = {name: own.pop(name) for name in ("value_planted", "value_of_found", "value_found")}
        exact = own.pop("exact")
        shares = {"recall": self.recall, "precision": self.precision}
        return {**own, **shares, **ends, "value_error": self.value_error, "exact": exact}


def score(
    findings: Iterable[Finding],
    key: Sequence[Planted],
    rules: Mapping[str, tuple[bool, str]] | None = None,
) -> list[RuleScore]:
    """Score findings against a key.

    `rules` says of each rule of the run whether it ran, and why not; a rule that is not in it did
    not run. Without it, nothing is known of a rule that has no finding.
    """
    scores: dict[str, RuleScore] = {}
    planted_in: dict[tuple[str, str], list[int]] = defaultdict(list)
    also_in: set[tuple[str, str]] = set()
    near: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, line in enumerate(key):
        one = scores.setdefault(line.rule, RuleScore(line.rule))
        if line.kind == NEAR_MISS:
            one.near_misses += 1
        else:
            one.planted += 1
            one.value_planted += line.value_pence
        for record in line.records:
            if line.kind == NEAR_MISS:
                near[line.rule, record].append(number)
            else:
                planted_in[line.rule, record].append(number)
            also_in.update((rule, record) for rule in line.also)
    valued: dict[int, int | None] = {}  # None: asked, not claimed
    hit: set[int] = set()
    for finding in findings:
        one = scores.setdefault(finding.rule, RuleScore(finding.rule))
        one.findings += 1
        at = [(finding.rule, record) for record in finding.records]
        faults = sorted({number for place in at for number in planted_in.get(place, ())})
        hit.update(number for place in at for number in near.get(place, ()))
        if faults:
            one.right += 1
            value = finding.value_pence
            one.value_found += value or 0
            for number in faults:  # one finding may answer several faults: the first has the value
                valued[number] = _add(valued.get(number), value)
                value = None if value is None else 0
        elif any(place in also_in for place in (*at, (finding.rule, finding.partner))):
            one.by_product += 1
        else:
            one.false += 1
    for number in valued:
        one, line = scores[key[number].rule], key[number]
        one.found += 1
        if valued[number] is None:
            one.asked += 1
        else:
            one.value_of_found += line.value_pence
            one.exact += valued[number] == line.value_pence
    for number in hit:
        scores[key[number].rule].near_misses_hit += 1
    for one in scores.values():
        one.ran, one.why = _ran(one, rules)
    return [scores[rule] for rule in sorted(scores)]


def _add(one: int | None, other: int | None) -> int | None:
    return one if other is None else (one or 0) + other


def _ran(one: RuleScore, rules: Mapping[str, tuple[bool, str]] | None) -> tuple[str, str]:
    if rules is None:
        return (RAN, "") if one.findings else (UNKNOWN, "no manifest beside the findings")
    if one.rule not in rules:
        return NOT_RUN, "not among the rules of the run"
    ran, why = rules[one.rule]
    return (RAN, "") if ran else (NOT_RUN, why)


# ---------------------------------------------------------------- reading


def score_files(findings: Path, key: Path) -> list[RuleScore]:
    """Score the findings of a file, or of the folder of a run, against a key."""
    file = findings_file(findings)
    return score(read_findings(file), read_key(key), read_rules(file.with_name(MANIFEST)))


def findings_file(path: Path) -> Path:
    """Return the file of findings: the path itself, or the one in the folder of a run."""
    if path.is_dir():
        for name in FILES:
            if (path / name).is_file():
                return path / name
        raise UsageError(
            f"{path} has no findings in it.", hint="Give the folder that `tariff check -o` wrote."
        )
    if not path.is_file():
        raise UsageError(f"{path} does not exist.", hint="Give findings.csv, or the run's folder.")
    return path


def read_findings(path: Path) -> list[Finding]:
    """Read findings.csv or findings.parquet."""
    try:
        if path.suffix.lower() == ".parquet":
            names = pq.read_schema(path).names
            table = pq.read_table(path, columns=[*NEEDED, *(n for n in (PARTNER,) if n in names)])
        else:
            types = {name: pa.string() for name in (*NEEDED, PARTNER)} | {"value_pence": pa.int64()}
            convert = pacsv.ConvertOptions(column_types=types)
            table = pacsv.read_csv(
                path, parse_options=pacsv.ParseOptions(newlines_in_values=True),
                convert_options=convert,
            )  # fmt: skip
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DataError(
            f"{path} cannot be read as findings: {error}",
            hint=f"It needs the columns {', '.join(NEEDED)}.",
        ) from error
    if missing := [name for name in NEEDED if name not in table.column_names]:
        raise DataError(
            f"{path} cannot be read as findings: it has no column {missing[0]}",
            hint=f"It needs the columns {', '.join(NEEDED)}.",
        )
    records = table["records"]
    if not pa.types.is_list(records.type):
        records = pc.split_pattern(records, " ")
    columns = (table["rule"].to_pylist(), records.to_pylist(), table["value_pence"].to_pylist())
    there = PARTNER in table.column_names
    partners = table[PARTNER].to_pylist() if there else [None] * table.num_rows
    return [
        Finding(rule, tuple(names or ()), value, partner or "")
        for rule, names, value, partner in zip(*columns, partners, strict=True)
    ]


def read_rules(manifest: Path) -> dict[str, tuple[bool, str]] | None:
    """Read from a manifest which rules ran; nothing where there is none."""
    if not manifest.is_file():
        return None
    try:
        rules = json.loads(manifest.read_text("utf-8"))["rules"]
        return {str(one["id"]): (bool(one["ran"]), str(one["not_run"] or "")) for one in rules}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{manifest} cannot be read: {error!r}", hint="Run the check again, or move it away."
        ) from error


# ---------------------------------------------------------------- writing


def as_json(scores: Sequence[RuleScore]) -> str:
    """Return the scores as JSON."""
    return json.dumps({"rules": [one.row() for one in scores]}, indent=2) + "\n"


def as_csv(scores: Sequence[RuleScore]) -> str:
    """Return the scores as CSV; a share that is missing is blank."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(RuleScore("").row()), lineterminator="\n")
    writer.writeheader()
    writer.writerows(one.row() for one in scores)
    return stream.getvalue()


HEADINGS = (
    *("rule", "planted", "found", "recall", "false", "precision", "near misses", "hit"),
    *("by-products", "asked", "value planted", "value found", "error", "to the penny"),
)


def as_table(scores: Sequence[RuleScore]) -> str:
    """Return the scores as aligned text."""
    rows = [HEADINGS, *map(_shown, scores)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADINGS))]
    lines = [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    idle = [f"{one.rule} {one.ran}: {one.why}" for one in scores if one.ran == NOT_RUN]
    return "\n".join([*lines, *(["", *idle] if idle else [])])


def _shown(one: RuleScore) -> tuple[str, ...]:
    idle = one.ran == NOT_RUN
    return (
        one.rule,
        f"{one.planted:,}",
        "not run" if idle else f"{one.found:,}",
        _share(one.recall),
        "" if idle else f"{one.false:,}",
        _share(one.precision),
        f"{one.near_misses:,}",
        "" if idle else f"{one.near_misses_hit:,}",
        "" if idle else f"{one.by_product:,}",
        "" if idle else f"{one.asked:,}",
        _pounds(one.value_planted),
        "" if idle else _pounds(one.value_found),
        "" if idle else _pounds(one.value_error),
        "" if idle else f"{one.exact:,}",
    )


def _share(share: float | None) -> str:
    """Show a share; all but everything is not everything."""
    if share is None:
        return "-"
    return f"{share:.1%}" if share == 1 or share < 0.9995 else f"{share:.4%}"


def _pounds(pence: int) -> str:
    return f"{'-' if pence < 0 else ''}{abs(pence) // 100:,}.{abs(pence) % 100:02d}"
