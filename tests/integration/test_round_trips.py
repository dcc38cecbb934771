"""What a look and a click cost: the ledger is asked as often as it must be, and not once more."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from countersign.domain.links import Link, Purpose
from countersign.domain.rules import Rule
from countersign.domain.tokens import mint
from countersign.functions.clients import client
from countersign.testing.builders import APPROVER, OTHER_APPROVER, any_rule, any_task, any_token
from review.handler import handler
from review.review import reviews
from tests.integration.conftest import Kit, Page, call

COUNTED = ["UpdateItem"]
"""Against the limits, whatever else it is."""

READ = [*COUNTED, "GetItem", "GetItem"]
"""The link and the task."""

LIST = [*COUNTED, "GetItem", "Query", "BatchGetItem"]
"""The link to an inbox, all links of its owner, and the tasks."""

WRITE = [*READ, "BatchGetItem", "TransactWriteItems"]
"""And the directory, and whatever the click leaves behind, with its audit entry."""

CLOSED = [*READ, "TransactWriteItems"]
"""A task that takes no answer needs no directory."""


def sent(status: int, act: Callable[[], Page]) -> list[str]:
    """Return the operations that a DynamoDB client sends during a call of this status, in a function that is warm."""
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


def look(token: str, method: str = "GET") -> Page:
    return call(handler, method, "/review", query={"t": token})


def click(token: str, decision: str = "approve") -> Page:
    form = urlencode({"t": token, "decision": decision, "comment": "", "shown": any_task().shown})
    return call(handler, "POST", "/review", body=form, headers={"sec-fetch-site": "same-origin"})


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("decided", [False, True])
def test_a_look_is_three_round_trips(kit: Kit, method: str, decided: bool) -> None:
    kit.open_task()
    token = kit.link()
    if decided:
        kit.decide()
    assert sent(200, lambda: look(token, method)) == READ


def test_a_look_into_an_inbox_is_four_round_trips_however_many_reminders_there_were(kit: Kit) -> None:
    token, fingerprint = mint()
    until = kit.now + timedelta(days=7)
    kit.ledger.put_link(Link(fingerprint, "", APPROVER, Purpose.INBOX, until), until)
    for number in range(20):
        kit.open_task(task_id=f"order-{number}.approval")
        for _ in range(4):
            kit.link(task_id=f"order-{number}.approval")
    assert sent(200, lambda: call(handler, "GET", "/inbox", query={"t": token})) == LIST


@pytest.mark.parametrize("rule", [any_rule("any"), any_rule("all")], ids=["decision", "vote"])
def test_a_click_is_five_round_trips(kit: Kit, rule: Rule) -> None:
    kit.open_task(audience=(APPROVER, OTHER_APPROVER), rule=rule)
    token = kit.link()
    assert sent(200, lambda: click(token)) == WRITE


def test_a_click_that_comes_too_late_is_four_round_trips_since_it_is_audited(kit: Kit) -> None:
    kit.open_task()
    token = kit.link()
    kit.decide("reject")
    assert sent(409, lambda: click(token)) == CLOSED


def test_a_click_that_says_the_same_again_is_three_round_trips(kit: Kit) -> None:
    kit.open_task()
    token = kit.link()
    kit.decide()
    assert sent(200, lambda: click(token)) == READ


@pytest.mark.parametrize(
    ("token", "made"), [(any_token(), [*COUNTED, "GetItem"]), ("short", COUNTED)], ids=["unknown", "malformed"]
)
def test_a_token_that_opens_nothing_is_counted_and_looked_up_at_most(kit: Kit, token: str, made: list[str]) -> None:
    assert sent(404, lambda: look(token)) == made
    assert sent(404, lambda: click(token)) == made
