"""The checks of `doctor`, by subject. Each yields its results with advice, which is empty if no action is needed."""

from collections.abc import Iterator

Findings = Iterator[tuple[str, str]]
