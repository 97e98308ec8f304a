"""The run: assembly, grouping, pricing, matching and settlement over columns."""
