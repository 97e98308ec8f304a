"""Imports the small tables of a contract year: factors, indicative activity plans, local prices.

`sheet` finds the one table of a file by the names of its columns, one module reads each kind, and
`write` makes the pack. Cells, log and folder are those of `importing_prices`: every problem is
noted with file, sheet, row and column, and with one nothing is written.
"""
