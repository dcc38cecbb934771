"""The `results` function: what machines answer over the event bus, and what partners send over theirs."""
