"""Rate limits: requests a minute from one network, and with one token."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING

from countersign.domain.clock import Clock
from countersign.domain.errors import TooManyRequestsError

if TYPE_CHECKING:
    from countersign.ports import Counters

WINDOW_SECONDS = 60

_SHARES = 20
"""A container reports the requests of a network when they are this part of the limit of a token. So the few requests of
a person make no write, and a network's limit is exceeded at most by this part for each container."""


@dataclass(frozen=True)
class Rates:
    """Allowed requests a minute.

    Attributes:
        per_source: From one network, with all its tokens. Many people share a network behind the gateway of a company
            or a mobile carrier.
        per_token: With one token from one network.
    """

    per_source: int
    per_token: int


class Limiter:
    """Counts requests in each minute of the clock, and refuses those over the limit.

    A container counts for itself first, and adds a few requests at once to the counters that all containers share.

    Tokens are counted for each network separately: a sender with another person's link, or with invented links, uses up
    only the limit of their own network.
    """

    def __init__(self, name: str, rates: Rates, counters: Counters, clock: Clock) -> None:
        """Set the limits.

        Args:
            name: The limited route; each name has counters of its own.
            rates: The allowed rates.
            counters: The counters that all containers share.
            clock: The time.
        """
        self._name = name
        self._rates = rates
        self._counters = counters
        self._clock = clock
        self._window = 0
        self._full: set[str] = set()
        self._unreported: dict[str, Counter[int]] = defaultdict(Counter)

    def admit(self, source: str, token: str) -> None:
        """Count a request, and refuse it if it is over the limit.

        A sender over the limit stays so until the minute ends, so this container does not read the counters again.

        Args:
            source: The sender's network; empty if unknown.
            token: The request's token; any text.

        Raises:
            TooManyRequestsError: The request is over the limit.
            LedgerUnavailableError: The counters did not answer; the requests are reported with the next one.
        """
        now = self._clock.now().timestamp()
        window = int(now // WINDOW_SECONDS)
        if window != self._window:
            self._window, self._full = window, set()
            self._unreported.clear()
        slot = _slot_of(token)
        if self._admits(source, slot):
            unreported = self._unreported[source]
            unreported[slot] += 1
            if unreported.total() < self._rates.per_token // _SHARES:
                return
            key, ends = f"{self._name}#{source}#{window}", (window + 1) * WINDOW_SECONDS
            by_source, by_token = self._counters.count(key, unreported, ends)
            unreported.clear()
            self._full |= {source} if by_source > self._rates.per_source else set()
            self._full |= {f"{source} {each}" for each, count in by_token.items() if count > self._rates.per_token}
            if self._admits(source, slot):
                return
        raise TooManyRequestsError(ceil((window + 1) * WINDOW_SECONDS - now))

    def _admits(self, source: str, slot: int) -> bool:
        return self._full.isdisjoint((source, f"{source} {slot}"))


def _slot_of(token: str) -> int:
    """Map a token to one of 256 counters, so invented tokens cannot create more."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()[0]
