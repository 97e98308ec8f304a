"""What is said in one place about the package is what stands in the others."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import tariff

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = {"tariff": "tariff", "tariff._core": "_core", "tariff.rules": "rules"}
NOT_INSTALLED = {".pyx", ".pxi", ".c", ".html", ".so", ".pyd", ".pyc"}
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def package_data() -> dict[str, list[str]]:
    """The argument `package_data` of setup.py, read without running it."""
    tree = ast.parse(text("setup.py"))
    names: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DATA":
            names["DATA"] = ast.literal_eval(node.value)
    (found,) = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "package_data"
    )
    told: dict[str, list[str]] = eval(compile(ast.Expression(found), "setup.py", "eval"), names)
    return told


def test_every_data_file_goes_into_the_wheel() -> None:
    for package, patterns in package_data().items():
        folder = ROOT / PACKAGES[package]
        matched = {path for pattern in patterns for path in folder.glob(pattern)}
        for path in folder.rglob("*"):
            ours = path.suffix not in {".py", *NOT_INSTALLED} and path.name[:1] != "."
            if path.is_file() and ours:
                assert path in matched, f"setup.py leaves {path.relative_to(ROOT)} out"


def test_folders_with_modules_are_packages() -> None:
    for path in (ROOT / "tariff").rglob("*.py"):
        assert (path.parent / "__init__.py").exists(), f"{path.parent} has no __init__.py"


def test_the_version_stands_in_one_place() -> None:
    assert "version" not in PYPROJECT["project"]
    newest = re.search(r"^## \[(\d[^]]*)\]", text("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == tariff.__version__


def test_every_dependency_is_accounted_for() -> None:
    page = text("docs/dependencies.md")
    project = PYPROJECT["project"]
    for requirement in project["dependencies"]:
        name, _, lowest = requirement.partition(">=")
        assert re.search(rf"^\| {name} \| {re.escape(lowest)} \|", page, re.MULTILINE), requirement
    for requirement in (
        *PYPROJECT["build-system"]["requires"],
        *project["optional-dependencies"]["dev"],
    ):
        name = requirement.partition(">=")[0]
        assert re.search(rf"\b{name}\b", page), requirement


def test_links_of_the_pages_lead_somewhere() -> None:
    pages = [*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md"), *(ROOT / "bench").glob("*.md")]
    for page in pages:
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} points at {target}"


def test_every_page_of_the_docs_is_listed() -> None:
    listed = set(LINK.findall(text("docs/index.md")))
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert pages <= listed, f"docs/index.md does not list {sorted(pages - listed)}"


def test_commands_named_in_the_pages_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    for name in ("README.md", "docs/developing.md", "docs/dependencies.md"):
        page = text(name)
        named = set(re.findall(r"^make ([a-z-]+)", page, re.MULTILINE))
        named |= set(re.findall(r"`make ([a-z-]+)`", page))
        assert named <= targets, f"{name} names make {sorted(named - targets)}"


def test_the_readme_is_one_page() -> None:
    assert len(text("README.md").splitlines()) <= 100
