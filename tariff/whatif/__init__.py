"""The same activity under two years, packs, editions or contracts: what moves, and why.

`sides` says what A and B are, `run` prices both, `effects` splits the difference of each record,
`levels` adds up, `manifest` says what was done, `write` leaves the files; `contracts` puts the
activity under two contracts and `payables` splits what they pay.
docs/compare.md has the arithmetic.
"""
