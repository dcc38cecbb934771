"""The tests, by level: see the README."""
