"""The parts of the JSON Schema of a rule that no model decodes: predicates, joins, rows of tests.

They say what `tariff.packs.predicates`, `joins` and `remedy_file` read, for editors to complete;
which fields a kind of record has, and what fits what, is told by `tariff pack check`.
"""

from __future__ import annotations

from typing import Any

from tariff.extract.fields import REGISTERS
from tariff.packs.match_fields import (
    FIELDS,
    KINDS,
    MATCH_FIELDS,
    MatchField,
    columns_of,
    written_unit,
)
from tariff.packs.operands import SEVERAL
from tariff.packs.rule_tests import SOURCES

Schema = dict[str, Any]

_CODE: Schema = {"type": ["string", "number", "boolean", "null"]}  # an editor types `07` and `NO`
_PARAM: Schema = {"type": "string", "pattern": r"^\$"}
_WHOLE: Schema = {"anyOf": [{"type": "integer"}, _PARAM]}
_NUMBER: Schema = {"anyOf": [{"type": "number"}, _PARAM]}
_LIST: Schema = {"type": "string", "description": "a list of the pack"}


def rule_definitions() -> dict[str, Schema]:
    """Give the definitions that the schema of a rule refers to."""
    record, pair = "record_predicate", "pair_predicate"
    fields = {name: _field(item) for name, item in sorted(MATCH_FIELDS.items())}
    sides = {"previous": _ref("side_predicate"), "current": _ref(record)}
    joined = {"this": _ref("side_predicate"), "other": _ref("side_predicate")}
    both = {"same": _ref("field_list"), "shares": _ref("many_list")}
    about = {"of": _ref("kinds"), "from": _ref("source")}
    return {
        **_shapes(),
        **_numbers(),
        record: _closed({**_logic(record), **_joins(), **fields}),
        "side_predicate": _closed({**_logic("side_predicate"), **fields}),
        pair: _closed({**_logic(pair), **_joins(), **sides, **both}),
        "join_predicate": _closed({**_logic("join_predicate"), **joined, **both}),
        "any_predicate": {"anyOf": [_ref(record), _ref(pair)]},
        "record_match": _closed({**about, **_logic(record), **_joins(), **fields}),
        "sequence_match": _closed(
            {**about, **_logic(pair), **_joins(), **sides, **both, **_pairing_keys()}
        ),
        "set_match": _closed({**about, **_logic(pair), **_joins(), **sides, **both, **_set_keys()}),
        "join": _join(),
        **{f"row_of_{kind}": _row(kind) for kind in FIELDS if kind != "spells"},
        "row_of_spells": _row("spells", {"episodes": _rows_of("episodes")}),
        "row_of_episodes": _row("spells"),
    }


def remedy_properties() -> Schema:
    """Give what the keys of a remedy take that are read by hand."""
    edit = {
        "anyOf": [
            _CODE,
            _closed({"field": _ref("field"), "map": {"type": "string"}}),
        ]
    }
    return {
        "set": {"type": "object", "additionalProperties": edit, "minProperties": 1},
        "price": _PARAM,
        "share": _PARAM,
        "to": _ref("operand"),
    }


def removal_properties() -> Schema:
    """Give what may be removed from a record."""
    listed = _closed({"list": _LIST})
    return {
        "diagnoses": listed,
        "procedures": {"anyOf": [listed, {"const": "outside_stay"}]},
        "pairs": _LIST,
    }


def test_properties() -> Schema:
    """Give the rows of an inline test."""
    kinds = {kind: _rows_of(kind) for kind in KINDS}
    return {
        **kinds,
        **{source: _closed(kinds) for source in SOURCES},
        "registers": _closed({name: _rows_of(name) for name in REGISTERS}),
    }


def date_fields() -> Schema:
    """Give the fields by which a rule may be bounded in time."""
    names = sorted(n for n, item in MATCH_FIELDS.items() if item.kind == "date")
    return {"enum": names, "default": "end_date"}


# ---------------------------------------------------------------- fields and their tests


def _field(item: MatchField) -> Schema:
    # draft-07 ignores what stands beside a $ref, so a description needs a wrapper
    test = "codes_test" if item.many else "code_test" if item.kind == "code" else "number_test"
    return {"allOf": [_ref(test)], "description": f"{item.title} ({written_unit(item)})"}


