"""The oracle: grouping, pricing and matching in slow, plain, readable Python.

Written from the rules (docs/grouping.md, pricing.md, money.md, signatures.md), never from the
kernel, so that the two can be compared on random episodes and random packs.
"""
