"""Waiting: an answer that waits for the end of a request."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from countersign.domain.clock import Clock
from countersign.domain.identity import role_of
from countersign.domain.requests import REQUEST_ID

if TYPE_CHECKING:
    from countersign.ports import Places, RequestLedger

BETWEEN_LOOKS = timedelta(seconds=1)

_SPARE = timedelta(seconds=3)
"""How much longer a place is held: the last look takes time. So a crashed function holds its place for 28 seconds."""


@dataclass(frozen=True)
class Waiting:
    """Waits for the ends of requests.

    Attributes:
        pause: Sleeps for this many seconds.
    """

    ledger: RequestLedger
    places: Places
    clock: Clock
    pause: Callable[[float], None] = time.sleep

    def until_ended(self, request_id: str, seconds: int, only_of: str = "") -> None:
        """Wait until a request has ended, or the time is over; not at all if it is unknown or no place is free.

        Args:
            request_id: The request's id.
            seconds: The longest wait.
            only_of: ARN of the role whose requests alone the caller sees; empty for all.
        """
        now = self.clock.now()
        request = self.ledger.request(request_id) if REQUEST_ID.fullmatch(request_id) else None
        if request is None or request.ended or only_of not in ("", role_of(request.submitted_by)):
            return
        until = now + timedelta(seconds=seconds)
        place = self.places.take(now, until + _SPARE)
        if place is None:
            return
        try:
            while self.clock.now() + BETWEEN_LOOKS <= until and not self._has_ended(request_id):
                pass
        finally:
            self.places.leave(place, until + _SPARE)

    def _has_ended(self, request_id: str) -> bool:
        """Look again after a while, with the cheaper read: the report that follows reads consistently."""
        self.pause(BETWEEN_LOOKS.total_seconds())
        request = self.ledger.request(request_id, consistent=False)
        return request is None or request.ended
