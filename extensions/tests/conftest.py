"""Fixtures of this fork's tests."""
