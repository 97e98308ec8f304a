"""Artificial extracts: honest care of invented patients, for trying the tool.

`synthesise` streams admitted care in canonical columns, `write_extract` writes it to a file,
`write_in_layout` to a file or folder in any layout. `synthesise_year` streams all datasets of the
same people, `write_year` writes them into a folder. See docs/artificial-data.md for what the data
are, and what they are not.
"""

from tariff.simulate.extract import Tally, synthesise
from tariff.simulate.folder import write_year
from tariff.simulate.layouts import write_in_layout
from tariff.simulate.output import write_extract
from tariff.simulate.snapshots import stream_statement
from tariff.simulate.year import YearTally, synthesise_year

__all__ = [
    "Tally",
    "YearTally",
    "stream_statement",
    "synthesise",
    "synthesise_year",
    "write_extract",
    "write_in_layout",
    "write_year",
]
