"""Faults on demand: planted in honest rows, written down in a key, and undone from it.

docs/planted-faults.md lists the faults and the form of the key. `plant` streams; `unplant` gives
the honest rows back.
"""

from tariff.simulate.faults import (
    coding,
    emergency_faults,
    line_faults,
    money,
    national_faults,
    near,
    outpatient_faults,
    payer_faults,
    structure,
)
from tariff.simulate.faults.care_model import care_planters, care_rules, every_rule
from tariff.simulate.faults.chunk import PlantTally, plant
from tariff.simulate.faults.key import KeyFiles, read_key
from tariff.simulate.faults.model import FAULT, NEAR_MISS, Planted, Undo, planters, rules
from tariff.simulate.faults.order import Order, parse_order, read_plan
from tariff.simulate.faults.undo import unplant

__all__ = [
    "FAULT",
    "NEAR_MISS",
    "KeyFiles",
    "Order",
    "PlantTally",
    "Planted",
    "Undo",
    "care_planters",
    "care_rules",
    "coding",
    "emergency_faults",
    "every_rule",
    "line_faults",
    "money",
    "national_faults",
    "near",
    "outpatient_faults",
    "parse_order",
    "payer_faults",
    "plant",
    "planters",
    "read_key",
    "read_plan",
    "rules",
    "structure",
    "unplant",
]
