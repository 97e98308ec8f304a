"""Check what an sdist and the wheel built from it contain: `python tools/check_dist.py dist`.

The sdist has every source and nothing compiled; the wheel has every module, rule pack, template
and artificial extract of the sdist, the compiled core as `abi3`, the licences, and no sources of
the core. Prints what is wrong and exits 1, else one line.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GRAFTED = ("_core/", "rules/", "tariff/", "tests/", "tools/", "bench/", "docs/")
AT_TOP = (
    "LICENSE",
    "NOTICE",
    "README.md",
    "CHANGELOG.md",
    "MANIFEST.in",
    "Makefile",
    "pyproject.toml",
    "setup.py",
)
MADE = (".so", ".c", ".pyc", ".pyd", ".o")
SOURCES = (".pyx", ".pxi", ".pxd")
DATA = {
    "_core/": (".py", ".pyi"),
    "rules/": (".py", ".yaml", ".csv", ".json", ".md"),
    "tariff/": ("",),
}
INSTALLED_AS = {"_core/": "tariff/_core/", "rules/": "tariff/rules/", "tariff/": "tariff/"}


def main(folder: Path) -> int:
    """Check the one sdist and the one wheel in a folder."""
    wrong: list[str] = []
    sdist, wheel = _only(folder, "*.tar.gz"), _only(folder, "*.whl")
    with tarfile.open(sdist) as archive:
        packed = {
            member.name.partition("/")[2]: member.size
            for member in archive.getmembers()
            if member.isfile()
        }
    wrong += [f"{sdist.name} lacks {name}" for name in sorted(_sources() - packed.keys())]
    wrong += [f"{sdist.name} has {name}" for name in sorted(packed) if name.endswith(MADE)]
    with zipfile.ZipFile(wheel) as archive:
        installed = {info.filename: info.file_size for info in archive.infolist()}
        wrong += [f"{wheel.name}: {line}" for line in _about(archive)]
    expected = {
        INSTALLED_AS[top] + name.removeprefix(top): size
        for top, endings in DATA.items()
        for name, size in packed.items()
        if name.startswith(top) and name.endswith(endings)
    }
    wrong += [f"{wheel.name} lacks {name}" for name in sorted(expected.keys() - installed.keys())]
    wrong += [
        f"{wheel.name}: {name} has {installed[name]} bytes, not {size}"
        for name, size in sorted(expected.items())
        if installed.get(name, size) != size
    ]
    modules = {f"tariff/_core/{Path(name).stem}" for name in packed if name.endswith(".pyx")}
    for module in sorted(modules):
        if not any(name.startswith(f"{module}.") and ".abi3." in name for name in installed):
            wrong.append(f"{wheel.name} lacks {module} compiled for abi3")
    wrong += [
        f"{wheel.name} has {name}"
        for name in sorted(installed)
        if name.endswith((*SOURCES, ".c", ".pyc"))
        or not name.startswith(("tariff/", "tariff_challenge-"))
    ]
    if "-cp311-abi3-" not in wheel.name:
        wrong.append(f"{wheel.name} is not tagged cp311-abi3")
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        size = f"{wheel.stat().st_size / 1e6:.1f} MB"
        print(
            f"as they should be: sdist, {len(packed)} files; wheel, {len(installed)} files, {size}"
        )
    return 1 if wrong else 0


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"{folder} has {len(found)} files {pattern}, not one")
    return found[0]


def _sources() -> set[str]:
    """What the sdist must have: the files git knows, or those at the top where there is no git."""
    try:
        told = subprocess.run(
            ["git", "ls-files", "-z", *GRAFTED],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        told = ""
    known = {name for name in told.split("\0") if name and (ROOT / name).exists()}
    return known | set(AT_TOP)


def _about(archive: zipfile.ZipFile) -> list[str]:
    """What is wrong with the metadata of a wheel."""
    folder = "-".join(Path(archive.filename or "").name.split("-")[:2]) + ".dist-info"
    names = set(archive.namelist())
    wrong = [
        f"lacks {name}"
        for name in ("licenses/LICENSE", "licenses/NOTICE", "METADATA", "entry_points.txt")
        if f"{folder}/{name}" not in names
    ]
    if wrong:
        return wrong
    metadata = archive.read(f"{folder}/METADATA").decode()
    entries = archive.read(f"{folder}/entry_points.txt").decode()
    if "License-Expression: MIT" not in metadata:
        wrong.append("METADATA does not say License-Expression: MIT")
    if "tariff = tariff.cli.main:entry" not in entries:
        wrong.append("there is no command tariff")
    return wrong


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")))
