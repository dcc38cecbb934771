"""Events of providers: each has its effect once, also after repetitions, races and crashes."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain import claims, tasks
from countersign.domain.answers import ON_PARTNER_BUS, SIGNED, Sender, document_of
from countersign.domain.audit import AuditEvent
from countersign.domain.provider_events import Handling, ProviderEvent
from countersign.domain.tasks import Status, Task
from countersign.retries import retry_on_conflict
from countersign.services.provider_events import ProviderEvents
from countersign.testing.builders import NOW, PAYMENT_TASK_ID, any_event, any_payment_task, is_unbroken
from countersign.testing.fakes import FixedClock, MemoryLedger
from tests.unit.services.races import crash, meanwhile

PROVIDER = Sender("pay", SIGNED)
OPENED = AuditEvent("opened", "payment")
STATUSES = st.sampled_from(["pending", "paid", "failed", "expired", "unknown"])
AMOUNTS = st.sampled_from(["250.00", "250", "25.00"])


class Setup:
    """The use case with a ledger in memory."""

    def __init__(self, *, opened: bool = True) -> None:
        self.ledger = MemoryLedger()
        self.clock = FixedClock(NOW)
        self.events = ProviderEvents(self.ledger, self.clock)
        if opened:
            self.open()

    def open(self, **changes: Any) -> Task:
        self.ledger.open(any_payment_task(**changes), (OPENED,), NOW)
        return self.task

    def receive(self, event: ProviderEvent, body: str = "") -> Handling:
        """Receive an event. By default each event id has its own body."""
        return self.events.receive(event, body or f"body of {event.event_id}", PROVIDER)

    @property
    def task(self) -> Task:
        return self.ledger.standing[PAYMENT_TASK_ID]

    @property
    def paid(self) -> bool:
        return document_of(self.task).get("status") == "paid"

    @property
    def audited(self) -> list[str]:
        return [entry.event.event for entry in self.ledger.entries]

    @property
    def everything(self) -> Any:
        """Everything that an event can change."""
        ledger = self.ledger
        return dict(ledger.standing), dict(ledger.outbox), self.audited, ledger.parked("pay", "pay_1001")

    def assert_decided_once(self) -> None:
        assert self.audited.count("decided") == 1
        assert is_unbroken(self.ledger.entries, self.task.audit_head, self.task.audit_seq)


# Repeated events
@pytest.mark.parametrize("status", ["pending", "paid", "failed", "expired", "unknown"])
@pytest.mark.parametrize("opened", [True, False], ids=["to its task", "parked"])
def test_a_repeated_event_is_a_duplicate(status: str, opened: bool) -> None:
    setup = Setup(opened=opened)
    setup.receive(any_event(status))
    before = setup.everything
    assert (setup.receive(any_event(status)), setup.everything) == (Handling.DUPLICATE, before)


@pytest.mark.parametrize("opened", [True, False], ids=["to its task", "parked"])
def test_another_body_with_a_known_event_id_is_recorded_as_a_conflict(opened: bool) -> None:
    setup = Setup(opened=opened)
    setup.receive(any_event("pending"))
    before = dict(setup.ledger.standing)
    assert (setup.receive(any_event("paid"), "another body"), setup.ledger.standing) == (Handling.CONFLICT, before)
    assert [(record.handling, record.body_digest) for record in setup.ledger.aside] == [("conflict", "another body")]
    assert setup.receive(any_event("pending")) is Handling.DUPLICATE, "the first event is still known"


def test_two_providers_may_use_one_event_id() -> None:
    setup = Setup()
    setup.receive(any_event())
    assert setup.events.receive(any_event(), "body", Sender("other", SIGNED)) is Handling.PARKED
    assert setup.events.receive(any_event(), "body", Sender("other", SIGNED)) is Handling.DUPLICATE


def test_a_recorded_event_of_an_ended_payment_is_a_duplicate_under_another_id() -> None:
    setup = Setup()
    setup.receive(any_event())
    setup.receive(any_event("failed", "evt_2"))
    before = setup.everything
    assert (setup.receive(any_event("failed", "evt_3")), setup.everything) == (Handling.DUPLICATE, before)


# Ignored events
def test_an_ignored_event_of_an_open_task_adds_one_audit_entry_per_reason() -> None:
    setup = Setup()
    for number, reason in enumerate(("test_mode", "other_account", "test_mode")):
        assert setup.receive(any_event("ignored", event_id=f"evt_{number}", reason=reason)) is Handling.IGNORED
    assert [entry.event.data["reason"] for entry in setup.ledger.entries[1:]] == ["test_mode", "other_account"]
    assert set(setup.audited) == {"opened", "ignored"}
    assert (setup.task.status, setup.ledger.outbox, setup.ledger.event_records) == (Status.OPEN, {}, {})
    assert setup.receive(any_event(event_id="evt_0")) is Handling.RECORDED, "after a correction of the settings"


@pytest.mark.parametrize("status", ["", "EXPIRED", "CANCELLED"])
def test_an_ignored_event_without_an_open_task_is_not_recorded(status: str) -> None:
    setup = Setup(opened=False)
    if status:
        setup.open(status=Status(status))
    before = setup.everything
    assert setup.receive(any_event("ignored", reason="test_mode")) is Handling.IGNORED
    assert (setup.everything, setup.ledger.event_records) == (before, {})


def test_an_event_without_a_task_is_ignored_where_its_provider_does_not_park() -> None:
    setup = Setup(opened=False)
    assert setup.events.receive(any_event(), "body", PROVIDER, parks=False) is Handling.IGNORED
    assert (setup.ledger.parking, setup.ledger.event_records) == ({}, {})
    setup.open()
    assert setup.events.receive(any_event(), "body", PROVIDER, parks=False) is Handling.RECORDED


# Held events
def test_a_held_event_is_announced_in_the_same_write() -> None:
    setup = Setup()
    assert setup.receive(any_event(amount="1.00", reason="words")) is Handling.HELD
    ((key, envelope),) = setup.ledger.outbox.items()
    assert key == (PAYMENT_TASK_ID, "held#evt_1")
    assert (envelope["kind"], envelope["task"]["reason"]) == ("payment.held", "amount")
    assert envelope["task"]["expected"] == {"amount": "250.00", "currency": "EUR"}
    assert envelope["task"]["received"] == {"status": "paid", "amount": "1.00", "currency": "EUR"}
    assert "words" not in str(envelope)
    assert "callback" not in envelope
    assert setup.task.status is Status.OPEN


def test_an_event_of_a_task_past_its_retention_is_held() -> None:
    setup = Setup()
    del setup.ledger.standing[PAYMENT_TASK_ID]
    assert setup.receive(any_event()) is Handling.HELD
    (record,) = setup.ledger.aside
    assert (record.handling, record.task_id) == ("held", PAYMENT_TASK_ID)


# Events before their task
def test_the_audit_of_a_parked_event_has_the_identification_of_its_sender() -> None:
    setup = Setup(opened=False)
    setup.events.receive(any_event(), "body", Sender("pay", ON_PARTNER_BUS))
    setup.open()
    setup.events.apply_parked(setup.task)
    assert setup.paid
    assert setup.ledger.entries[-1].event.identified_by == ON_PARTNER_BUS


def test_a_task_without_an_external_id_has_no_parked_events() -> None:
    setup = Setup(opened=False)
    task = setup.open(correlation=None)
    assert setup.events.apply_parked(task) == task


def test_a_task_that_opens_during_the_parking_is_decided_by_the_event() -> None:
    setup = Setup(opened=False)
    meanwhile(setup.ledger, setup.open, "park")
    assert setup.receive(any_event()) is Handling.RECORDED
    assert setup.paid
    assert (setup.ledger.parked("pay", "pay_1001"), setup.events.apply_parked(setup.task)) == ([], setup.task)
    setup.assert_decided_once()


def test_an_event_that_decides_before_a_parked_one_is_applied_decides_alone() -> None:
    setup = Setup(opened=False)
    setup.receive(any_event("failed", "evt_1"))
    task = setup.open()
    meanwhile(setup.ledger, lambda: setup.receive(any_event("paid", "evt_2")), "commit_parked")
    retry_on_conflict(lambda: setup.events.apply_parked(setup.task), lambda _: None)
    assert setup.paid
    assert setup.ledger.event_records[("pay", "evt_1")].handling is Handling.HELD, "a person resolves it"
    assert task.status is Status.OPEN
    setup.assert_decided_once()


# Races and crashes
@pytest.mark.parametrize("purged", [False, True])
def test_an_event_decides_the_task_that_takes_the_payment_over_meanwhile(purged: bool) -> None:
    setup = Setup()
    ended = setup.ledger.commit(tasks.cancel(setup.task, "workflow", "withdrawn", NOW))  # type: ignore[arg-type]
    new = any_payment_task(task_id="order-1002.payment")

    def take_over() -> None:
        takeover = claims.take_over(PAYMENT_TASK_ID, ended, setup.ledger.audit(PAYMENT_TASK_ID), new)
        setup.ledger.open(new, (OPENED, takeover.taken), NOW, takeover)
        if purged:
            del setup.ledger.standing[PAYMENT_TASK_ID]

    meanwhile(setup.ledger, take_over, "commit_event")
    assert setup.receive(any_event()) is Handling.RECORDED
    assert setup.ledger.standing[new.task_id].status is Status.DECIDED


@pytest.mark.parametrize(
    ("other", "handling"),
    [(any_event(event_id="evt_0"), Handling.HELD), (any_event("failed", "evt_1"), Handling.DUPLICATE)],
    ids=["contradicting", "copies"],
)
def test_one_of_two_concurrent_events_decides(other: ProviderEvent, handling: Handling) -> None:
    setup = Setup()
    meanwhile(setup.ledger, lambda: setup.receive(other), "commit_event")
    assert setup.receive(any_event("failed", "evt_1")) is handling
    assert setup.paid is (other.status == "paid")
    setup.assert_decided_once()


@pytest.mark.parametrize("moment", ["before_write", "after_write"])
@pytest.mark.parametrize("opened", [True, False], ids=["to its task", "parked"])
def test_a_redelivery_after_a_crash_has_exactly_one_effect(moment: str, opened: bool) -> None:
    setup = Setup(opened=opened)
    crash(setup.ledger, ConnectionError(), "commit_event" if opened else "park", moment)
    with pytest.raises(ConnectionError):
        setup.receive(any_event())
    again = setup.receive(any_event())
    assert again is (
        Handling.DUPLICATE if moment == "after_write" else Handling.RECORDED if opened else Handling.PARKED
    )
    if not opened:
        setup.open()
        setup.events.apply_parked(setup.task)
    assert setup.paid
    setup.assert_decided_once()


@given(st.lists(st.tuples(STATUSES, AMOUNTS, st.integers(1, 4)), max_size=12), st.integers(0, 12))
def test_every_event_is_recorded_once_and_the_first_final_one_decides_whenever_the_task_opens(
    deliveries: list[tuple[str, str, int]], opening: int
) -> None:
    """Each event id has one content."""
    setup, known = Setup(opened=False), dict[int, ProviderEvent]()
    for place, (status, amount, number) in enumerate(deliveries):
        if place == opening:
            setup.open()
            setup.events.apply_parked(setup.task)
        event = known.setdefault(number, any_event(status, f"evt_{number}", amount=amount))
        first = ("pay", event.event_id) not in setup.ledger.event_records
        assert setup.receive(event) is Handling.DUPLICATE or first
    if opening >= len(deliveries):
        setup.open()
        setup.events.apply_parked(setup.task)
    told = [entry.event.data for entry in setup.ledger.entries if entry.event.event in ("responded", "held")]
    assert {(said["status"], said["amount"]) for said in told} == {(e.status, e.amount) for e in known.values()}
    assert len({said["event_id"] for said in told}) == len(told)
    finals = [e for e in known.values() if e.status in ("paid", "failed", "expired") and e.amount != "25.00"]
    assert setup.audited.count("decided") == bool(finals)
    if finals:
        assert document_of(setup.task)["event_id"] == finals[0].event_id, "the first final event"
    assert setup.ledger.parked("pay", "pay_1001") == []
    setup.clock.move(seconds=timedelta(hours=2).total_seconds())
    assert all(setup.receive(event) is Handling.DUPLICATE for event in known.values())
