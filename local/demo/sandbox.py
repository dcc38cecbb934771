"""A pretend payment provider for the embedded cloud, with the habits of real ones.

It takes the payments that workflows ask it for from the queue `external-tasks`, and posts Standard Webhooks about them
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md). It runs only when it is
asked to: whoever else reads that queue would miss what it takes.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus

from local.demo.machines import Envelope, take
from local.providers import made_up
from operate.embedded import http
from operate.embedded.cloud import Cloud

PROVIDER = "sandbox"
SCHEME = "standard_webhooks"

_PAUSES_SECONDS = (0, 0.25, 0.5, 1, 2, 4)
"""Before each attempt. The specification's are up to 14 hours; nobody waits for that on a laptop."""

_AT_ONCE = 8
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Post:
    """What a habit says of a payment.

    Attributes:
        says: The event's type, without `payment.`.
        too_much: What is added to the amount.
        forged: Signed with a secret that was never issued.
    """

    says: str
    too_much: Decimal = Decimal(0)
    forged: bool = False


@dataclass(frozen=True)
class Wave:
    """Posts at the same moment; the same post twice is one event that is delivered twice.

    Attributes:
        posts: The posts.
        after_seconds: How long after the wave before.
    """

    posts: tuple[Post, ...]
    after_seconds: float = 0


@dataclass(frozen=True)
class Habit:
    """How a provider goes about a payment.

    Attributes:
        waves: What it posts, one wave after the other.
        ends_as: What the payment is in the end.
    """

    waves: tuple[Wave, ...]
    ends_as: str = "paid"


_PAID, _PENDING = Post("paid"), Post("pending")

HABITS: Mapping[str, Habit] = {
    "prompt": Habit((Wave((_PAID,)),)),
    "failed": Habit((Wave((Post("failed"),)),), ends_as="failed"),
    "delay": Habit((Wave((_PAID,), after_seconds=3),)),
    "duplicates": Habit((Wave((_PAID,)), Wave((_PAID, _PAID)), Wave((_PAID,), after_seconds=1))),
    "declined-first": Habit((Wave((Post("declined"),)), Wave((_PAID,), after_seconds=1))),
    "refunded": Habit((Wave((_PAID,)), Wave((Post("refunded"),), after_seconds=1))),
    "pending-first": Habit((Wave((_PENDING,)), Wave((_PAID,), after_seconds=1))),
    "wrong-order": Habit((Wave((_PAID,)), Wave((_PENDING,)))),
    "wrong-amount": Habit((Wave((Post("paid", too_much=Decimal(1)),)), Wave((_PAID,), after_seconds=1))),
    "bad-signature": Habit((Wave((Post("paid", forged=True),)), Wave((_PAID,)))),
    "burst": Habit((Wave((_PENDING, _PAID) * 10),)),
}
"""The habits, by name."""


@dataclass(frozen=True)
class Payment:
    """What is to be paid.

    Attributes:
        external_id: What the provider calls the payment.
        amount: In units of the currency, as decimal text.
        currency: ISO 4217 code.
    """

    external_id: str
    amount: str
    currency: str


@dataclass(frozen=True)
class Event:
    """One event: the same id and body at every attempt.

    Attributes:
        message_id: Its id.
        body: Its body.
    """

    message_id: str
    body: bytes

    @classmethod
    def of(cls, payment: Payment, says: str, too_much: Decimal = Decimal(0)) -> Event:
        """Return an event about a payment that happens now."""
        data = {
            "external_id": payment.external_id,
            "amount": str(Decimal(payment.amount) + too_much),
            "currency": payment.currency,
            **({"reason": "insufficient_funds"} if says in ("declined", "failed") else {}),
        }
        document = {"type": f"payment.{says}", "timestamp": datetime.now(UTC).isoformat(), "data": data}
        return cls(f"msg_{secrets.token_hex(12)}", json.dumps(document).encode())


