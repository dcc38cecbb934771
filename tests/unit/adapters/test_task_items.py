"""Tasks as items of the ledger, and back."""

import dataclasses
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from countersign.adapters.attributes import from_item, to_item
from countersign.adapters.keys import DUE_SHARDS, UNSENT_SHARDS, task_key
from countersign.adapters.task_items import (
    audit_document,
    epoch_after,
    index_fields,
    question_document,
    task_document,
    task_of,
    task_of_documents,
)
from countersign.domain import upkeep
from countersign.domain.audit import GENESIS, AuditEvent, append
from countersign.domain.clock import to_text
from countersign.domain.identity import Aliases
from countersign.domain.questions import Collecting, Correlation, Question
from countersign.domain.rules import Decision
from countersign.domain.strict_json import digest
from countersign.domain.tasks import (
    WITHDRAWN_BY_OPERATOR,
    Delegation,
    Exchange,
    Failure,
    Replacement,
    Ring,
    RingState,
    Status,
    Task,
    Vote,
    withdraw,
)
from countersign.testing.builders import (
    ATTACHMENTS,
    CALLER,
    NOW,
    any_decided_task,
    any_exchange,
    any_payment_task,
    any_rule,
    any_task,
)

_SIMPLE: dict[str, Any] = {
    **dict.fromkeys(("policy", "closed_because", "closed_comment", "payload", "answer_contract", "answer"), "x"),
    **dict.fromkeys(("closed_by", "declined", "payment_id", "audit_head", "submitted_by"), "x"),
    **dict.fromkeys(("escalated", "elsewhere", "channels", "received", "refused", "ignored"), ("x", "y")),
    **dict.fromkeys(("sent_at", "heartbeat_at", "swept_at", "decided_at", "closed_at"), NOW),
}
FULL = any_decided_task(
    **_SIMPLE,
    status=Status.APPLIED,
    superseded=True,
    tells_requester=True,
    continues=True,
    encrypted=True,
    refunds={"pay_1": "1.00"},
    disputes=("pay_1",),
    reserved={"refund-1": {"amount": "1.00", "until": to_text(NOW)}},
    audit_ttl=1_900_000_000,
    noted={"digest": "worker token"},
    aliases=Aliases({"m@b.c": "maria@example.com"}),
    newcomers={"d@e.f": {"time_zone": "Europe/Rome"}},
    attachments=ATTACHMENTS,
    amount="250.00 EUR",
    collecting=Collecting("name", ("a", "b")),
    acknowledge=True,
    confirm=True,
    comment="required",
    send_back=True,
    people={"a@b.c": {"name": "Ann", "language": "de"}},
    correlation=Correlation("pay", "pay_1001", Decimal("1.00"), "EUR"),
    delegations=(Delegation("a@b.c", "d@e.f", NOW),),
    failure=Failure("code", "words", "data"),
    agent="arn:aws:iam::111122223333:role/invoices",
    on_behalf_of="omar@example.com",
    refused_answers=2,
    bounced=1,
    replaced=(Replacement("a@b.c", "d@e.f", NOW, "left"),),
    ring=Ring(RingState.DELIVERED, NOW),
    round=2,
    fixed=("Order",),
    floor=Decimal(100),
    irrevocable=True,
    exchanges=(Exchange("a@b.c", "Why?", NOW, "So.", NOW, revised=True), Exchange("a@b.c", "Why?", NOW)),
    rule=any_rule("quorum", k=2),
    earlier=(("a@b.c", "approve", "Fine", to_text(NOW)),),
    votes={"a@b.c": Vote(Decision.APPROVE, "", NOW, 3)},
)
TASKS = [
    FULL,
    any_task(),
    any_task(attachments=ATTACHMENTS),
    any_task(audience=("a@b.c", "d@e.f"), escalated=("d@e.f",), rule=any_rule("quorum", k=2), details=(), requester=""),
    any_decided_task(Decision.REJECT, ring=Ring(RingState.FAILED, NOW, "AccessDeniedException")),
    any_task(status=Status.EXPIRED, closed_at=NOW),
    any_payment_task(correlation=Correlation("pay", "pay_1001", lookup_id="PL1001")),
    withdraw(any_task(), CALLER, "ordered twice", NOW).after,
    Task("r.a", Status.CANCELLED, NOW, request_id="r", closed_at=NOW),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.status)
def test_a_task_is_read_from_its_two_items_as_it_was_written(task: Task) -> None:
    assert read_again(task_document(task), question_document(task)) == task


def read_again(*documents: dict[str, Any]) -> Task:
    return task_of_documents(*(from_item(to_item(document)) for document in documents))


def test_a_task_is_the_one_that_its_key_names_whatever_its_attributes_say() -> None:
    forged, question = task_document(any_task()) | task_key("prove-1.approval"), question_document(any_task())
    for task in (read_again(forged, question), task_of(to_item(forged))):
        assert (task.task_id, task.request_id) == ("prove-1.approval", "prove-1")


def test_unknown_attributes_are_ignored() -> None:
    document, question = task_document(any_task()), question_document(any_task())
    assert read_again(document | {"from_the_future": [1]}, question) == any_task()
    returned = any_task(exchanges=(any_exchange(),))
    document = task_document(returned)
    document["exchanges"] = [{**document["exchanges"][0], "from_the_future": 1}]
    assert read_again(document, question) == returned


def test_a_task_without_its_question_is_not_read() -> None:
    with pytest.raises(LookupError, match=r"the question of task order-1001\.approval is gone"):
        task_of_documents(task_document(any_task()), None)


