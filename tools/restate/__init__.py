"""Restate published national figures in the pack format of this project.

`tables` reads and writes, `prices` restates the price lists, `hrg_tables` the HRG labels, splits
and complication lists, `lists` the market forces factors and the code lists, and `label_parser`
turns the wording of an HRG label into bounds. `tools/restate_packs.py` runs them all.
"""
