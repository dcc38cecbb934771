"""Requests of every workflow, repeated requests, and requests with another input."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition

import requests_api.handler
from benchmarks.soak.invariants import ViolationError
from benchmarks.soak.scene import PICK, Scene, action
from benchmarks.soak.world import ESCALATED, PROVIDER

PEOPLE = ("maria@example.com", "otto@example.com", "li@example.com", "ben@example.com")
REQUESTER = "rita@example.com"
AMOUNTS = (ESCALATED, ESCALATED, "2500.00", "20.00")
RULES: tuple[dict[str, Any] | None, ...] = (
    None,
    {"kind": "all"},
    {"kind": "quorum", "k": 2},
    {"kind": "quorum", "k": 2, "veto": True},
    {"kind": "in_order"},
)
DEADLINES = (86_400, 300, 3600)
INPUTS: Mapping[str, dict[str, Any]] = {
    "document-collection": {"user_id": "u1", "required": ["identity", "bank_statement"]},
    "encrypted-payload": {"subject": "the door"},
    "long-job": {"job": "convert", "heartbeat_seconds": 60},
}
"""The workflows of machines, with their inputs."""

PAYMENTS = tuple(f"pay_{number}" for number in range(8))
CALLER = "arn:aws:iam::111122223333:user/shop"
MOST_AT_ONCE = 6
"""The number of executions at the same time: with more, none would reach its end."""


class Asking(Scene):
    """The callers."""

    @precondition(lambda self: len(self.world.durable.living()) < MOST_AT_ONCE)
    @action(people=st.integers(1, 3), kind=PICK, deadline=PICK, reminded=st.booleans(), amount=PICK)
    def ask_people(self, people: int, kind: int, deadline: int, reminded: bool, amount: int = 0) -> None:
        how = RULES[kind % len(RULES)] if people > 1 else None
        document = {
            "order_id": "1",
            "amount": AMOUNTS[amount % len(AMOUNTS)],
            "currency": "EUR",
            "description": "Twelve office chairs",
            "requester": REQUESTER,
            "approvers": list(PEOPLE[:people]),
            "deadline_seconds": DEADLINES[deadline % len(DEADLINES)],
            **({"rule": how} if how else {}),
            **({"reminders_seconds": [30, 1800]} if reminded else {}),
        }
        self.submit("order-approval", document)

    @precondition(lambda self: len(self.world.durable.living()) < MOST_AT_ONCE)
    @action(which=PICK, deadline=PICK)
    def ask_for_a_payment(self, which: int, deadline: int) -> None:
        document = {"order_id": "1", "provider": PROVIDER, "external_id": PAYMENTS[which % len(PAYMENTS)]}
        money = {"amount": "250.00", "currency": "EUR", "deadline_seconds": DEADLINES[deadline % len(DEADLINES)]}
        self.submit("payment", document | money)

    @precondition(lambda self: len(self.world.durable.living()) < MOST_AT_ONCE)
    @action(deadline=PICK, workflow=st.sampled_from(sorted(INPUTS)))
    def ask_a_machine(self, deadline: int, workflow: str) -> None:
        until = {"deadline_seconds": DEADLINES[deadline % len(DEADLINES)]}
        self.submit(workflow, INPUTS[workflow] | until)

    @precondition(lambda self: self.asked)
    @action(pick=PICK, changed=st.booleans())
    def ask_again(self, pick: int, changed: bool) -> None:
        document = self.asked[pick % len(self.asked)]
        other = {"input": document["input"] | {"deadline_seconds": 77}} if changed else {}
        run = self.world.durable.runs.get(document["request_id"])
        taken = run is not None and json.loads(run.payload)["input"] == document["input"]
        status = self.post_request(document | other)
        if changed and taken and status not in (409, 502, 503):
            raise ViolationError(f"another input under the id of a request was answered {status}")

    def submit(self, workflow: str, document: Mapping[str, Any]) -> None:
        """Send a new request."""
        request = {"workflow": workflow, "request_id": f"request-{self.number()}", "input": dict(document)}
        self.asked.append(request)
        self.post_request(request)

    def post_request(self, document: Mapping[str, Any]) -> int:
        """Send a request."""
        body, name = json.dumps(document), str(document["request_id"])
        self.watch.posts[name] += 1
        page = self.world.call(requests_api.handler.handler, "POST", "/requests", body=body, caller=CALLER)
        status = self.answered("request", page)
        if status in (200, 202):
            self.promised(f"request {name}", lambda: name in self.world.durable.runs)
        return status
