"""Limits: how often one network may ask in a minute, and how often with one token."""

from dataclasses import dataclass
from hashlib import sha256
from math import ceil

from countersign.domain.clock import Clock
from countersign.domain.errors import TooManyRequestsError
from countersign.ports import Counters

WINDOW_SECONDS = 60


@dataclass(frozen=True)
class Rates:
    """What is allowed in a minute.

    Attributes:
        per_source: To one network, with all its tokens together. Many people share one behind a company's gateway or
            a mobile carrier's.
        per_token: To one token from one network.
    """

    per_source: int
    per_token: int


class Limiter:
    """Counts requests in minutes of the clock, and refuses those that are too many.

    Tokens are counted for each network by itself: whoever has somebody's link, or makes up links without end, uses up
    what is allowed to their own network and to nobody else's.
    """

    def __init__(self, name: str, rates: Rates, counters: Counters, clock: Clock) -> None:
        """Take what is allowed.

        Args:
            name: What it limits; each name is counted by itself.
            rates: How much is allowed.
            counters: Where all containers count together.
            clock: The time.
        """
        self._name = name
        self._rates = rates
        self._counters = counters
        self._clock = clock
        self._window = 0
        self._full: set[str] = set()

    def admit(self, source: str, token: str) -> None:
        """Count a request, and let it pass or not.

        Whoever is over the limit stays so until the minute is over, so that this container asks no more about them.

        Args:
            source: The network that it comes from; empty for one that is not known.
            token: What it shows; any text.

        Raises:
            TooManyRequestsError: It is one too many.
            LedgerUnavailableError: The counters did not answer.
        """
        now = self._clock.now().timestamp()
        window = int(now // WINDOW_SECONDS)
        if window != self._window:
            self._window, self._full = window, set()
        slot = _slot_of(token)
        if self._full.isdisjoint((source, f"{source} {slot}")):
            key, ends = f"{self._name}#{source}#{window}", (window + 1) * WINDOW_SECONDS
            by_source, by_token = self._counters.count(key, slot, ends)
            if by_source > self._rates.per_source:
                self._full.add(source)
            elif by_token > self._rates.per_token:
                self._full.add(f"{source} {slot}")
            else:
                return
        raise TooManyRequestsError(ceil((window + 1) * WINDOW_SECONDS - now))


def _slot_of(token: str) -> int:
    """Return which of 256 counters of its network a token is counted in: made up tokens make no more of them."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()[0]
