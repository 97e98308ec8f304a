"""JSON Schemas (draft-07) of manifests and rules, for editors, from the models that decode them.

Only the grammar of predicates is written out by hand, in `tariff.packs.rule_schema`.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from tariff.extract.layout import Layout
from tariff.packs.importing.mapping import CodeToGroupMapping
from tariff.packs.kinds import PACK_KINDS
from tariff.packs.local_policies import LocalPolicies
from tariff.packs.model import Code, CsvName
from tariff.packs.nodes import CSV_NAME, model_fields
from tariff.packs.rule_file import RuleFile
from tariff.packs.rule_schema import (
    date_fields,
    remedy_properties,
    removal_properties,
    rule_definitions,
    test_properties,
)
from tariff.packs.tables import TABLES
from tariff.packs.tree import Node

DRAFT = "http://json-schema.org/draft-07/schema#"
Schema = dict[str, Any]

_CODE: Schema = {"type": ["string", "number", "boolean", "null"]}  # an editor types `07` and `NO`
_SCALARS: dict[Any, Schema] = {
    str: {"type": ["string", "number", "boolean"]},
    Code: _CODE,
    int: {"type": "integer"},
    Decimal: {"type": "number"},
    bool: {"type": "boolean"},
    date: {"type": "string", "format": "date"},
    CsvName: {"type": "string", "pattern": f"^{CSV_NAME.pattern}$"},
    Node: {},
    Any: {},
}


def schemas() -> dict[str, Schema]:
    """Every schema by the name of its file."""
    found = {f"{kind}.json": manifest_schema(kind) for kind in PACK_KINDS}
    found["rule.json"] = rule_schema()
    found["code_to_group_mapping.json"] = json_schema(
        CodeToGroupMapping, "A mapping: where the tables of a code to group workbook stand"
    )
    found["local_policies.json"] = json_schema(
        LocalPolicies, "What was agreed locally on policies between spells (docs/policies.md)"
    )
    found["layout.json"] = json_schema(Layout, "A layout: how the columns of a file are read")
    return found


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema; gives the files that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, schema in schemas().items():
        path, text = folder / name, dumped(schema)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(path)
    return changed


def dumped(schema: Schema) -> str:
    """A schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def json_schema(model: type[Any], title: str) -> Schema:
    """The schema of any model that `tariff.packs.nodes` decodes."""
    definitions: dict[str, Schema] = {}
    schema = {"$schema": DRAFT, "title": title, **_object(model, definitions)}
    if definitions:
        schema["definitions"] = dict(sorted(definitions.items()))
    return schema


def manifest_schema(kind: str) -> Schema:
    """The schema of a manifest of a kind."""
    schema = json_schema(PACK_KINDS[kind], f"Manifest of a pack of kind {kind}")
    schema["properties"]["kind"] = {"const": kind}
    for key, spec in TABLES.get(kind, {}).items():
        columns = ",".join(spec.header) + (",..." if spec.any_columns else "")
        schema["properties"][key]["description"] = f"CSV with the header {columns}"
    return schema


def rule_schema() -> Schema:
    """The schema of a signature."""
    schema = json_schema(RuleFile, "A signature")
    definitions = schema["definitions"]
    definitions.update(rule_definitions())
    definitions["ExceptionFile"]["properties"]["when"] = _ref("any_predicate")
    definitions["TierFile"]["properties"]["when"] = _ref("any_predicate")
    definitions["RemedyFile"]["properties"].update(remedy_properties())
    definitions["RemoveFile"]["properties"].update(removal_properties())
    definitions["TestFile"]["properties"].update(test_properties())
    definitions["Applies"]["properties"]["on"] = date_fields()
    schema["properties"]["root_cause"]["items"] = _ref("field")
    schema["properties"]["match"] = {"type": "object"}
    schema["allOf"] = [
        {
            "if": {"properties": {"scope": {"enum": scopes}}},
            "then": {"properties": {"match": _ref(name)}},
        }
        for scopes, name in (
            (["record", "spell", "reference", "reconcile"], "record_match"),
            (["sequence"], "sequence_match"),
            (["set"], "set_match"),
        )
    ]
    schema["definitions"] = dict(sorted(definitions.items()))
    return schema


# ---------------------------------------------------------------- models


def _of(hint: Any, metadata: Mapping[str, Any], definitions: dict[str, Schema]) -> Schema:
    origin = get_origin(hint)
    if hint in _SCALARS:
        schema = dict(_SCALARS[hint])
        if "pattern" in metadata and hint in (str, Code):
            schema = {"type": "string", "pattern": f"^({metadata['pattern']})$"}
        return schema
    if origin is Literal:
        return {"enum": list(get_args(hint))}
    if origin is list or origin is tuple:
        return {"type": "array", "items": _of(get_args(hint)[0], metadata, definitions)}
    if origin is dict:
        inner = _of(get_args(hint)[1], metadata, definitions)
        return {"type": "object", "additionalProperties": inner}
    if origin is Union or origin is types.UnionType:
        return {"anyOf": [_of(part, metadata, definitions) for part in get_args(hint)]}
    if hint is type(None):
        return {"type": "null"}
    if is_dataclass(hint):
        name = hint.__name__  # type: ignore[union-attr]
        if name not in definitions:
            definitions[name] = {}  # taken, should it hold itself
            definitions[name] = _object(hint, definitions)
        return _ref(name)
    raise TypeError(f"no schema for {hint}")


def _object(model: Any, definitions: dict[str, Schema]) -> Schema:
    defaults = {item.name: item.default for item in fields(model)}
    properties: dict[str, Schema] = {}
    for key, spec in model_fields(model).items():
        schema = _of(spec.hint, spec.metadata, definitions)
        if "doc" in spec.metadata:
            schema["description"] = spec.metadata["doc"]
        default = defaults[spec.attribute]
        if isinstance(default, str | int | bool) and "$ref" not in schema:
            schema["default"] = default
        properties[key] = schema
    return {
        "description": " ".join((model.__doc__ or "").split()),
        "type": "object",
        "properties": properties,
        "required": [key for key, spec in model_fields(model).items() if spec.required],
        "additionalProperties": False,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}
