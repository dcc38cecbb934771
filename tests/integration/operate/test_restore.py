"""restore: what the ledger lost comes back, whatever happened between the restored second and the damage."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from countersign.adapters.attributes import to_item
from countersign.adapters.keys import claim_key, task_key
from countersign.domain import claims, tasks
from countersign.domain.provider_events import EventRecord, Handling
from countersign.domain.requests import RequestStatus
from countersign.domain.rules import Rule
from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.services.provider_events import ProviderEvents
from countersign.testing.builders import (
    APPROVER,
    OTHER_APPROVER,
    PAYMENT_ID,
    REQUEST_ID,
    TASK_ID,
    WORKFLOW,
    any_parked,
    any_payment_task,
)
from countersign.testing.fakes import FixedClock
from operate.ledger import OperatorLedger
from review.handler import handler as review
from tests.integration.conftest import TABLE, Kit, Operation, call
from tests.integration.operate.conftest import OPERATOR, Run, publish_outbox

RESTORED = "ledger-restored"


@pytest.fixture(autouse=True)
def _no_races(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.retries.retry_on_conflict.__defaults__", (lambda _: None,))


def snapshot(kit: Kit) -> None:
    """Restore the table, as it is now, into another one."""
    described = client("dynamodb").describe_table(TableName=TABLE)["Table"]
    types = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    schema: Any = {"KeySchema": described["KeySchema"], "AttributeDefinitions": types}
    client("dynamodb").create_table(TableName=RESTORED, BillingMode="PAY_PER_REQUEST", **schema)
    for item in kit.items().values():
        client("dynamodb").put_item(TableName=RESTORED, Item=item)


def lose(*task_ids: str) -> None:
    """Delete tasks, as a script may by mistake; no role may delete their audit."""
    for task_id in task_ids:
        client("dynamodb").delete_item(TableName=TABLE, Key=to_item(task_key(task_id)))


def restore(run: Run) -> tuple[int, Any]:
    status, out, _ = run("restore", "--from", RESTORED, "--json")
    return status, json.loads(out)


def sent(kit: Kit, events: Operation) -> int:
    """Let the publisher send the outbox, and return how many hand-offs have left so far."""
    publish_outbox(kit)
    return len(events.asked)


def test_a_task_whose_audit_went_on_comes_back_with_the_votes_of_it_and_takes_the_next_one(
    kit: Kit, run: Run, callbacks: Operation
) -> None:
    kit.open_task(rule=Rule("all"), audience=(APPROVER, OTHER_APPROVER))
    tokens = {person: kit.mint(person) for person in (APPROVER, OTHER_APPROVER)}
    snapshot(kit)
    kit.decide(token=tokens[APPROVER])
    lose(TASK_ID)
    assert restore(run) == (0, {"items": 1, "left_alone": 6, "tasks": [TASK_ID], "failed": {}})
    restored = kit.audit()[-1].event
    assert (restored.event, restored.actor) == ("restored", OPERATOR)
    assert restored.data == {"table": RESTORED, "ahead": 1}
    kit.decide(token=tokens[OTHER_APPROVER])
    assert kit.task().status is Status.DECIDED
    assert kit.audited() == ["opened", "minted", "minted", "voted", "restored", "voted", "decided"]
    assert kit.ledger.audit_breaks(TASK_ID) == []


def test_one_task_that_fails_keeps_no_other_from_coming_back_and_the_next_run_brings_it(
    kit: Kit, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.open_task()
    kit.open_payment()
    snapshot(kit)
    lose(TASK_ID, PAYMENT_ID)
    with monkeypatch.context() as broken:
        lost = OperatorLedger.lost
        broken.setattr(OperatorLedger, "lost", lambda it, *asked: lost(it, *asked) if PAYMENT_ID in asked else None)
        status, out, errors = run("restore", "--from", RESTORED)
    assert (status, TASK_ID in errors) == (4, True), errors
    assert "1 tasks among them" in out
    assert kit.audited(PAYMENT_ID) == ["opened", "restored"]
    status, document = restore(run)
    assert (status, document["tasks"]) == (0, [TASK_ID])
    assert (kit.audited(), kit.audited(PAYMENT_ID)) == (["opened", "restored"], ["opened", "restored"])


def test_a_sent_hand_off_is_not_sent_again(kit: Kit, run: Run, events: Operation) -> None:
    kit.open_task()
    call(review, "POST", "/inbox", body=urlencode({"t": kit.link()}))
    snapshot(kit)
    assert (sent(kit, events), restore(run)[1]["items"], sent(kit, events)) == (1, 0, 1)


def test_a_hand_off_that_the_lost_table_never_sent_is_sent_by_the_new_one(
    kit: Kit, run: Run, events: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.open_task()
    call(review, "POST", "/inbox", body=urlencode({"t": kit.link()}))
    snapshot(kit)
    kit.stream()
    for pk, sk in kit.items():
        client("dynamodb").delete_item(TableName=TABLE, Key=to_item({"pk": pk, "sk": sk}))
    monkeypatch.setattr(OperatorLedger, "_made_at", kit.now.replace(year=kit.now.year + 1))
    assert (restore(run)[0], sent(kit, events)) == (0, 1)


def test_an_open_task_of_an_ended_request_is_cancelled(kit: Kit, run: Run) -> None:
    kit.open_task()
    snapshot(kit)
    lose(TASK_ID)
    kit.ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.FAILED, None, kit.now)
    assert (restore(run)[0], kit.task().status, kit.task().outlived_execution) == (0, Status.CANCELLED, True)
    assert (kit.audited(), kit.ledger.audit_breaks(TASK_ID)) == (["opened", "restored", "cancelled"], [])


@pytest.mark.parametrize(
    "words", ["", "".join(map(chr, range(0x4E00, 0x5200)))], ids=["with a copy", "too long for one"]
)
def test_a_claim_that_another_task_took_over_since_is_restored_to_that_task(kit: Kit, run: Run, words: str) -> None:
    cancelled = tasks.cancel(kit.open_payment(), "payment", "withdrawn", kit.now)
    assert cancelled
    snapshot(kit)
    ended = kit.ledger.commit(cancelled)
    new = any_payment_task(task_id="order-1002.payment", opened_at=kit.now, title=words)
    takeover = claims.take_over(PAYMENT_ID, ended, kit.audit(PAYMENT_ID), new)
    kit.ledger.open(new, (takeover.taken,), kit.now, takeover)
    client("dynamodb").delete_item(TableName=TABLE, Key=to_item(claim_key("pay", "pay_1001")))
    assert restore(run)[0] == 0
    copied = None if words else replace(kit.task(new.task_id), callback_id="")
    assert kit.ledger.look_up("pay", "evt_1", "pay_1001") == (None, new.task_id, copied)


def test_a_parked_event_that_was_applied_is_not_parked_again_and_one_that_waits_is(kit: Kit, run: Run) -> None:
    waits = any_parked("paid", "evt_2", external_id="pay_2")
    for parked in (any_parked(), waits):
        kit.ledger.park(parked, EventRecord("pay", parked.event.event_id, "5" * 64, Handling.PARKED), kit.now)
    snapshot(kit)
    kit.open_payment()
    ProviderEvents(kit.ledger, FixedClock(kit.now)).apply_parked(kit.task(PAYMENT_ID))
    client("dynamodb").delete_item(TableName=TABLE, Key=to_item({"pk": "EXTERNAL#pay#pay_2", "sk": "PARKED#evt_2"}))
    assert restore(run)[1]["items"] == 1
    assert (kit.ledger.parked("pay", "pay_1001"), kit.ledger.parked("pay", "pay_2")) == ([], [waits])
