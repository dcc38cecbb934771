"""The checks of `doctor`, by their subject. Each yields what it found, and what to do: nothing where it is in order."""

from collections.abc import Iterator

Findings = Iterator[tuple[str, str]]
