"""Faults on demand: planted in honest rows, written down in a key, and undone from it.

docs/planted-faults.md lists the faults and the form of the key. `plant` streams; `unplant` gives
the honest rows back.
"""

from tariff.simulate.faults import coding, money, near, structure
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
    "coding",
    "money",
    "near",
    "parse_order",
    "plant",
    "planters",
    "read_key",
    "read_plan",
    "rules",
    "structure",
    "unplant",
]
