"""Events of EventBridge: answers of machines over the kit's bus, events of partners over their own, reports of SES.

Nothing in an event is signed. EventBridge vouches for its `source`: only principals of this account may put events on
the kit's bus, only the partner can put an event whose source starts with `aws.partner/`
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-saas.html), and only AWS one whose source is `aws.ses`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from countersign.channels import ses_events
from countersign.contracts import validation
from countersign.domain.answers import ON_BUS, ON_PARTNER_BUS, Sender
from countersign.domain.mails import MailReport
from countersign.domain.provider_events import Handling
from countersign.domain.strict_json import canonical
from countersign.providers.base import Verified, load
from countersign.providers.documents import Document
from countersign.services.answers import Results, failure_of
from countersign.services.mail_reports import MailReports
from countersign.services.provider_events import ProviderEvents
from countersign.services.webhooks import Source, take

MAX_SOURCE_CHARACTERS = 256
"""Limit of https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html."""


@dataclass(frozen=True)
class Partner:
    """A provider whose events come over a partner event bus.

    Attributes:
        name: The name under which tasks are correlated.
        source: Its scheme, and which of its events act.
    """

    name: str
    source: Source


@dataclass(frozen=True)
class Received:
    """The result of an event.

    Attributes:
        handlings: How each part is handled: several if a partner reports several things, none if it is ignored.
        task_id: The task that a machine answered, or that a mail is about; empty for a partner's events.
        partner: The partner's name; empty for a machine.
        mail: A new report about a mail; None without one.
    """

    handlings: tuple[Handling, ...]
    task_id: str = ""
    partner: str = ""
    mail: MailReport | None = None


@dataclass(frozen=True)
class BusEvents:
    """Records the events of the queue that the rules feed.

    Attributes:
        partners: The stage's partners, by the source of their events.
    """

    results: Results
    events: ProviderEvents
    mails: MailReports
    partners: Mapping[str, Partner]

    def receive(self, body: bytes) -> Received:
        """Record one event.

        Raises:
            ContractError: The body is not an event, or its detail breaks a contract; AnswerRefusedError, if that of
                its task.
            UnknownTaskError: No task of a machine has this id.
            DecidedOtherwiseError: The task has another answer.
            TaskClosedError: The task expired or was cancelled.
            UnknownSchemeError: The kit has no provider module for the partner's scheme.
            TransientError: A service did not answer; receive the event again.
        """
        event = Document.read(body)
        source = event.text("/source", MAX_SOURCE_CHARACTERS)
        if source in self.partners:
            return self._of_partner(self.partners[source], event)
        if source == ses_events.SOURCE:
            return self._of_mail(event.member("/detail"), source)
        return self._result(event, source)

    def _of_partner(self, partner: Partner, event: Document) -> Received:
        event.member("/detail")
        verified = Verified(canonical(event.find("/detail")), event.text("/id"))
        sender = Sender(partner.name, ON_PARTNER_BUS)
        received = take(load(partner.source.scheme), verified, partner.source, self.events, sender)
        return Received(received.handlings, partner=partner.name)

    def _of_mail(self, detail: Document, source: str) -> Received:
        report = ses_events.read(detail)
        if report is None:
            return Received(())
        handling = self.mails.record(report, source)
        return Received((handling,), report.task_id, mail=report if handling is Handling.RECORDED else None)

    def _result(self, event: Document, source: str) -> Received:
        detail = validation.check("task-result", event.find("/detail"), "/detail")
        task_id, sender = detail["task_id"], Sender(source, ON_BUS)
        if detail["outcome"] == "succeeded":
            receipt = self.results.succeed(task_id, detail["answer"], sender)
        else:
            receipt = self.results.fail(task_id, failure_of(detail["error"]), sender)
        return Received((receipt.handling,), task_id)
