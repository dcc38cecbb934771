"""The contract of every ledger for the events of providers."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from countersign.adapters.attributes import to_item
from countersign.adapters.keys import event_key, task_key
from countersign.domain import claims, held_payments, payments, refunds, tasks
from countersign.domain.answers import ON_PARTNER_BUS, Sender, document_of
from countersign.domain.audit import AuditEntry, AuditEvent
from countersign.domain.clock import to_text
from countersign.domain.errors import LedgerConflictError
from countersign.domain.payments import Effect
from countersign.domain.provider_events import EventRecord, Handling, ParkedEvent, ProviderEvent
from countersign.domain.questions import Correlation
from countersign.domain.tasks import Status, Task
from countersign.functions.clients import client
from countersign.ports import EventLedger
from countersign.services.provider_events import effect_of
from countersign.testing.builders import NOW, PAYMENT_TASK_ID, any_event, any_paid_task, any_payment_task, is_unbroken
from countersign.testing.fakes import FixedClock, MemoryLedger
from tests.integration.conftest import TABLE, Kit

PROVIDER = Sender("pay", ON_PARTNER_BUS)
OPENED = AuditEvent("opened", "payment")


@dataclass
class Books:
    """A ledger, its audit entries and its outbox.

    Attributes:
        forget: Removes an event's record, as TTL does.
        lose: Removes a task, as TTL does.
    """

    ledger: EventLedger
    entries: Callable[[str], list[AuditEntry]]
    outbox: Callable[[], set[str]]
    forget: Callable[[str], object]
    lose: Callable[[str], object]

    def open(self, **changes: Any) -> Task:
        self.ledger.open(any_payment_task(**changes), (OPENED,), NOW)
        return self.task

    def open_as(self, task: Task) -> Task:
        self.ledger.open(task, (OPENED,), NOW)
        opened = self.ledger.task(task.task_id)
        assert opened
        return opened

    @property
    def task(self) -> Task:
        task = self.ledger.task(PAYMENT_TASK_ID)
        assert task
        return task

    def record(self, event_id: str = "evt_1", external_id: str = "pay_1001") -> EventRecord | None:
        return self.ledger.look_up("pay", event_id, external_id)[0]

    def parked(self) -> list[ProviderEvent]:
        return [parked.event for parked in self.ledger.parked("pay", "pay_1001")]

    def park(self, event: ProviderEvent, at: datetime = NOW) -> None:
        self.ledger.park(waiting(event), parking(event), at)

    def assert_unbroken(self) -> None:
        assert is_unbroken(self.entries(PAYMENT_TASK_ID), self.task.audit_head, self.task.audit_seq)


@pytest.fixture(params=["memory", "dynamodb"])
def books(request: pytest.FixtureRequest) -> Books:
    if request.param == "dynamodb":
        kit: Kit = request.getfixturevalue("kit")
        return Books(
            kit.ledger,
            kit.audit,
            lambda: {sk.removeprefix("OUTBOX#") for _, sk in kit.items() if sk.startswith("OUTBOX#")},
            lambda event_id: client("dynamodb").delete_item(TableName=TABLE, Key=to_item(event_key("pay", event_id))),
            lambda task_id: client("dynamodb").delete_item(TableName=TABLE, Key=to_item(task_key(task_id))),
        )
    memory = MemoryLedger()
    return Books(
        memory,
        lambda task_id: [entry for entry in memory.entries if entry.task_id == task_id],
        lambda: {name for _, name in memory.outbox},
        lambda event_id: memory.event_records.pop(("pay", event_id)),
        memory.standing.pop,
    )


def record_of(
    event: ProviderEvent, handling: Handling = Handling.RECORDED, task_id: str = PAYMENT_TASK_ID
) -> EventRecord:
    return EventRecord("pay", event.event_id, "5" * 64, handling, task_id)


def effect(task: Task, event: ProviderEvent) -> Effect:
    return effect_of(task, event, PROVIDER, FixedClock(NOW))


def waiting(event: ProviderEvent) -> ParkedEvent:
    return ParkedEvent("pay", event, PROVIDER.identified_by)


def parking(event: ProviderEvent) -> EventRecord:
    return record_of(event, Handling.PARKED, "")


# Claims of external ids


def test_an_open_task_is_found_by_its_provider_and_external_id(books: Books) -> None:
    assert books.ledger.correlated("pay", "pay_1001") == ""
    assert books.ledger.look_up("pay", "evt_1", "pay_1001") == (None, "", None)
    opened = replace(books.open(), callback_id="")  # which only the item of the task has
    assert books.ledger.correlated("pay", "pay_1001") == PAYMENT_TASK_ID
    assert books.ledger.look_up("pay", "evt_1", "pay_1001") == (None, PAYMENT_TASK_ID, opened)
    for name in ("pay pay_100", "pay pay_1001 ", "other pay_1001", "pa y#pay_1001"):
        provider, _, external_id = name.partition(" ")
        assert books.ledger.correlated(provider, external_id) == ""
        assert books.ledger.look_up(provider, "evt_1", external_id) == (None, "", None)


def test_a_second_task_with_the_same_external_id_is_not_opened_and_writes_nothing(books: Books) -> None:
    first = books.open()
    with pytest.raises(LedgerConflictError):
        books.ledger.open(any_payment_task(task_id="order-1002.payment"), (OPENED,), NOW)
    assert books.ledger.task("order-1002.payment") is None
    assert (books.ledger.correlated("pay", "pay_1001"), books.entries("order-1002.payment")) == (first.task_id, [])


def test_a_claim_is_taken_over_with_the_late_events_and_only_in_the_version_that_was_read(books: Books) -> None:
    ended = books.ledger.commit(
        tasks.cancel(books.open(), "workflow", "withdrawn", NOW)  # type: ignore[arg-type]
    )
    late = effect(ended, any_event())
    after = books.ledger.commit_event(late.change, record_of(any_event(), late.handling))
    new = any_payment_task(task_id="order-1002.payment", workflow="payment")
    for read in (ended, after, after):
        takeover = claims.take_over(PAYMENT_TASK_ID, read, books.entries(PAYMENT_TASK_ID), new)
        with contextlib.nullcontext() if read is after and not books.parked() else pytest.raises(LedgerConflictError):
            books.ledger.open(new, (OPENED, takeover.taken), NOW, takeover)
    assert (books.ledger.correlated("pay", "pay_1001"), books.parked()) == (new.task_id, [any_event()])
    assert books.record() == record_of(any_event(), Handling.PARKED, new.task_id)
    assert books.entries(PAYMENT_TASK_ID)[-1].event.event == "claim_released"
    assert len(books.entries(new.task_id)) == 2
    books.assert_unbroken()
    held = effect(books.ledger.task(new.task_id) or new, any_event())
    assert books.ledger.commit_parked(held.change, waiting(any_event()), held.handling).status is Status.DECIDED


def test_a_claim_is_taken_over_from_a_task_that_ttl_has_removed(books: Books) -> None:
    books.open()
    books.lose(PAYMENT_TASK_ID)
    new = any_payment_task(task_id="order-1002.payment")
    takeover = claims.take_over(PAYMENT_TASK_ID, None, books.entries(PAYMENT_TASK_ID), new)
    books.ledger.open(new, (OPENED, takeover.taken), NOW, takeover)
    assert books.ledger.correlated("pay", "pay_1001") == new.task_id


def test_a_task_with_an_audit_is_not_opened_again(books: Books) -> None:
    books.open(correlation=None)
    books.lose(PAYMENT_TASK_ID)
    with pytest.raises(LedgerConflictError):
        books.ledger.open(any_payment_task(correlation=None), (OPENED,), NOW)
    assert len(books.entries(PAYMENT_TASK_ID)) == 1


def test_a_task_without_a_correlation_claims_no_external_id(books: Books) -> None:
    books.open(correlation=None)
    assert books.ledger.correlated("pay", "pay_1001") == ""
    books.ledger.open(any_payment_task(task_id="order-1002.payment"), (OPENED,), NOW)


# Events with an effect


def test_an_event_is_recorded_with_its_effect(books: Books) -> None:
    event = any_event(occurred_at=NOW, reason="très bien")
    opened = books.open()
    after = books.ledger.commit_event(effect(opened, event).change, record_of(event))
    assert after == books.task
    assert after.status is Status.DECIDED
    assert document_of(after)["reason"] == "très bien"
    assert books.ledger.look_up("pay", "evt_1", "pay_1001") == (
        record_of(event),
        PAYMENT_TASK_ID,
        replace(opened, callback_id=""),
    )
    books.assert_unbroken()


def test_declines_refunds_and_disputes_are_read_as_they_were_written(books: Books) -> None:
    books.open()
    statuses = ("declined", "refunded", "disputed", "paid")
    for event in (any_event(status, status, reason="très bien", payment_id="ch_1") for status in statuses):
        done = effect(books.task, event)
        assert books.ledger.commit_event(done.change, record_of(event, done.handling)) == books.task
    task = books.task
    assert (task.declined, task.refunds, task.disputes) == ("très bien", {"ch_1": "250.00"}, ("ch_1",))
    assert (set(task.noted.values()), len(task.noted)) == ({PROVIDER.identified_by}, 3)
    held = held_payments.held_event(books.entries(PAYMENT_TASK_ID), "paid")
    assert held
    assert held.event.payment_id == "ch_1"
    books.assert_unbroken()


def test_a_recorded_event_is_not_written_again(books: Books) -> None:
    event = any_event("pending")
    books.ledger.commit_event(effect(books.open(), event).change, record_of(event, Handling.PENDING))
    before = books.task
    with pytest.raises(LedgerConflictError):
        books.ledger.commit_event(effect(before, event).change, record_of(event))
    assert (books.task, books.record()) == (before, record_of(event, Handling.PENDING))
    books.assert_unbroken()


def test_an_event_that_loses_a_race_leaves_no_record(books: Books) -> None:
    read = books.open()
    one, other = any_event("paid", "evt_1"), any_event("failed", "evt_2")
    books.ledger.commit_event(effect(read, one).change, record_of(one))
    with pytest.raises(LedgerConflictError):
        books.ledger.commit_event(effect(read, other).change, record_of(other))
    assert books.record("evt_2") is None
    assert document_of(books.task)["status"] == "paid"


def test_a_held_event_is_recorded_with_its_envelope_in_the_outbox(books: Books) -> None:
    event = any_event(amount="1.00")
    held = effect(books.open(), event)
    books.ledger.commit_event(held.change, record_of(event, held.handling))
    assert books.outbox() == {"held#evt_1"}
    assert books.task.status is Status.OPEN
    books.assert_unbroken()


def test_ids_of_the_greatest_length_are_kept(books: Books) -> None:
    longest = "😀" * 200
    event = any_event(event_id=longest, external_id=longest, amount="1.00")
    books.park(event)
    correlation = any_payment_task().question.correlation
    assert correlation
    held = effect(books.open(correlation=replace(correlation, external_id=longest)), event)
    assert held.handling is Handling.HELD
    books.ledger.commit_parked(held.change, waiting(event), held.handling)
    assert books.outbox() == {f"held#{longest}"}


def test_a_conflicting_event_is_recorded_beside_the_known_one(books: Books) -> None:
    event = any_event()
    books.ledger.commit_event(effect(books.open(), event).change, record_of(event))
    before = books.task
    for _ in range(2):
        books.ledger.put_aside(replace(record_of(event, Handling.CONFLICT), body_digest="6" * 64), NOW)
    assert (books.record(), books.task) == (record_of(event), before)


# Parking


def test_a_parked_event_is_read_as_it_was_written(books: Books) -> None:
    events = [
        any_event("paid", "evt_1", occurred_at=NOW - timedelta(seconds=2, microseconds=7), reason="très bien"),
        any_event("failed", "evt_2", amount=None, currency=None),
        any_event("pending", "evt_3", occurred_at=datetime(1, 1, 1, tzinfo=UTC)),
        any_event("refunded", "evt_4", payment_id="ch_1", cumulative=True),
    ]
    for seconds, event in enumerate(events):
        books.park(event, NOW + timedelta(seconds=seconds))
    assert books.ledger.parked("pay", "pay_1001") == [*map(waiting, events)]
    assert books.record("evt_2") == parking(events[1])


def test_parked_events_are_read_in_the_order_of_their_arrival(books: Books) -> None:
    names = ["evt_9", "evt_1", "evt_5", "a", "~"]
    for seconds, name in enumerate(names):
        event = any_event("pending", name)
        books.park(event, NOW + timedelta(microseconds=seconds))
    assert [event.event_id for event in books.parked()] == names


def test_no_event_is_parked_for_an_open_task(books: Books) -> None:
    books.open()
    with pytest.raises(LedgerConflictError):
        books.park(any_event())
    assert books.parked() == []
    assert books.record() is None


def test_an_event_is_parked_once(books: Books) -> None:
    books.park(any_event("pending"))
    with pytest.raises(LedgerConflictError):
        books.park(any_event("paid"))
    assert books.parked() == [any_event("pending")]


def test_events_of_another_external_id_are_parked_apart(books: Books) -> None:
    for external_id in ("pay_1001#PARKED", "pay_10011", "pay_100"):
        books.park(any_event(event_id=external_id, external_id=external_id))
    assert books.parked() == []


def test_an_applied_event_is_no_longer_parked(books: Books) -> None:
    books.park(any_event())
    after = books.ledger.commit_parked(
        effect(books.open(), any_event()).change, waiting(any_event()), Handling.RECORDED
    )
    assert after == books.task
    assert after.status is Status.DECIDED
    assert (books.parked(), books.record()) == ([], record_of(any_event()))
    books.assert_unbroken()


def test_a_parked_event_is_applied_once(books: Books) -> None:
    books.park(any_event("pending"))
    books.ledger.commit_parked(
        effect(books.open(), any_event("pending")).change, waiting(any_event("pending")), Handling.PENDING
    )
    before = books.task
    change = effect(before, any_event("pending")).change
    with pytest.raises(LedgerConflictError):
        books.ledger.commit_parked(change, waiting(any_event("pending")), Handling.PENDING)
    assert books.task == before
    books.assert_unbroken()


def test_a_parked_event_that_loses_a_race_stays_parked(books: Books) -> None:
    books.park(any_event())
    read = books.open()
    other = any_event("pending", "evt_2")
    books.ledger.commit_event(payments.apply(read, other, PROVIDER, NOW).change, record_of(other))
    with pytest.raises(LedgerConflictError):
        books.ledger.commit_parked(effect(read, any_event()).change, waiting(any_event()), Handling.RECORDED)
    assert (books.parked(), books.record()) == ([any_event()], parking(any_event()))


def test_a_parked_event_whose_record_expired_is_applied(books: Books) -> None:
    books.park(any_event())
    books.forget("evt_1")
    books.ledger.commit_parked(effect(books.open(), any_event()).change, waiting(any_event()), Handling.RECORDED)
    assert books.task.status is Status.DECIDED
    assert books.parked() == []
    record = books.record()
    assert record
    assert (record.handling, record.task_id, record.body_digest) == (Handling.RECORDED, PAYMENT_TASK_ID, "")


def test_a_notice_causes_one_look_within_its_pause_and_hides_no_claim_and_no_parked_event(books: Books) -> None:
    books.open()
    pause = timedelta(seconds=30)
    looks = [books.ledger.look_once("pay", "pay_1001", NOW + timedelta(seconds=at), pause) for at in (0, 29, 30, 31)]
    assert looks == [True, False, True, False]
    assert books.ledger.look_once("pay", "pay_1002", NOW, pause)
    assert (books.ledger.correlated("pay", "pay_1001"), books.parked()) == (PAYMENT_TASK_ID, [])


def test_records_of_events_expire_after_a_week_and_claims_after_their_task(kit: Kit) -> None:
    event = any_event(external_id="pay_7")
    kit.ledger.park(waiting(event), parking(event), NOW)
    kit.ledger.open(any_payment_task(), (OPENED,), NOW)
    kinds = {(pk.split("#")[0], sk.split("#")[0]): item for (pk, sk), item in kit.items().items()}
    ttl = {kind: int(item.get("ttl", {"N": 0})["N"]) for kind, item in kinds.items()}
    week = int((NOW + timedelta(days=7)).timestamp())
    assert (ttl["EVENT", "EVENT"], ttl["EXTERNAL", "PARKED"]) == (week, week)
    assert ttl["TASK", "TASK"] == 0, "an open task does not expire"
    assert ttl["EXTERNAL", "EXTERNAL"] > int((NOW + timedelta(days=400)).timestamp())


# Refunds


def test_money_is_reserved_only_on_a_payment_that_nothing_has_changed_since(books: Books) -> None:
    """So a refund by another request, or an event of the provider, is seen before money is reserved again."""
    opened = books.open()
    with pytest.raises(LedgerConflictError):
        books.ledger.commit(refunds.reserve(opened, "refund-1", Decimal(10), NOW, "refund", NOW))
    paid = books.open_as(any_paid_task(task_id="order-2.payment", correlation=Correlation("pay", "pay_2", None)))
    first, second = (refunds.reserve(paid, name, Decimal(10), NOW, "refund", NOW) for name in ("refund-1", "refund-2"))
    after = books.ledger.commit(first)
    assert after.reserved == {"refund-1": {"amount": "10", "until": to_text(NOW)}}
    with pytest.raises(LedgerConflictError):
        books.ledger.commit(second)
    assert books.ledger.task(paid.task_id) == after
