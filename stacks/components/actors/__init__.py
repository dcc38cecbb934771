"""Functions that act on the ledger: one construct each."""
