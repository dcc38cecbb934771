"""Waiting for the end of a request: looks once a second, and only with a place."""

from datetime import datetime, timedelta

import pytest

from countersign.domain.errors import LedgerUnavailableError
from countersign.domain.requests import Request, RequestStatus
from countersign.services.waiting import Waiting
from countersign.testing.builders import NOW, REQUEST_ID, WORKFLOW
from countersign.testing.fakes import FixedClock, MemoryLedger


class Setup:
    """A request that runs until some second, and one place."""

    def __init__(self, ends_after: int = 99, *, free: bool = True) -> None:
        self.ledger, self.clock, self.ends_after = MemoryLedger(), FixedClock(NOW), ends_after
        self.ledger.asked[REQUEST_ID] = Request(REQUEST_ID, WORKFLOW, status=RequestStatus.RUNNING)
        self.held: datetime | None = None if free else NOW
        self.taken_until: list[datetime] = []
        self.waiting = Waiting(self.ledger, self, self.clock, self._pause)

    def take(self, now: datetime, until: datetime) -> int | None:
        if self.held:
            return None
        self.held = until
        self.taken_until.append(until - (now - NOW))
        return 0

    def leave(self, place: int, until: datetime) -> None:
        assert (place, until) == (0, self.held)
        self.held = None

    def _pause(self, seconds: float) -> None:
        self.clock.move(seconds=seconds)
        if self.clock.now() >= NOW + timedelta(seconds=self.ends_after):
            self.ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.SUCCEEDED, None, self.clock.now())

    def waited(self, seconds: int, request_id: str = REQUEST_ID) -> float:
        self.waiting.until_ended(request_id, seconds)
        return (self.clock.now() - NOW).total_seconds()


@pytest.mark.parametrize(("ends_after", "waited"), [(1, 1), (24, 24), (99, 25)])
def test_a_call_waits_until_the_end_and_not_longer_than_it_says(ends_after: int, waited: int) -> None:
    setup = Setup(ends_after)
    assert setup.waited(25) == waited
    assert (setup.held, setup.taken_until) == (None, [NOW + timedelta(seconds=28)]), "a crash holds it under 30 seconds"


@pytest.mark.parametrize("request_id", ["order-1002", "x" * 3000])
def test_nobody_waits_for_an_unknown_request(request_id: str) -> None:
    setup = Setup()
    assert (setup.waited(25, request_id), setup.taken_until) == (0, [])


def test_nobody_waits_for_a_request_that_they_may_not_see() -> None:
    setup = Setup()
    setup.waiting.until_ended(REQUEST_ID, 25, only_of="arn:aws:iam::123456789012:role/other")
    assert (setup.clock.now(), setup.taken_until) == (NOW, [])


def test_nobody_waits_for_a_request_that_has_ended_or_without_a_place() -> None:
    ended = Setup(1)
    ended.waited(25)
    assert (ended.waited(25), Setup(free=False).waited(25), len(ended.taken_until)) == (1, 0, 1)


def test_an_outage_of_the_ledger_gives_the_place_up() -> None:
    setup = Setup()

    def fail(seconds: float) -> None:
        assert seconds == 1
        raise LedgerUnavailableError("throttled")

    with pytest.raises(LedgerUnavailableError):
        Waiting(setup.ledger, setup, setup.clock, fail).until_ended(REQUEST_ID, 5)
    assert (setup.held, len(setup.taken_until)) == (None, 1)
