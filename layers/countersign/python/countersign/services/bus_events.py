"""Events of EventBridge: what machines answer over the kit's bus, and what partners send over theirs.

Nothing in an event is signed. EventBridge vouches for its `source`: only principals of this account may put events on
the kit's bus, and nobody but the partner can put one whose source starts with `aws.partner/`
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-saas.html).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from countersign.contracts import validation
from countersign.domain.answers import ON_PARTNER_BUS, Sender
from countersign.domain.provider_events import Handling
from countersign.domain.strict_json import canonical
from countersign.providers.base import Verified, load
from countersign.providers.documents import Document
from countersign.services.answers import Results, failure_of
from countersign.services.provider_events import ProviderEvents
from countersign.services.webhooks import Source, take

ON_BUS = "event bus"
"""How the audit says that the sender of a result was identified."""

MAX_SOURCE_CHARACTERS = 256
"""https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html allows no more."""


@dataclass(frozen=True)
class Partner:
    """A provider whose events come over a partner event bus.

    Attributes:
        name: What tasks are correlated under.
        source: What translates its events, and which of them act.
    """

    name: str
    source: Source


@dataclass(frozen=True)
class Received:
    """What became of an event.

    Attributes:
        handlings: What became of it; several when a partner says several things at once, none of what the kit ignores.
        task_id: The task that a machine answered; empty for a partner's events, which do not name it.
        partner: The partner; empty for a machine.
    """

    handlings: tuple[Handling, ...]
    task_id: str = ""
    partner: str = ""


@dataclass(frozen=True)
class BusEvents:
    """Takes the events of the queue that the rules feed.

    Attributes:
        partners: The stage's partners, by the source of their events.
    """

    results: Results
    events: ProviderEvents
    partners: Mapping[str, Partner]

    def receive(self, body: bytes) -> Received:
        """Put on record what one event says.

        Raises:
            ContractError: It is no event, or its detail breaks a contract; AnswerRefusedError, if that of its task.
            UnknownTaskError: There is no such task, or it is one for people.
            DecidedOtherwiseError: The task has another answer.
            TaskClosedError: The task expired or was cancelled.
            UnknownSchemeError: A partner's scheme is none of the kit's.
            TransientError: Something did not answer; nothing is lost when the event is received again.
        """
        event = Document.read(body)
        source = event.text("/source", MAX_SOURCE_CHARACTERS)
        if source in self.partners:
            return self._of_partner(self.partners[source], event)
        return self._result(event, source)

    def _of_partner(self, partner: Partner, event: Document) -> Received:
        event.member("/detail")
        verified = Verified(canonical(event.find("/detail")), event.text("/id"))
        sender = Sender(partner.name, ON_PARTNER_BUS)
        received = take(load(partner.source.scheme), verified, partner.source, self.events, sender)
        return Received(received.handlings, partner=partner.name)

    def _result(self, event: Document, source: str) -> Received:
        detail = validation.check("task-result", event.find("/detail"), "/detail")
        task_id, sender = detail["task_id"], Sender(source, ON_BUS)
        if detail["outcome"] == "succeeded":
            receipt = self.results.succeed(task_id, detail["answer"], sender)
        else:
            receipt = self.results.fail(task_id, failure_of(detail["error"]), sender)
        return Received((receipt.handling,), task_id)
