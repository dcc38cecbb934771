"""Examples of every page and mail, as the functions make them for one reader: the ledger is in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from countersign.channels import Message, messages
from countersign.composition import Ports, use
from countersign.contracts import envelope
from countersign.domain import tasks
from countersign.domain.questions import Attachment, Person
from countersign.domain.rules import Rule
from countersign.presentation import words
from countersign.presentation.brand import PLAIN
from countersign.services.deliveries import Deliveries
from countersign.services.moot_links import MootLinks
from countersign.services.tellings import Tellings
from countersign.testing.builders import any_task, http_event
from countersign.testing.fakes import FixedClock, MemoryDirectory, MemoryLedger
from review.handler import handler

NOW = datetime(2027, 3, 1, 9, 12, tzinfo=UTC)
MARIA, HUGO, LI, RITA = (f"{name}@example.com" for name in ("maria", "hugo", "li", "rita"))
ORDER: Mapping[str, Any] = {
    "title": "Order 1001",
    "details": (("Order", "1001"), ("Description", "Twelve office chairs,\nblack, with armrests")),
    "requester": RITA,
    "amount": "250.00 EUR",
    "send_back": True,
    "attachments": (Attachment("Offer.pdf", "https://files.example.com/offers/1001.pdf"),),
}
MACHINE: Mapping[str, Any] = {
    "title": "Order 1007",
    "details": (("Order", "1007"), ("Description", "A milling machine")),
    "amount": "1234567.50 EUR",
}
TWO_OF_THREE: Mapping[str, Any] = {**MACHINE, "audience": (MARIA, HUGO, LI), "rule": Rule("quorum", 2, veto=False)}


class _Unlimited:
    """Counters that never reach a limit."""

    def count(self, key: str, added: Mapping[int, int], ends: int) -> tuple[int, Mapping[int, int]]:  # noqa: ARG002
        return 0, added


class Scene:
    """Tasks that wait for Maria and for others, on Rita's requests.

    Args:
        language: The language of Maria and Rita.

    Attributes:
        mails: The last mail to each person, as HTML.
    """

    def __init__(self, language: str) -> None:
        self.mails: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._people = {
            MARIA: Person(name="Maria Rossi", language=language, time_zone="Europe/Berlin"),
            HUGO: Person(name="Hugo Weber"),
            RITA: Person(name="Rita Okafor", language=language, time_zone="Europe/Berlin"),
        }
        self.ledger, self.clock = MemoryLedger(), FixedClock(NOW)
        self._deliveries = Deliveries(self.ledger, self._sent, self.clock, "https://approvals.example.com", "")
        self._ports = Ports({"LIMITS": '{"per_source": 1, "per_token": 1}'}, {"brand": PLAIN})
        self._ports.ledger, self._ports.clock = self.ledger, self.clock
        self._ports.directory, self._ports.counters = MemoryDirectory(), _Unlimited()

    def _sent(self, message: Message) -> Mapping[str, str]:
        self._tokens[message.recipient] = message.link.partition("?t=")[2]
        with words.reading():
            words.turn_to(message.recipient, message.people)
            self.mails[message.recipient] = messages.html(message)
        return {"channel": "email"}

    def ask(self, number: int = 1001, days: float = 2.2, **changes: Any) -> str:
        """Open a task and send its links; return its id."""
        fields = {"audience": (MARIA,), "expires_at": NOW + timedelta(days=days), "tells_requester": True}
        task = any_task(
            **{
                "task_id": f"order-{number}.approval",
                "opened_at": NOW,
                "people": self._people,
                **fields,
                **ORDER,
                **changes,
            }
        )
        self.ledger.open(task, (tasks.opened(task, "order-approval"),), NOW)
        self._deliveries.deliver(envelope.requested(task))
        return task.task_id

    def remind(self, task_id: str) -> None:
        """Send a reminder."""
        task = replace(self.ledger.standing[task_id], hand_off=2)
        self.ledger.standing[task_id] = task
        self._deliveries.deliver({**envelope.requested(task), "kind": "approval.reminder", "attempt": 2})

    def tell(self, task_id: str) -> str:
        """Let the workflow read the decision, tell Rita, and return the mail to her."""
        if applied := tasks.close(self.ledger.standing[task_id], self.clock.now()):
            self.ledger.commit(applied)
        Tellings(self._deliveries).tell(task_id)
        return self.mails[RITA]

    def tell_moot(self, task_id: str) -> str:
        """Tell Maria why her link is moot, and return the mail."""
        MootLinks(self._deliveries).tell(task_id)
        return self.mails[MARIA]

    def show(self, path: str = "/review", person: str = MARIA) -> str:
        """Return a page of a person's last link."""
        return self._page("GET", path, query={"t": self._tokens[person]})

    def post(self, decision: str, person: str = MARIA, path: str = "/review", **fields: str) -> str:
        """Return the answer to the form of a person's page."""
        shown = re.search('name="shown" value="([0-9a-f]{64})"', self.show(person=person))
        form = {"t": self._tokens[person], "decision": decision, "shown": shown[1] if shown else "", **fields}
        return self._page("POST", path, urlencode(form))

    def look(self, token: str) -> str:
        """Return the page of a link."""
        return self._page("GET", "/review", query={"t": token})

    def decide_ticked(self, decision: str) -> str:
        """Tick everything on Maria's list that can be ticked, and return the answer."""
        ticks = re.findall('name="tick" value="([^"]*)"', self.show("/inbox"))
        form = [("t", self._tokens[MARIA]), ("decision", decision), *(("tick", tick) for tick in ticks)]
        return self._page("POST", "/inbox", urlencode(form))

    def inbox(self, task_id: str) -> str:
        """Return the list of all tasks that wait for Maria."""
        task = {"recipients": [MARIA]}
        self._deliveries.deliver_inbox({"kind": messages.INBOX, "task_id": task_id, "task": task})
        return self.show("/inbox")

    def _page(self, method: str, path: str, body: str | None = None, **event: Any) -> str:
        with use(self._ports):
            return str(handler(http_event(method, path, body, **event), None)["body"])


