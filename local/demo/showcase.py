"""The callback patterns on the embedded cloud: one as it happens, or all of them as a table."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

from local.client import open_page, press
from local.demo.demo import PATIENCE_SECONDS, Demo, DemoError, wait_for
from local.demo.machines import Envelope, answer, take
from local.demo.scenarios import OrderApproval, Payment
from local.demo.scripts import DEADLINE_SECONDS, SCRIPTS, WAYS, Script
from operate.embedded.cloud import Cloud
from operate.embedded.mailbox import Mail, Mailbox
from operate.terminal import Terminal

_terminal = Terminal()

ALL = "all"
"""Name of the scenario that is all the others, one after the other."""


_LOOKS_A_ROUND = 10
"""Of how many requests the API is asked between two looks into the queue."""


@dataclass(kw_only=True)
class PatternDemo(Demo):
    """A callback pattern, in one of its ways: the machines around it answer by a script."""

    scripts: ClassVar[Mapping[str, Script]]
    _asked: Counter[str] = field(default_factory=Counter, init=False)
    _old_mails: frozenset[str] = field(default=frozenset(), init=False)
    _reviewed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.answer = self.answer or WAYS[0]
        self._script = self.scripts[self.answer]

    def run(self) -> dict[str, Any]:
        """See `Demo.run`."""
        self.start()
        execution = wait_for("the durable execution", self.execution)
        answer_all(self.cloud, [self])
        return self._end(execution)

    def start(self) -> None:
        """Start the workflow.

        Raises:
            DemoError: The API refused it.
        """
        if self._script.reviewer:
            self._old_mails = frozenset(mail.message_id for mail in self._mails())
        self._submit()

    def hear(self, envelope: Envelope) -> None:
        """Say to a hand-off what the script says.

        Raises:
            DemoError: It was answered otherwise than the script has it.
        """
        kind = envelope["kind"]
        self.tell("hand-off", f"{kind}, of {envelope['task_id']}")
        reply = self._script.reply(kind, self._asked[kind])
        self._asked[kind] += 1
        for call in reply:
            heard = answer(envelope, call)
            self.tell("answer", f"{call} → {heard.status}")
            if heard.status != call.answered:
                raise DemoError(f"{call} to {kind} was answered {heard.status}, not {call.answered}: {heard.text}")

    def review(self) -> None:
        """Have the reviewer of the script approve, once there is a mail."""
        if self._script.reviewer and not self._reviewed and (link := self._link()):
            page = press(open_page(link), "approve", comment="Approved by the demo.")
            self.tell("decision", f"{self._script.reviewer} approves by the link in the mail → {page.answer.status}")
            self._reviewed = page.answer.status == HTTPStatus.OK

    def _input(self) -> Mapping[str, Any]:
        return {"deadline_seconds": DEADLINE_SECONDS, **self._script.input}

    def _link(self) -> str | None:
        """Return the link of the mail that came since the start; None before it has come."""
        return next((mail.review_link for mail in self._mails() if mail.message_id not in self._old_mails), None)

    def _mails(self) -> list[Mail]:
        return Mailbox(self.cloud.mailbox_url).mails(self._script.reviewer)

    def _sentence(self, result: Mapping[str, Any]) -> str:
        return ", ".join(f"{name} {value!r}" for name, value in result.items())

    def _check(self, report: Mapping[str, Any]) -> None:
        if report["result"] != self._script.result:
            raise DemoError(f"the workflow ended {report['result']} ({report['status']}), not {self._script.result}")


def answer_all(cloud: Cloud, demos: Iterable[PatternDemo]) -> None:
    """Script the machines around patterns that were started, until all of them have ended.

    Raises:
        DemoError: One did not end in time, or an answer was taken otherwise than its script has it.
    """
    playing = {demo.request_id: demo for demo in demos}
    looked_at = deque(playing)
    quiet_since = time.monotonic()
    while playing:
        for envelope in take(cloud, lambda envelope: envelope.get("request_id") in playing):
            playing[envelope["request_id"]].hear(envelope)
            quiet_since = time.monotonic()
        for request_id in [looked_at.popleft() for _ in range(min(_LOOKS_A_ROUND, len(looked_at)))]:
            playing[request_id].review()
            if playing[request_id].ended_report() is None:
                looked_at.append(request_id)
            else:
                del playing[request_id]
                quiet_since = time.monotonic()
        if time.monotonic() - quiet_since > PATIENCE_SECONDS:
            raise DemoError(f"waited {PATIENCE_SECONDS} seconds in vain for {', '.join(playing)} to end")


def _scenario(name: str, scripts: Mapping[str, Script]) -> type[PatternDemo]:
    answers = {way: str(each.result["status"]) for way, each in scripts.items()}
    return type(f"PatternDemo_{name}", (PatternDemo,), {"workflow": name, "answers": answers, "scripts": scripts})


_SCENARIOS: tuple[type[Demo], ...] = (OrderApproval, Payment, *(_scenario(*each) for each in SCRIPTS.items()))

SCENARIOS: Mapping[str, type[Demo]] = {scenario.workflow: scenario for scenario in _SCENARIOS}
"""What there is to see, by name."""


@dataclass(frozen=True)
class Row:
    """What happened to one workflow."""

    workflow: str
    status: str
    seconds: float
    invocations: int
    operations: int


def show_all(cloud: Cloud) -> list[Row]:
    """Run every scenario, one after the other, and print what happened.

    Raises:
        DemoError: One of them ended otherwise than it should.
    """
    rows = [_row(scenario, cloud) for scenario in SCENARIOS.values()]
    _terminal.table(
        ("workflow", "ended as", "seconds", "invocations", "durable operations"),
        [(row.workflow, row.status, f"{row.seconds:.1f}", str(row.invocations), str(row.operations)) for row in rows],
    )
    return rows


def _row(scenario: type[Demo], cloud: Cloud) -> Row:
    _terminal.title(scenario.workflow)
    began = time.monotonic()
    demo = scenario(
        cloud=cloud,
        answer=next(iter(scenario.answers)),
        request_id=f"demo-{time.strftime('%Y%m%d-%H%M%S')}-{scenario.workflow}",
    )
    result = demo.run()
    seconds, execution = time.monotonic() - began, demo.execution()
    if execution is None:
        raise DemoError(f"the durable execution of {demo.request_id} is gone")
    return Row(scenario.workflow, result["status"], seconds, execution.invocations(), len(execution.operations()))
