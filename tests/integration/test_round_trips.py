"""The number of DynamoDB operations of a page, of a vote and of a payment's event."""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain.links import Link, Purpose
from countersign.domain.rules import Rule
from countersign.domain.tasks import Status
from countersign.domain.tokens import mint
from countersign.functions.clients import client
from countersign.testing.builders import APPROVER, OTHER_APPROVER, PAYMENT_TASK_ID, any_rule, any_task, any_token
from countersign.testing.deliveries import any_payment
from review.review import reviews
from tests.integration.conftest import Kit, Page, look, post_form
from tests.integration.test_webhooks import post, signed

READ = ["GetItem", "BatchGetItem"]
"""The link and the task. A function counts the few requests of a network for itself."""

LIST = ["GetItem", "Query", "BatchGetItem"]
"""The link of an inbox, all links of its owner, and their tasks."""

CLOSED = [*READ, "TransactWriteItems"]
"""The audit entry too. A task that takes no answer needs no directory."""

WRITE = [*READ, "BatchGetItem", "TransactWriteItems"]
"""The directory too, and the vote with its audit entries."""

VOTE = [*WRITE, "Query"]
"""All links of the person too: nothing else waits."""

EVENT = ["BatchGetItem", "TransactWriteItems"]
"""The event's record and the claim with its task; the decision with its audit entries and the event."""


def operations(status: int, act: Callable[[], Page]) -> list[str]:
    """Return the operations that a warm function sends to DynamoDB for a request of this status."""
    reviews()
    made: list[str] = []

    def note(operation_name: str, **_: Any) -> None:
        made.append(operation_name)

    hooks = client("dynamodb").meta.events
    hooks.register("request-created.dynamodb", note)
    try:
        assert act().status == status
    finally:
        hooks.unregister("request-created.dynamodb", note)
    return made


def click(token: str) -> Page:
    return post_form("/review", t=token, decision="approve", comment="", shown=any_task().shown)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("decided", [False, True])
def test_a_page_needs_two_operations(kit: Kit, method: str, decided: bool) -> None:
    token = kit.open_link()
    if decided:
        kit.decide()
    assert operations(200, lambda: look(token, method=method)) == READ


def test_an_inbox_needs_three_operations_whatever_the_number_of_reminders(kit: Kit) -> None:
    token, fingerprint = mint()
    until = kit.now + timedelta(days=7)
    kit.ledger.put_link(Link(fingerprint, "", APPROVER, Purpose.INBOX, until), until)
    for number in range(20):
        kit.open_task(task_id=f"order-{number}.approval")
        for _ in range(4):
            kit.link(task_id=f"order-{number}.approval")
    assert operations(200, lambda: look(token, "/inbox")) == LIST


@pytest.mark.parametrize("rule", [any_rule("any"), any_rule("all")], ids=["decision", "vote"])
def test_a_vote_needs_five_operations_and_one_more_if_other_tasks_wait(kit: Kit, rule: Rule) -> None:
    kit.open_task(audience=(APPROVER, OTHER_APPROVER), rule=rule)
    token = kit.link()
    assert operations(200, lambda: click(token)) == VOTE
    for number in range(3):
        kit.open_task(task_id=f"order-{number}.approval")
        for _ in range(20):
            kit.link(task_id=f"order-{number}.approval")
    kit.open_task(task_id="last.approval", audience=(APPROVER, OTHER_APPROVER), rule=rule)
    token = kit.link(task_id="last.approval")
    assert operations(200, lambda: click(token)) == [*VOTE, "BatchGetItem"]


@pytest.mark.parametrize(
    ("decided", "status", "made"), [("reject", 409, CLOSED), ("approve", 200, READ)], ids=["late", "repeated"]
)
def test_a_vote_on_a_decided_task_needs_no_directory(kit: Kit, decided: str, status: int, made: list[str]) -> None:
    token = kit.open_link()
    kit.decide(decided)
    assert operations(status, lambda: click(token)) == made


@pytest.mark.parametrize(
    ("token", "made"), [(any_token(), ["GetItem"] * 2), ("short", [])], ids=["unknown", "malformed"]
)
def test_an_unknown_token_needs_two_operations_and_a_malformed_one_none(kit: Kit, token: str, made: list[str]) -> None:
    assert (operations(404, lambda: look(token)), operations(404, lambda: click(token))) == (made, made)


def test_the_event_of_a_known_payment_needs_two_operations(kit: Kit, secrets: dict[str, str]) -> None:
    kit.open_payment()
    assert operations(200, post) == EVENT


@pytest.mark.parametrize("changed_by", ["its audit", "its length"])
def test_an_event_reads_a_payment_that_has_no_current_copy(kit: Kit, secrets: dict[str, str], changed_by: str) -> None:
    kit.open_payment(payload=json.dumps(os.urandom(900).hex()) if changed_by == "its length" else "{}")
    if changed_by == "its audit":
        declined = any_payment("payment.declined")
        post(declined, signed(declined, "msg_0"))
    read, *others = operations(200, post)
    assert (read, others[-2:]) == ("BatchGetItem", ["BatchGetItem", "TransactWriteItems"])
    assert kit.task(PAYMENT_TASK_ID).status is Status.DECIDED