def _review(scene: Scene) -> str:
    scene.ask()
    return scene.show()


def _shared(scene: Scene) -> str:
    scene.ask(**TWO_OF_THREE)
    scene.post("approve", HUGO, comment="We need it by April.")
    return scene.show()


def _voted(scene: Scene) -> str:
    scene.ask(**TWO_OF_THREE)
    scene.post("reject", comment="Please ask for a second offer.")
    return scene.show()


def _confirm(scene: Scene) -> str:
    scene.ask(**MACHINE, confirm=True)
    return scene.post("approve", comment="As agreed.")


def _approved(scene: Scene) -> str:
    scene.ask()
    return scene.post("approve", comment="Fine with me.")


def _recorded(scene: Scene) -> str:
    scene.ask(**TWO_OF_THREE)
    return scene.post("approve")


def _too_late(scene: Scene) -> str:
    scene.ask(audience=(MARIA, HUGO))
    maria = scene.show()
    scene.post("approve", HUGO, comment="Ordered last year too.")
    return scene.post("reject", shown=re.findall('name="shown" value="([0-9a-f]{64})"', maria)[0])


def _delegate(scene: Scene) -> str:
    scene.ask()
    return scene.post("", path="/delegate", colleague=HUGO)


def _delegated(scene: Scene) -> str:
    scene.ask()
    return scene.post("", path="/delegate", colleague=HUGO, confirmed="yes")


def _sent_back(scene: Scene) -> str:
    scene.ask(**MACHINE)
    return scene.post("return", comment="Which supplier is it?")


def _returned(scene: Scene) -> str:
    scene.ask(**TWO_OF_THREE)
    scene.post("return", HUGO, comment="Which supplier is it?")
    return scene.show()


def _expired(scene: Scene) -> str:
    scene.ask()
    scene.clock.move(days=3)
    return scene.show()


def _withdrawn(scene: Scene) -> str:
    task = scene.ledger.standing[scene.ask()]
    scene.ledger.commit(tasks.withdraw(task, "olga", "Ordered by mistake", NOW))
    return scene.show()


def _inbox(scene: Scene) -> str:
    scene.ask(1004, 6, title="Order 1004", amount="18400.00 EUR")
    scene.ask(1007, 0.2, **TWO_OF_THREE)
    return scene.inbox(scene.ask())


def _batch(scene: Scene) -> str:
    _inbox(scene)
    return scene.decide_ticked("approve")


def _status(scene: Scene) -> str:
    _approved_mail(scene)
    return scene.show("/request", RITA)


def _asked(scene: Scene) -> str:
    _returned_mail(scene)
    return scene.show("/request", RITA)


def _unknown(scene: Scene) -> str:
    scene.ask()
    return scene.look("cut-off")


def _mail(**changes: Any) -> Callable[[Scene], str]:
    def made(scene: Scene) -> str:
        scene.ask(**changes)
        return scene.mails[MARIA]

    return made


def _reminder(scene: Scene) -> str:
    task_id = scene.ask(**TWO_OF_THREE)
    scene.post("approve", HUGO, comment="We need it by April.")
    scene.clock.move(days=2)
    scene.remind(task_id)
    return scene.mails[MARIA]


def _inbox_mail(scene: Scene) -> str:
    _inbox(scene)
    return scene.mails[MARIA]


def _approved_mail(scene: Scene) -> str:
    task_id = scene.ask()
    scene.post("approve", comment="Fine with me.")
    return scene.tell(task_id)


def _rejected_mail(scene: Scene) -> str:
    task_id = scene.ask(**MACHINE)
    scene.post("reject", comment="Please ask for a second offer.")
    return scene.tell(task_id)


def _returned_mail(scene: Scene) -> str:
    task_id = scene.ask(**MACHINE)
    scene.post("return", comment="Which supplier is it?")
    return scene.tell(task_id)


def _moot_mail(scene: Scene) -> str:
    task = scene.ledger.standing[scene.ask()]
    scene.ledger.commit(tasks.withdraw(task, "olga", "Ordered by mistake", NOW))
    return scene.tell_moot(task.task_id)


EXAMPLES: Mapping[str, Callable[[Scene], str]] = {
    "review": _review,
    "review-shared": _shared,
    "review-voted": _voted,
    "confirm": _confirm,
    "approved": _approved,
    "recorded": _recorded,
    "too-late": _too_late,
    "sent-back": _sent_back,
    "returned": _returned,
    "delegate": _delegate,
    "delegated": _delegated,
    "expired": _expired,
    "withdrawn": _withdrawn,
    "request-returned": _asked,
    "request-approved": _status,
    "unknown": _unknown,
    "inbox": _inbox,
    "batch": _batch,
    "mail": _mail(),
    "mail-shared": _mail(**TWO_OF_THREE),
    "mail-reminder": _reminder,
    "mail-inbox": _inbox_mail,
    "mail-approved": _approved_mail,
    "mail-rejected": _rejected_mail,
    "mail-returned": _returned_mail,
    "mail-moot": _moot_mail,
}
"""Every page and mail by the name of its picture."""
