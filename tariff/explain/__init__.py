"""`tariff explain`: a signature, an HRG, a spell or a finding, as it would be told on paper.

Results are the engine's. Where a page works something out again to tell it step by step, what it
comes to is compared with the engine, and a difference is an error of ours (AssertionError).
"""
