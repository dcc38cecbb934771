"""A simulated payment provider for the embedded cloud, with the habits of real ones.

It takes the hand-offs of its payments from the queue `external-tasks`, and posts Standard Webhooks about them
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md). It runs only on request,
because other readers of that queue miss the messages that it takes.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus

from local.providers import made_up
from operate.client import Envelope, take
from operate.embedded import http
from operate.embedded.cloud import Cloud
from operate.embedded.http import Answer

PROVIDER = "sandbox"
SCHEME = "standard_webhooks"

_PAUSES_SECONDS = (0, 0.25, 0.5, 1, 2, 4)
"""The pauses before each attempt. Those of the specification reach 14 hours."""

_AT_ONCE = 8
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Post:
    """One delivery of an event about a payment. Posts with the same content deliver the same event.

    Attributes:
        says: The event's type, without `payment.`.
        after_seconds: The pause before it.
        too_much: The sum that is added to the amount.
        forged: Whether it is signed with a secret that was never issued.
    """

    says: str
    after_seconds: float = 0
    too_much: Decimal = Decimal(0)
    forged: bool = False


_PAID, _PENDING, _PAID_LATER = Post("paid"), Post("pending"), Post("paid", after_seconds=1)

HABITS: Mapping[str, tuple[tuple[Post, ...], ...]] = {
    "prompt": ((_PAID,),),
    "failed": ((Post("failed"),),),
    "delay": ((Post("paid", after_seconds=3),),),
    "duplicates": ((_PAID,), (_PAID, _PAID), (_PAID_LATER,)),
    "declined-first": ((Post("declined"),), (_PAID_LATER,)),
    "refunded": ((_PAID,), (Post("refunded", after_seconds=1),)),
    "pending-first": ((_PENDING,), (_PAID_LATER,)),
    "wrong-order": ((_PAID,), (_PENDING,)),
    "wrong-amount": ((Post("paid", too_much=Decimal(1)),), (_PAID_LATER,)),
    "bad-signature": ((Post("paid", forged=True),), (_PAID,)),
    "burst": ((_PENDING, _PAID) * 10,),
}
"""How a provider may report a payment: its posts, in waves. The posts of a wave are sent at the same moment."""


@dataclass(frozen=True)
class Payment:
    """A payment that a workflow waits for.

    Attributes:
        external_id: The provider's id for it.
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
    """The result of a post.

    Attributes:
        post: The post.
        statuses: The status of each attempt's response; 0 without one.
        handling: The kit's handling of the event, by the last response; empty if the kit refused the event.
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
        cloud: The cloud that it posts to.
        habit: A name of `HABITS`.
        provider: Its name in the settings.
    """

    cloud: Cloud
    habit: str = "prompt"
    provider: str = PROVIDER

    def serve(self) -> Iterator[Delivery]:
        """Take payments and report each, as long as the caller iterates."""
        while True:
            payments = self.asked()
            for payment in payments:
                yield from self.settle(payment)
            if not payments:
                time.sleep(_LOOK_SECONDS)

    def asked(self) -> list[Payment]:
        """Take the payments of this provider from the queue, and leave the other hand-offs there."""
        tasks = [envelope["task"] for envelope in take(self.cloud, self._is_asked)]
        return [Payment(task["external_id"], task["amount"], task["currency"]) for task in tasks]

    def settle(self, payment: Payment) -> Iterator[Delivery]:
        """Post the events of a payment by the habit."""
        yield from self._post(payment, HABITS[self.habit])

    def report(self, payment: Payment, says: str) -> Iterator[Delivery]:
        """Post one event about a payment or a part of it, such as `refunded`."""
        yield from self._post(payment, ((Post(says),),))

    def _post(self, payment: Payment, waves: tuple[tuple[Post, ...], ...]) -> Iterator[Delivery]:
        events: dict[tuple[str, Decimal], Event] = {}
        for wave in waves:
            for post in wave:
                events.setdefault((post.says, post.too_much), Event.of(payment, post.says, post.too_much))
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                yield from threads.map(lambda post: self._deliver(post, events[post.says, post.too_much]), wave)

    def post(self, event: Event, secret: str) -> Answer | None:
        """Post an event once, signed now; None without a response."""
        url = f"{self.cloud.api_url}/webhooks/{self.provider}"
        try:
            return http.send("POST", url, event.body, signed(event, secret))
        except OSError:
            return None

    def deliver(self, event: Event, secret: str) -> list[Answer | None]:
        """Post an event until it is accepted, the address is gone (410), or the attempts are used up."""
        answers: list[Answer | None] = []
        for pause in _PAUSES_SECONDS:
            time.sleep(pause)
            answers.append(self.post(event, secret))
            if (answer := answers[-1]) and (_is_accepted(answer) or answer.status == HTTPStatus.GONE):
                break
        return answers

    def _deliver(self, post: Post, event: Event) -> Delivery:
        time.sleep(post.after_seconds)
        answers = self.deliver(event, made_up(SCHEME) if post.forged else self.cloud.providers[self.provider])
        last = answers[-1]
        handling = last.json()["status"] if last and _is_accepted(last) else ""
        return Delivery(post, tuple(answer.status if answer else 0 for answer in answers), handling)

    def _is_asked(self, envelope: Envelope) -> bool:
        return envelope.get("kind") == "payment.requested" and envelope["task"].get("provider") == self.provider


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


def _is_accepted(answer: Answer) -> bool:
    return answer.status < HTTPStatus.MULTIPLE_CHOICES
