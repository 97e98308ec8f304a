"""Restate published national figures in the pack format of this project.

`tables` reads and writes, `prices` restates the price lists, `lookups` the HRG labels, splits,
complication lists, market forces factors and code lists, and `label_parser` turns the wording of
an HRG label into bounds. `tools/restate_packs.py` runs them all.
"""
