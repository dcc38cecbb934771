"""Measured claims: `make bench`. Ratios and medians of one run, on the machine that runs it."""