def _shapes() -> dict[str, Schema]:
    names = {"enum": sorted(MATCH_FIELDS)}
    many = {"enum": sorted(name for name, item in MATCH_FIELDS.items() if item.many)}
    existence = {"missing": {"const": True}, "present": {"const": True}}
    listed = {"list": _LIST, "starts": {"anyOf": [_ref("codes"), {"const": True}]}}
    words = ("at_least", "at_most", "above", "below", "equals", "differs")
    other = {"equals": _ref("other_field"), "differs": _ref("other_field")}
    return {
        "field": names,
        "field_list": _list_of(names),
        "many_list": _list_of(many),
        "kinds": {"anyOf": [{"enum": list(KINDS)}, _list_of({"enum": list(KINDS)})]},
        "source": {"enum": ["extract", *SOURCES]},
        "codes": {"anyOf": [_CODE, _list_of(_CODE)]},
        "code_test": {"anyOf": [_CODE, _list_of(_CODE), _closed({**listed, **other, **existence})]},
        "codes_test": {"anyOf": [_CODE, _list_of(_CODE), _closed({**listed, **existence})]},
        "number_test": _closed(
            {**{word: _ref("operand") for word in words}, "by": _NUMBER, **existence}
        ),
        "span": _closed({"min": _WHOLE, "max": _WHOLE}),
    }


def _numbers() -> dict[str, Schema]:
    more = {
        "of": {"enum": ["previous", "current", "this", "other"]},
        "plus": _NUMBER,
        "times": _NUMBER,
    }
    fields = {"field": _ref("field"), **{word: _ref("field_list") for word in SEVERAL}}
    return {
        "other_field": {
            **_closed({"field": _ref("field"), "of": more["of"]}),
            "required": ["field"],
        },
        "operand": {
            "anyOf": [
                {"type": "number"},
                {"type": "string", "pattern": r"^(\$.+|\d{4}-\d{2}-\d{2}|\d{2}:\d{2})$"},
                {"type": "boolean"},
                _closed({**fields, **more}),
            ]
        },
    }


# ---------------------------------------------------------------- how records stand together


def _join() -> Schema:
    pair = {"type": "object", "additionalProperties": _ref("field"), "maxProperties": 1}
    named = {"enum": [*KINDS, *REGISTERS]}
    return {
        **_closed(
            {
                "of": {"anyOf": [named, _list_of({"enum": list(KINDS)})]},
                "from": _ref("source"),
                "same": _list_of({"anyOf": [_ref("field"), pair]}),
                "days": _ref("span"),
                "minutes": _ref("span"),
                "on": date_fields(),
                "where": _ref("join_predicate"),
                "before": {"const": True},
                "count": _closed({"at_least": _WHOLE, "at_most": _WHOLE}),
            }
        ),
        "required": ["of", "same"],
    }


def _joins() -> Schema:
    either = {"anyOf": [_ref("join"), _list_of(_ref("join"))]}
    return {"with": either, "without": either}


def _pairing_keys() -> Schema:
    return {
        "gap_days": _ref("span"),
        "gap_minutes": _ref("span"),
        "starts_days": _ref("span"),
        "overlap_days": _closed({"min": _WHOLE}),
        "contains": {"type": "boolean"},
    }


def _set_keys() -> Schema:
    one = {"type": "object", "additionalProperties": _NUMBER, "maxProperties": 1}
    return {
        "key": _list_of({"enum": ["all_fields", *sorted(MATCH_FIELDS)]}),
        "near": one,
        "keep": {"enum": ["first", "dearest"]},
    }


# ---------------------------------------------------------------- rows of tests


def _rows_of(kind: str) -> Schema:
    return {"type": "array", "items": _ref(f"row_of_{kind}")}


def _row(kind: str, more: Schema | None = None) -> Schema:
    columns = dict.fromkeys(sorted(columns_of(kind)), _CODE)
    schema: Schema = {
        "type": "object",
        "properties": {**columns, **(more or {})},
        "additionalProperties": False,
    }
    families = sorted(name.removesuffix("_01") for name in columns if name.endswith("_01"))
    if families:
        pattern = f"^({'|'.join(families)})_(0[1-9]|[1-9][0-9])$"
        schema["patternProperties"] = {pattern: _CODE}
    return schema


# ---------------------------------------------------------------- pieces


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema, "minItems": 1}


def _closed(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
    }


def _logic(name: str) -> Schema:
    return {"all": _list_of(_ref(name)), "any": _list_of(_ref(name)), "not": _ref(name)}
