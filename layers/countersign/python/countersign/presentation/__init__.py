"""Texts for people: the catalogue, dates and durations, and safe display."""