def test_ttl_removes_a_question_days_after_its_task_also_if_the_task_ends_late() -> None:
    late = any_task(status=Status.EXPIRED)
    late = dataclasses.replace(late, closed_at=(late.max_expires_at or late.expires_at) + timedelta(days=1))
    assert question_document(late)["ttl"] - task_document(late)["ttl"] > timedelta(days=7).total_seconds()


def test_the_item_that_every_write_changes_stays_below_a_unit_of_writes_whatever_the_question() -> None:
    document = task_document(any_decided_task(details=(("Description", "x" * 3000),), payload="x" * 3000))
    assert len(str(from_item(to_item(document)))) < 1024


def test_the_stream_has_the_kind_and_the_correlation_of_a_question() -> None:
    task = any_payment_task()
    question = task_of(to_item(task_document(task))).question
    assert (question.kind, question.correlation) == (task.question.kind, task.question.correlation)
    assert "lookup_id" not in task_document(task)["correlation"]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.status)
def test_a_task_is_due_while_it_waits_for_its_workflow_and_expires_from_the_table_after_that(task: Task) -> None:
    fields = index_fields(task)
    live = task.status in (Status.OPEN, Status.DECIDED) or task.closed_because == WITHDRAWN_BY_OPERATOR
    live = live or bool(task.reserved)
    assert (fields["gsi1pk"] is not None, fields["gsi1sk"] is not None, fields["ttl"] is None) == (live, live, live)


def test_a_task_is_due_at_its_opening_then_at_its_deadline_and_then_at_its_decision() -> None:
    assert index_fields(any_task())["gsi1sk"] == "2026-03-01T09:00:00.000000Z"
    assert index_fields(any_task(sent_at=NOW))["gsi1sk"] == "2026-03-01T10:00:00.000000Z"
    assert index_fields(any_payment_task())["gsi1sk"] == "2026-03-01T10:00:00.000000Z"
    assert index_fields(any_decided_task())["gsi1sk"] == "2026-03-01T09:01:00.000000Z", "from its decision on"


@pytest.mark.parametrize(
    ("state", "due"), [(RingState.FAILED, True), (RingState.DELIVERED, False), (RingState.CLOSED, False)]
)
def test_a_withdrawn_task_is_due_until_its_callback_is_rung(state: RingState, due: bool) -> None:
    withdrawn = withdraw(any_task(), CALLER, "ordered twice", NOW).after
    change = upkeep.rung(withdrawn, Ring(state, NOW), CALLER, "iam")
    assert change
    rung = change.after
    assert index_fields(withdrawn)["gsi1sk"] == "2026-03-01T09:00:00.000000Z"
    assert (index_fields(rung)["gsi1sk"] is not None, index_fields(rung)["ttl"] is None) == (due, due)


def test_due_tasks_are_spread_over_all_shards_and_keep_theirs() -> None:
    for shards, sent_at in ((DUE_SHARDS, NOW), (UNSENT_SHARDS, None)):
        tasks = (any_task(task_id=f"order-{number}.approval", sent_at=sent_at) for number in range(200))
        assert {index_fields(task)["gsi1pk"] for task in tasks} == set(shards)
    assert index_fields(any_task(sent_at=NOW))["gsi1pk"] == index_fields(any_decided_task())["gsi1pk"]


def test_the_time_to_live_is_the_retention_in_whole_epoch_seconds() -> None:
    assert epoch_after(NOW + timedelta(microseconds=999_999)) == int(NOW.timestamp()) + 400 * 24 * 3600


def test_an_audit_entry_is_stored_with_its_hash_in_the_order_of_the_chain() -> None:
    event = AuditEvent("voted", "maria@example.com", "review link", "203.0.113.0/24", {"decision": Decision.APPROVE})
    entry = append("r.a", 9, GENESIS, "s", event, NOW)
    document = audit_document(entry)
    assert (document["pk"], document["sk"], document["hash"]) == ("AUDIT#r.a", "0000000010", entry.hash)


@pytest.mark.parametrize("ttl", [0, 1_900_000_000])
def test_the_hash_of_an_audit_entry_is_that_of_its_stored_fields(ttl: int) -> None:
    event = AuditEvent("decided", "maria@example.com", data={"outcome": Decision.APPROVE, "none": None, "n": 1})
    kept = from_item(to_item(audit_document(append("r.a", 0, GENESIS, "s", event, NOW, ttl=ttl))))
    assert kept.get("ttl", 0) == ttl
    hashed = {name: value for name, value in kept.items() if name not in ("pk", "sk", "hash")}
    assert digest(hashed) == kept["hash"]


def test_attributes_with_default_values_are_omitted_unless_writes_compare_them() -> None:
    task = Task("order-1001.approval", Status.OPEN, NOW)
    assert set(task_document(task)) - set(task_key("")) - set(index_fields(task)) == {
        *("task_id", "status", "expires_at", "revision", "audit_seq")
    }


def test_every_attribute_of_a_task_is_stored() -> None:
    names = {field.name for kind in (Task, Question) for field in dataclasses.fields(kind)} - {"question"}
    assert set(task_document(FULL)) & set(question_document(FULL)) == {"pk", "sk", "task_id", "ttl"}
    assert names - set(task_document(FULL)) - set(question_document(FULL)) == set()


def test_an_item_has_the_same_layout_in_every_version() -> None:
    documents = [task_document(FULL), question_document(FULL)]
    assert digest(documents) == "30e4830bde33da52096bb8cc68aca6423367d4a0bc0bcca62af97fe78a3b704a"
