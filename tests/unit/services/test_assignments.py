"""Assignments: the lookups in the directory."""

from collections.abc import Iterable, Mapping

from countersign.domain.identity import NO_ALIASES
from countersign.domain.people import Assignment, Entry
from countersign.services.assignments import assign
from countersign.testing.builders import APPROVER, NOW, REQUESTER
from countersign.testing.fakes import MemoryDirectory


class WatchedDirectory(MemoryDirectory):
    """A directory that records its lookups."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def entries(self, addresses: Iterable[str]) -> Mapping[str, Entry]:
        asked = sorted(addresses)
        self.asked += asked
        return super().entries(asked)


def test_the_requester_and_the_approvers_are_looked_up() -> None:
    directory = WatchedDirectory()
    assert assign(directory, REQUESTER, (APPROVER,), NOW) == Assignment((APPROVER,), NO_ALIASES)
    assert directory.asked == sorted((APPROVER, REQUESTER))


def test_a_question_to_a_machine_needs_no_lookup() -> None:
    directory = WatchedDirectory()
    assert assign(directory, "", (), NOW).audience == ()
    assert directory.asked == []
