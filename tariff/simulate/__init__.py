"""Artificial extracts: honest admitted care of invented patients, for trying the tool.

`synthesise` streams record batches in canonical columns, `write_extract` writes them. See
docs/artificial-data.md for what the data are, and what they are not.
"""

from tariff.simulate.extract import Tally, synthesise
from tariff.simulate.output import write_extract

__all__ = ["Tally", "synthesise", "write_extract"]
