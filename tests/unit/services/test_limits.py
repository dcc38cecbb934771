"""Limits per minute for networks and tokens."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

import pytest

from countersign.domain.errors import TooManyRequestsError
from countersign.services.limits import Limiter, Rates
from countersign.testing.builders import NOW, any_token
from countersign.testing.fakes import FixedClock

OFFICE = "203.0.113.0/24"


class MemoryCounters:
    """Counters that all limiters of a test share."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self.ends: dict[str, int] = {}
        self.written = 0

    def count(self, key: str, added: Mapping[int, int], ends: int) -> tuple[int, dict[int, int]]:
        self.ends[key] = ends
        self.written += 1
        for number, count in added.items():
            self.counted[key] += count
            self.counted[f"{key} {number}"] += count
        return self.counted[key], {number: self.counted[f"{key} {number}"] for number in added}


class Gate:
    """A limiter of five requests a minute per network and three per token."""

    def __init__(self, counters: MemoryCounters | None = None, name: str = "review") -> None:
        self.counters = counters or MemoryCounters()
        self.clock = FixedClock(NOW)
        self.limiter = Limiter(name, Rates(per_source=5, per_token=3), self.counters, self.clock)

    def admitted(self, *tokens: str, source: str = OFFICE) -> int:
        """Return the number of admitted requests."""
        return sum(self.asks_to_wait(token, source) == 0 for token in tokens)

    def asks_to_wait(self, token: str, source: str = OFFICE) -> int:
        """Return the seconds to wait, or 0 for an admitted request."""
        try:
            self.limiter.admit(source, token)
        except TooManyRequestsError as error:
            return error.retry_after_seconds
        return 0


def made_up(number: int) -> list[str]:
    """Return unknown tokens."""
    return [f"{token:043d}" for token in range(number)]


def test_one_token_has_a_limit_per_minute() -> None:
    assert Gate().admitted(*[any_token()] * 10) == 3


def test_one_network_has_a_limit_per_minute_over_all_tokens() -> None:
    assert Gate().admitted(*made_up(1_000)) == 5


@pytest.mark.parametrize(("passed", "wait"), [(0.0, 60), (0.5, 60), (1.0, 59), (59.0, 1), (59.999, 1)])
def test_a_refusal_names_the_seconds_until_the_next_minute(passed: float, wait: int) -> None:
    gate = Gate()
    gate.clock.move(seconds=passed)
    gate.admitted(*[any_token()] * 3)
    assert gate.asks_to_wait(any_token()) == wait
    gate.clock.move(seconds=wait)
    assert gate.asks_to_wait(any_token()) == 0


def test_a_network_has_a_bounded_number_of_counters() -> None:
    gate = Gate()
    gate.limiter = Limiter("review", Rates(10_000, 10_000), gate.counters, gate.clock)
    gate.admitted(*made_up(5_000), "", "short", "\ud800", "x" * 100_000)
    assert len(gate.counters.ends) == 1
    assert len(gate.counters.counted) <= 1 + 256


def test_counters_expire_after_their_minute() -> None:
    gate = Gate()
    gate.clock.move(seconds=20)
    gate.admitted(any_token())
    assert set(gate.counters.ends.values()) == {int((NOW + timedelta(minutes=1)).timestamp())}


def test_containers_count_together() -> None:
    counters = MemoryCounters()
    assert Gate(counters).admitted(*[any_token()] * 2) + Gate(counters).admitted(*[any_token()] * 2) == 3


def test_few_requests_of_a_network_are_not_written_and_many_are_written_a_few_at_once() -> None:
    gate = Gate()
    gate.limiter = Limiter("review", Rates(per_source=600, per_token=60), gate.counters, gate.clock)
    assert (gate.admitted(any_token(), *made_up(1)), gate.counters.written) == (2, 0)
    assert gate.admitted(*[any_token()] * 1000) == 60, "61 in all: at most two more than the limit"
    assert gate.counters.written == 21
    gate.clock.move(minutes=1)
    assert (gate.admitted(any_token()), gate.counters.written) == (1, 21)


def test_a_token_has_its_limit_also_between_requests_with_other_tokens() -> None:
    gate = Gate()
    gate.limiter = Limiter("review", Rates(per_source=600, per_token=60), gate.counters, gate.clock)
    in_turn = [token for other in made_up(200) for token in (any_token(), any_token(), other)]
    admitted = [token for token in in_turn if gate.admitted(token)]
    assert admitted.count(any_token()) <= 62


def test_each_name_counts_by_itself() -> None:
    counters = MemoryCounters()
    Gate(counters, "callbacks").admitted(*made_up(10))
    assert Gate(counters, "review").admitted(any_token()) == 1


@pytest.mark.parametrize("tokens", [[any_token()] * 100, made_up(100)], ids=["one token", "many tokens"])
def test_a_container_remembers_a_reached_limit_until_the_next_minute(tokens: list[str]) -> None:
    gate = Gate()
    gate.admitted(*tokens)
    asked = gate.counters.counted.total()
    gate.admitted(*tokens)
    assert gate.counters.counted.total() == asked
    gate.clock.move(minutes=1)
    assert gate.admitted(any_token()) == 1
