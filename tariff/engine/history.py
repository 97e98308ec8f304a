"""Earlier spells, given with `--history`: grouped and priced as the extract is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tariff.engine.columns import SpellColumns
from tariff.engine.manifest import inputs_of
from tariff.engine.pipeline import Stages, read_frame, run_stages
from tariff.errors import UsageError
from tariff.extract import open_extract
from tariff.packs.compile import Rulebook


@dataclass(frozen=True)
class History:
    """The spells of the history by themselves; those the extract holds too are among them."""

    columns: SpellColumns
    inputs: list[dict[str, Any]]  # as in the manifest


def read_history(
    files: Sequence[Path],
    rulebook: Rulebook,
    stages: Stages,
    *,
    layout: str | None = None,
    max_bad_rows: float,
    extract: Sequence[dict[str, Any]] = (),
) -> History:
    """Read, group and price earlier records. `extract` are the inputs of the extract itself."""
    found = open_extract(list(files), layout=layout, max_bad_rows=max_bad_rows)
    frame = read_frame(found.batches(), found.fields)
    names = {item["sha256"]: item["file"] for item in extract if item["sha256"]}
    for item in found.inputs:
        if item.sha256 in names:
            raise UsageError(
                f"{item.name} is given as the extract and as its history",
                hint="--history names earlier files only",
            )
    return History(run_stages(rulebook, frame, stages).columns, inputs_of(found))
