"""Measured claims: `make bench`. Counts, ratios and medians of one run, on the machine that runs it."""
