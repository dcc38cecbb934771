"""The checks of `doctor` and `preflight`, by subject.

Each yields its results with advice, which is empty if no action is needed.
"""

from collections.abc import Iterator

Findings = Iterator[tuple[str, str]]


class Note(str):
    """Advice that can wait. Its result is no finding."""

    __slots__ = ()
