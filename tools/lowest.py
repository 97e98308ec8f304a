"""Print the lowest versions that pyproject.toml allows, as a pip constraints file.

`python tools/lowest.py` gives one line `name==version` for each requirement `name>=version`; of two
bounds on one name (to run and to build, say) the higher one.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
BOUND = re.compile(r"([A-Za-z0-9._-]+)>=([0-9.]+)$")


def lowest(pyproject: Path = PYPROJECT) -> dict[str, str]:
    """Give the lowest version of every requirement that has one."""
    told = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    project = told["project"]
    found: dict[str, str] = {}
    for requirement in (
        *told["build-system"]["requires"],
        *project["dependencies"],
        *project["optional-dependencies"]["dev"],
    ):
        bound = BOUND.match(requirement)
        if bound is None:
            continue
        name, version = bound.groups()
        found[name] = max(found.get(name, version), version, key=_order)
    return found


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


if __name__ == "__main__":
    sys.stdout.writelines(f"{name}=={version}\n" for name, version in lowest().items())
