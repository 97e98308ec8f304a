"""The JSON Schemas of packs: current, and saying what the decoder says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tariff.packs.kinds import PACK_KINDS
from tariff.packs.load import shipped_folder
from tariff.packs.match_fields import MATCH_FIELDS
from tariff.packs.nodes import model_fields
from tariff.packs.rule_file import RuleFile
from tariff.packs.schema import DRAFT, dumped, rule_schema, schemas, write_schemas

FOLDER = shipped_folder() / "schema"


def test_the_committed_schemas_are_current() -> None:
    stale = "run: tariff pack schema --write rules/schema"
    assert {path.name for path in FOLDER.glob("*.json")} == set(schemas()), stale
    for name, schema in schemas().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == dumped(schema), f"{name}: {stale}"


def test_writing_them_again_changes_nothing(tmp_path: Path) -> None:
    assert {path.name for path in write_schemas(tmp_path)} == set(schemas())
    assert write_schemas(tmp_path) == []


@pytest.mark.parametrize("kind", sorted(PACK_KINDS))
def test_a_schema_has_the_keys_of_its_model_and_no_others(kind: str) -> None:
    schema = schemas()[f"{kind}.json"]
    model: Any = PACK_KINDS[kind]
    specs = model_fields(model)
    assert schema["$schema"] == DRAFT
    assert schema["properties"]["kind"] == {"const": kind}
    assert set(schema["properties"]) == set(specs)
    assert set(schema["required"]) == {key for key, spec in specs.items() if spec.required}
    assert schema["additionalProperties"] is False


def test_the_schema_of_a_rule_knows_every_field() -> None:
    schema = rule_schema()
    assert set(schema["properties"]) == set(model_fields(RuleFile))
    assert set(MATCH_FIELDS) <= set(schema["definitions"]["record_predicate"]["properties"])


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        found = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return found.union(*(references(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(references(value) for value in node))
    return set()


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_reference_of_a_schema_is_defined(name: str) -> None:
    schema = json.loads(dumped(schemas()[name]))
    defined = {f"#/definitions/{key}" for key in schema.get("definitions", {})}
    assert references(schema) <= defined


PACK_FILES = sorted(
    path for path in shipped_folder().rglob("*.yaml") if path.parent.name != "layouts"
)


@pytest.mark.parametrize("path", PACK_FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_shipped_pack_file_names_its_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    prefix = "# yaml-language-server: $schema="
    assert first.startswith(prefix)
    assert (path.parent / first.removeprefix(prefix)).resolve().is_file()