@dataclass(frozen=True)
class Delivery:
    """How an event was taken.

    Attributes:
        post: What it said.
        statuses: What each attempt was answered; 0 where nothing came back.
        handling: What the last answer says became of it; empty when it was refused.
    """

    post: Post
    statuses: tuple[int, ...]
    handling: str

    def __str__(self) -> str:
        forged = ", with a forged signature" if self.post.forged else ""
        more = f", {self.post.too_much} too much" if self.post.too_much else ""
        answers = ", ".join(map(str, self.statuses))
        return f"payment.{self.post.says}{more}{forged} → {answers} {self.handling}".rstrip()


@dataclass(frozen=True)
class Sandbox:
    """The provider.

    Attributes:
        cloud: Where it posts to.
        habit: Name of its habit.
        provider: The name that it goes by there.
    """

    cloud: Cloud
    habit: str = "prompt"
    provider: str = PROVIDER
    _forger: str = field(default_factory=lambda: made_up(SCHEME))

    def serve(self) -> Iterator[Delivery]:
        """Take payments and settle each, for as long as deliveries are asked for."""
        while True:
            payments = self.asked()
            for payment in payments:
                yield from self.settle(payment)
            if not payments:
                time.sleep(_LOOK_SECONDS)

    def asked(self) -> list[Payment]:
        """Take what is asked of this provider from the queue, and leave what is for others."""
        envelopes = take(self.cloud, lambda envelope: self._payment_in(envelope) is not None)
        return [payment for envelope in envelopes if (payment := self._payment_in(envelope))]

    def settle(self, payment: Payment) -> Iterator[Delivery]:
        """Post about a payment, as the habit has it."""
        events: dict[Post, Event] = {}
        for wave in HABITS[self.habit].waves:
            time.sleep(wave.after_seconds)
            for post in wave.posts:
                events.setdefault(post, Event.of(payment, post.says, post.too_much))
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                yield from threads.map(lambda post: self._deliver(post, events[post]), wave.posts)

    def deliver(self, event: Event, secret: str) -> list[http.Answer | None]:
        """Post an event until it is taken, or the attempts are used up; signed anew at each.

        Returns:
            The answers, None where nothing came back.
        """
        answers: list[http.Answer | None] = []
        for pause in _PAUSES_SECONDS:
            time.sleep(pause)
            answers.append(self.post(event, secret))
            if answers[-1] and _is_final(answers[-1].status):
                break
        return answers

    def post(self, event: Event, secret: str) -> http.Answer | None:
        """Post an event once; None when nothing comes back."""
        url = f"{self.cloud.api_url}/webhooks/{self.provider}"
        try:
            return http.send("POST", url, event.body, signed(event, secret))
        except OSError:
            return None

    def _deliver(self, post: Post, event: Event) -> Delivery:
        answers = self.deliver(event, self._forger if post.forged else self.cloud.providers[self.provider])
        last = answers[-1]
        handling = last.json()["status"] if last and last.status < HTTPStatus.BAD_REQUEST else ""
        return Delivery(post, tuple(answer.status if answer else 0 for answer in answers), handling)

    def _payment_in(self, envelope: Envelope) -> Payment | None:
        """Return the payment that a hand-off asks of this provider; None where it asks something else."""
        try:
            task = envelope["task"]
            if (envelope["kind"], task["provider"]) != ("payment.requested", self.provider):
                return None
            return Payment(task["external_id"], task["amount"], task["currency"])
        except (TypeError, KeyError):
            return None


def signed(event: Event, secret: str) -> dict[str, str]:
    """Return the headers of an event that is posted now."""
    from standardwebhooks import Webhook

    now = datetime.now(UTC)
    return {
        "Content-Type": "application/json",
        "webhook-id": event.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(event.message_id, now, event.body.decode()),
    }


def _is_final(status: int) -> bool:
    """Whether an answer ends the attempts: it was taken, or the address is gone for good."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or status == HTTPStatus.GONE
