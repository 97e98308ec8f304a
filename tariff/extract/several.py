"""Files of several datasets at once: each is recognised by its columns."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tariff.errors import UsageError
from tariff.extract.fields import REGISTERS, datasets_of, field_of, keys_of
from tariff.extract.layout import Layout, find_layout, plain, shipped_layouts
from tariff.extract.read import (
    MAX_BAD_ROWS,
    Extract,
    Progress,
    StrPath,
    from_arrow,
    open_extract,
)
from tariff.extract.resolve import look
from tariff.extract.source import shown

CARE = (
    "episodes",
    "attendances",
    "emergency",
    "critical_care",
    "lines",
)  # a record of each is care


def open_several(
    given: Any,
    layout: StrPath | Layout | None = None,
    max_bad_rows: float = MAX_BAD_ROWS,
    progress: Progress | None = None,
) -> dict[str, Extract]:
    """Open paths, a dataframe of episodes, or a mapping from dataset to either.

    Gives an extract of each dataset, in their order. UsageError for what is no care, and where a
    layout is given for a dataframe.
    """
    parts: Mapping[str, Any]
    if isinstance(given, Mapping):
        parts = given
    elif _is_paths(given):
        parts = by_dataset(given, layout)
    else:
        parts = {"episodes": given}
    if not parts:
        raise UsageError("no files are given", hint="name at least one extract file")
    for name in parts:
        if name not in CARE:
            raise UsageError(f"'{name}' is no dataset of care", hint=f"one of {', '.join(CARE)}")
    chosen = None if layout is None else find_layout(layout)
    out: dict[str, Extract] = {}
    for name in CARE:
        if name not in parts:
            continue
        if _is_paths(parts[name]):
            mine = chosen if chosen is not None and chosen.dataset == name else None
            out[name] = open_extract(parts[name], mine, max_bad_rows, progress, name)
        elif chosen is None:
            out[name] = from_arrow(parts[name], max_bad_rows, progress, name)
        else:
            raise UsageError(
                "a layout is for files",
                hint="name the columns of a dataframe as docs/fields.md does",
            )
    return out


def by_dataset(
    paths: StrPath | Sequence[StrPath], layout: StrPath | Layout | None = None
) -> dict[str, list[Path]]:
    """Give files by the dataset their columns are of; those of a layout are of its dataset.

    A header that fits none is taken as episodes, whose reader says what is wrong with it.
    UsageError for a file whose columns fit several, and for a register.
    """
    chosen = None if layout is None else find_layout(layout)
    out: dict[str, list[Path]] = {}
    several = [paths] if isinstance(paths, str | os.PathLike) else paths
    for path in map(Path, several):
        out.setdefault(_dataset(path, chosen), []).append(path)
    return out


def _dataset(path: Path, chosen: Layout | None) -> str:
    default = "episodes" if chosen is None else chosen.dataset
    if path.is_dir():
        return default
    header = look(path, shown(path), chosen).header
    names = {plain(label) for label in header}
    fitting = datasets_of(names)
    if not fitting and chosen is None:
        _refuse_register(path, names, header)
    if not fitting or default in fitting:
        return default
    if len(fitting) > 1:
        raise UsageError(
            f"{shown(path)}: its columns are those of {' and of '.join(fitting)}",
            hint="give more of its columns: docs/fields.md says what each dataset has",
        )
    return fitting[0]


def _refuse_register(path: Path, names: set[str], header: list[str]) -> None:
    if any(known.recognises(header) for known in shipped_layouts().values()):
        return
    for register in REGISTERS:
        if names.issuperset(keys_of(register)) and all(field_of(n, register) for n in names):
            raise UsageError(
                f"{shown(path)}: its columns are those of the register of {register}, and of no "
                "dataset",
                hint=f"give it with --register {register}={shown(path)}",
            )


def _is_path(given: Any) -> bool:
    return isinstance(given, str | os.PathLike)


def _is_paths(given: Any) -> bool:
    return _is_path(given) or (isinstance(given, Sequence) and all(map(_is_path, given)))
