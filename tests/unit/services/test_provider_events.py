"""Events of providers: each has its effect once, also after repetitions, races and crashes."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.answers import ON_PARTNER_BUS, SIGNED, Sender, document_of
from countersign.domain.audit import AuditEvent
from countersign.domain.provider_events import Handling, ProviderEvent
from countersign.domain.tasks import Status, Task
from countersign.retries import retry_on_conflict
from countersign.services.provider_events import ProviderEvents
from countersign.testing.builders import NOW, PAYMENT_TASK_ID, any_event, any_payment_task, is_unbroken
from countersign.testing.fakes import FixedClock, MemoryLedger
from tests.unit.services.races import meanwhile

PROVIDER = Sender("pay", SIGNED)
OPENED = AuditEvent("opened", "payment")


class DeathError(Exception):
    """The function crashes."""


class Office:
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
    def told(self) -> list[str]:
        return [entry.event.event for entry in self.ledger.entries]

    @property
    def everything(self) -> Any:
        """Everything that an event can change."""
        ledger = self.ledger
        return dict(ledger.standing), dict(ledger.outbox), self.told, ledger.parked("pay", "pay_1001")

    def assert_decided_once(self) -> None:
        assert self.told.count("decided") == 1
        assert is_unbroken(self.ledger.entries, self.task.audit_head, self.task.audit_seq)

    def die(self, moment: str, write: str) -> None:
        """Crash before or after the next write of this name."""

        def die(name: str) -> None:
            if name == write:
                setattr(self.ledger, moment, lambda _: None)
                raise DeathError

        setattr(self.ledger, moment, die)


# Repeated events


def test_an_event_is_recorded_with_its_effect() -> None:
    office = Office()
    assert office.receive(any_event()) is Handling.RECORDED
    assert office.paid
    record = office.ledger.event_records[("pay", "evt_1")]
    assert (record.handling, record.task_id, record.body_digest) == ("recorded", PAYMENT_TASK_ID, "body of evt_1")
    office.assert_decided_once()


@pytest.mark.parametrize("status", ["pending", "paid", "failed", "expired", "unknown"])
@pytest.mark.parametrize("opened", [True, False], ids=["to its task", "parked"])
def test_a_repeated_event_is_a_duplicate(status: str, opened: bool) -> None:
    office = Office(opened=opened)
    office.receive(any_event(status))
    before = office.everything
    assert office.receive(any_event(status)) is Handling.DUPLICATE
    assert office.everything == before


@pytest.mark.parametrize("opened", [True, False], ids=["to its task", "parked"])
def test_another_body_with_a_known_event_id_is_recorded_as_a_conflict(opened: bool) -> None:
    office = Office(opened=opened)
    office.receive(any_event("pending"))
    before = dict(office.ledger.standing)
    assert office.receive(any_event("paid"), "another body") is Handling.CONFLICT
    assert office.ledger.standing == before
    assert [(record.handling, record.body_digest) for record in office.ledger.aside] == [("conflict", "another body")]
    assert office.receive(any_event("pending")) is Handling.DUPLICATE, "the first event is still known"


def test_two_providers_may_use_one_event_id() -> None:
    office = Office()
    office.receive(any_event())
    assert office.events.receive(any_event(), "body", Sender("other", SIGNED)) is Handling.PARKED
    assert office.events.receive(any_event(), "body", Sender("other", SIGNED)) is Handling.DUPLICATE


def test_a_recorded_event_of_an_ended_payment_is_a_duplicate_under_another_id() -> None:
    office = Office()
    office.receive(any_event())
    office.receive(any_event("failed", "evt_2"))
    before = office.everything
    assert office.receive(any_event("failed", "evt_3")) is Handling.DUPLICATE
    assert office.everything == before


# Ignored events


def test_an_ignored_event_of_an_open_task_adds_one_audit_entry_per_reason() -> None:
    office = Office()
    for number, reason in enumerate(("test_mode", "other_account", "test_mode")):
        ignored = any_event("ignored", event_id=f"evt_{number}", reason=reason)
        assert office.receive(ignored) is Handling.IGNORED
    assert [entry.event.data["reason"] for entry in office.ledger.entries[1:]] == ["test_mode", "other_account"]
    assert set(office.told) == {"opened", "ignored"}
    assert (office.task.status, office.ledger.outbox, office.ledger.event_records) == (Status.OPEN, {}, {})
    assert office.receive(any_event(event_id="evt_0")) is Handling.RECORDED, "after a correction of the settings"


@pytest.mark.parametrize("status", ["", "EXPIRED", "CANCELLED"])
def test_an_ignored_event_without_an_open_task_is_not_recorded(status: str) -> None:
    office = Office(opened=False)
    if status:
        office.open(status=Status(status))
    before = office.everything
    assert office.receive(any_event("ignored", reason="test_mode")) is Handling.IGNORED
    assert (office.everything, office.ledger.event_records) == (before, {})


def test_an_event_without_a_task_is_ignored_where_its_provider_does_not_park() -> None:
    office = Office(opened=False)
    assert office.events.receive(any_event(), "body", PROVIDER, parks=False) is Handling.IGNORED
    assert (office.ledger.parking, office.ledger.event_records) == ({}, {})
    office.open()
    assert office.events.receive(any_event(), "body", PROVIDER, parks=False) is Handling.RECORDED


# Held events


def test_a_held_event_is_announced_in_the_same_write() -> None:
    office = Office()
    assert office.receive(any_event(amount="1.00", reason="words")) is Handling.HELD
    ((key, envelope),) = office.ledger.outbox.items()
    assert key == (PAYMENT_TASK_ID, "held#evt_1")
    assert envelope["kind"] == "payment.held"
    assert envelope["task"]["reason"] == "amount"
    assert envelope["task"]["expected"] == {"amount": "250.00", "currency": "EUR"}
    assert envelope["task"]["received"] == {"status": "paid", "amount": "1.00", "currency": "EUR"}
    assert "words" not in str(envelope)
    assert "callback" not in envelope
    assert office.task.status is Status.OPEN


def test_an_event_of_a_task_past_its_retention_is_held() -> None:
    office = Office()
    del office.ledger.standing[PAYMENT_TASK_ID]
    assert office.receive(any_event()) is Handling.HELD
    (record,) = office.ledger.aside
    assert (record.handling, record.task_id) == ("held", PAYMENT_TASK_ID)


# Events before their task


def test_an_event_before_its_task_is_parked_and_applied_at_the_opening() -> None:
    office = Office(opened=False)
    assert office.receive(any_event()) is Handling.PARKED
    office.open()
    assert office.events.apply_parked(office.task) == office.task
    assert office.paid
    assert office.ledger.parked("pay", "pay_1001") == []
    assert office.ledger.event_records[("pay", "evt_1")].handling is Handling.RECORDED
    assert office.receive(any_event()) is Handling.DUPLICATE
    office.assert_decided_once()


def test_the_audit_of_a_parked_event_has_the_identification_of_its_sender() -> None:
    office = Office(opened=False)
    office.events.receive(any_event(), "body", Sender("pay", ON_PARTNER_BUS))
    office.open()
    office.events.apply_parked(office.task)
    assert office.paid
    assert office.ledger.entries[-1].event.identified_by == ON_PARTNER_BUS


def test_a_task_without_an_external_id_has_no_parked_events() -> None:
    office = Office(opened=False)
    task = office.open(correlation=None)
    assert office.events.apply_parked(task) == task


def test_a_task_that_opens_during_the_parking_is_decided_by_the_event() -> None:
    office = Office(opened=False)
    meanwhile(office.ledger, office.open, "park")
    assert office.receive(any_event()) is Handling.RECORDED
    assert office.paid
    assert office.ledger.parked("pay", "pay_1001") == []
    assert office.events.apply_parked(office.task) == office.task
    office.assert_decided_once()


def test_an_event_that_is_parked_during_the_opening_is_applied() -> None:
    office = Office(opened=False)
    meanwhile(office.ledger, lambda: office.receive(any_event()), "open")
    office.open()
    office.events.apply_parked(office.task)
    assert office.paid
    office.assert_decided_once()


def test_an_event_that_decides_before_a_parked_one_is_applied_decides_alone() -> None:
    office = Office(opened=False)
    office.receive(any_event("failed", "evt_1"))
    task = office.open()
    meanwhile(office.ledger, lambda: office.receive(any_event("paid", "evt_2")), "commit_parked")
    retry_on_conflict(lambda: office.events.apply_parked(office.task), lambda _: None)
    assert office.paid
    assert office.ledger.event_records[("pay", "evt_1")].handling is Handling.HELD, "a person resolves it"
    assert task.status is Status.OPEN
    office.assert_decided_once()


# Races and crashes


def test_two_concurrent_copies_of_an_event_act_once() -> None:
    office = Office()
    meanwhile(office.ledger, lambda: office.receive(any_event()), "commit_event")
    assert office.receive(any_event()) is Handling.DUPLICATE
    office.assert_decided_once()


def test_one_of_two_concurrent_contradicting_events_decides_and_the_other_is_held() -> None:
    office = Office()
    meanwhile(office.ledger, lambda: office.receive(any_event("paid", "evt_2")), "commit_event")
    assert office.receive(any_event("failed", "evt_1")) is Handling.HELD
    assert office.paid
    office.assert_decided_once()


@pytest.mark.parametrize("moment", ["before_write", "after_write"])
@pytest.mark.parametrize("opened", [True, False], ids=["to its task", "parked"])
def test_a_redelivery_after_a_crash_has_exactly_one_effect(moment: str, opened: bool) -> None:
    office = Office(opened=opened)
    office.die(moment, "commit_event" if opened else "park")
    with pytest.raises(DeathError):
        office.receive(any_event())
    again = office.receive(any_event())
    assert again is (
        Handling.DUPLICATE if moment == "after_write" else Handling.RECORDED if opened else Handling.PARKED
    )
    if not opened:
        office.open()
        office.events.apply_parked(office.task)
    assert office.paid
    office.assert_decided_once()


STATUSES = st.sampled_from(["pending", "paid", "failed", "expired", "unknown"])
AMOUNTS = st.sampled_from(["250.00", "250", "25.00"])


@given(st.lists(st.tuples(STATUSES, AMOUNTS, st.integers(1, 4)), max_size=12), st.integers(0, 12))
def test_every_event_is_recorded_once_and_the_first_final_one_decides_whenever_the_task_opens(
    deliveries: list[tuple[str, str, int]], opening: int
) -> None:
    """Each event id has one content."""
    office, known = Office(opened=False), dict[int, ProviderEvent]()
    for place, (status, amount, number) in enumerate(deliveries):
        if place == opening:
            office.open()
            office.events.apply_parked(office.task)
        event = known.setdefault(number, any_event(status, f"evt_{number}", amount=amount))
        first = ("pay", event.event_id) not in office.ledger.event_records
        assert office.receive(event) is Handling.DUPLICATE or first
    if opening >= len(deliveries):
        office.open()
        office.events.apply_parked(office.task)
    told = [entry.event.data for entry in office.ledger.entries if entry.event.event in ("responded", "held")]
    assert {(said["status"], said["amount"]) for said in told} == {(e.status, e.amount) for e in known.values()}
    assert len({said["event_id"] for said in told}) == len(told)
    finals = [e for e in known.values() if e.status in ("paid", "failed", "expired") and e.amount != "25.00"]
    assert office.told.count("decided") == bool(finals)
    if finals:
        assert document_of(office.task)["event_id"] == finals[0].event_id, "the first final event"
    assert office.ledger.parked("pay", "pay_1001") == []
    office.clock.move(seconds=timedelta(hours=2).total_seconds())
    assert all(office.receive(event) is Handling.DUPLICATE for event in known.values())
