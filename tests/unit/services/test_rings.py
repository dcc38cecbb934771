"""Rings: the callback is completed, and the task records the result."""

import pytest

from countersign.domain.errors import LedgerUnavailableError
from countersign.domain.tasks import Ring, RingState, Status, Task
from countersign.services.rings import RELAY, Rings
from countersign.testing.builders import CALLBACK_ID, NOW, TASK_ID, any_decided_task, any_task
from countersign.testing.fakes import FixedClock, MemoryDoorbell, MemoryLedger
from tests.unit.services.races import crash, meanwhile


class Relay:
    """A decided task and the use case that rings."""

    def __init__(self, *answers: Ring | Exception, standing: Task | None = None, actor: str = RELAY) -> None:
        self.ledger = MemoryLedger()
        self.ledger.standing[TASK_ID] = standing or any_decided_task()
        self.doorbell = MemoryDoorbell(answers)
        self.rings = Rings(self.ledger, self.doorbell, FixedClock(NOW), actor)

    def ring(self) -> Ring:
        return self.rings.ring(TASK_ID, CALLBACK_ID)

    @property
    def task(self) -> Task:
        return self.ledger.standing[TASK_ID]


@pytest.mark.parametrize(
    ("actor", "state"), [("sweeper", RingState.DELIVERED), (RELAY, RingState.CLOSED), (RELAY, RingState.FAILED)]
)
def test_the_result_of_a_ring_is_returned_and_stored_on_the_task(actor: str, state: RingState) -> None:
    relay = Relay(Ring(state, NOW, "Code"), actor=actor)
    assert relay.ring() == relay.task.ring == Ring(state, NOW, "Code")
    assert (relay.doorbell.rung, [entry.event.event for entry in relay.ledger.entries]) == ([CALLBACK_ID], ["rung"])


def test_a_delivered_ring_of_the_relay_is_not_recorded_because_the_workflow_applies_the_decision() -> None:
    relay = Relay()
    assert (relay.ring().state, relay.task, relay.ledger.entries) == (RingState.DELIVERED, any_decided_task(), [])


@pytest.mark.parametrize("standing", [any_task(), any_decided_task(callback_id="a later callback")])
def test_a_ring_of_an_open_task_or_an_earlier_callback_does_not_stand_for_that_of_the_decision(standing: Task) -> None:
    relay = Relay(standing=standing, actor="sweeper")
    relay.ring()
    assert relay.task.ring is None
    assert [entry.event.event for entry in relay.ledger.entries] == ["rung"]


def test_a_ring_that_the_ledger_did_not_record_raises_an_error() -> None:
    relay = Relay(Ring(RingState.FAILED, NOW))
    crash(relay.ledger, LedgerUnavailableError("down"))
    with pytest.raises(LedgerUnavailableError):
        relay.ring()


def test_a_ring_is_recorded_after_the_workflow_has_applied_its_task() -> None:
    relay = Relay(actor="sweeper")

    meanwhile(
        relay.ledger,
        lambda: relay.ledger.standing.update({TASK_ID: any_decided_task(status=Status.APPLIED, audit_seq=3)}),
    )
    relay.ring()
    assert (relay.task.status, relay.task.ring) == (Status.APPLIED, Ring(RingState.DELIVERED, NOW))


def test_the_callback_of_a_removed_task_is_rung() -> None:
    relay = Relay()
    relay.ledger.standing.clear()
    assert relay.ring().state == "delivered"


def test_every_ring_of_an_operator_is_audited_and_does_not_downgrade_a_delivered_one() -> None:
    relay = Relay(Ring(RingState.DELIVERED, NOW), Ring(RingState.CLOSED, NOW, "CallbackTimeoutException"))
    operator = "arn:aws:iam::111122223333:user/olga"
    rings = Rings(relay.ledger, relay.doorbell, FixedClock(NOW), operator=operator)
    states = [rings.ring(TASK_ID, CALLBACK_ID).state for _ in range(2)]
    assert (states, relay.task.ring) == (["delivered", "closed"], Ring(RingState.DELIVERED, NOW))
    entries = [(entry.event.event, entry.event.actor, entry.event.data["state"]) for entry in relay.ledger.entries]
    assert entries == [("rung", operator, "delivered"), ("rung", operator, "closed")]
