"""Waits for machines: tokens, heartbeats, collected answers, withdrawals."""

import json
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain import answers, tokens
from countersign.domain.answers import Sender
from countersign.domain.errors import HandOffRejectedError
from countersign.domain.questions import Collecting
from countersign.domain.tasks import Status
from countersign.testing.builders import CALLBACK_ID, NOW, TASK_ID, any_question, any_task, any_wait
from countersign.workflows.external import ExternalTask
from tests.unit.services.races import meanwhile
from tests.unit.services.test_waits import Office

SILENCE = timedelta(seconds=60)
WORKER = Sender("worker", "callback token")


def any_machine_question(**changes: Any) -> Any:
    return any_question(**{"kind": "job", "requester": "", "payload": '{"frames":24}'} | changes)


def asked(**changes: Any) -> Office:
    return Office(any_task(audience=(), requester="", payload="{}", **changes))


def test_each_channel_gets_its_own_token_and_the_ledger_keeps_only_fingerprints() -> None:
    office = Office()
    report = office.waits.open(any_wait(audience=(), attempt=3), any_machine_question(channels=("email", "phone")))
    first, second = office.hand_off.sent
    assert office.hand_off.kinds == ["email.requested", "phone.requested"]
    assert (first["attempt"], first["task"]) == (3, {"frames": 24})
    kept = {token: office.ledger.links[tokens.fingerprint(token) or ""] for token in map(_token, (first, second))}
    assert [link.recipient for link in kept.values()] == ["email", "phone"]
    assert not [token for token in kept if token in repr(office.ledger.__dict__) + json.dumps(report)]
    assert CALLBACK_ID not in json.dumps([report, first, second])


def _token(envelope: Any) -> str:
    token: str = envelope["callback"]["token"]
    return token


def test_a_hand_off_that_fails_halfway_reaches_every_channel_at_the_retry() -> None:
    office = Office(refusals=1)
    question = any_machine_question(channels=("email", "phone"))
    with pytest.raises(HandOffRejectedError):
        office.waits.open(any_wait(audience=()), question)
    office.waits.open(any_wait(audience=()), question)
    assert office.hand_off.kinds == ["email.requested", "phone.requested"]
    assert office.events == ["opened"]


def test_a_task_past_its_deadline_at_the_opening_is_not_handed_off() -> None:
    office = Office()
    assert office.waits.open(any_wait(expires_at=NOW, audience=()), any_machine_question())["status"] == "OPEN"
    assert office.hand_off.sent == []
    assert office.waits.read(any_wait(expires_at=NOW))["status"] == "EXPIRED"


def test_a_machine_is_lost_at_the_end_of_the_heartbeat_timeout() -> None:
    office = asked(heartbeat_at=NOW + timedelta(seconds=5))
    office.clock.move(seconds=64.999999)
    report = office.waits.read(any_wait(), SILENCE)
    assert (report["status"], report["heard_at"]) == ("OPEN", "2026-03-01T09:00:05.000000Z")
    office.clock.move(microseconds=1)
    report = office.waits.read(any_wait(), SILENCE)
    assert (report["status"], report["closed_because"]) == ("CANCELLED", "worker_lost")
    assert office.waits.read(any_wait(), SILENCE)["closed_because"] == "worker_lost", (
        "a retry of the step says the same"
    )


def test_a_missing_heartbeat_after_the_deadline_is_an_expiry_and_an_answer_wins() -> None:
    office = asked()
    office.clock.move(hours=1)
    assert office.waits.read(any_wait(), SILENCE)["status"] == "EXPIRED"
    office = asked()
    office.clock.move(minutes=5)
    meanwhile(office.ledger, lambda: _answer(office))
    report = office.waits.read(any_wait(), SILENCE)
    assert (report["status"], report["answer"]) == ("APPLIED", {"frames": 24})


def _answer(office: Office) -> None:
    change = answers.succeed(office.task, {"frames": 24}, WORKER, office.clock.now())
    assert change
    office.ledger.commit(change)


def test_a_machine_without_a_heartbeat_timeout_is_never_lost() -> None:
    office = asked()
    office.clock.move(minutes=59)
    assert office.waits.read(any_wait())["status"] == "OPEN"


def _collecting(status: Status = Status.OPEN) -> Office:
    office = asked(status=status, collecting=Collecting("kind", ("a", "b")), received=("b",))
    office.ledger.answers[TASK_ID] = {"b": '{"kind":"b"}'}
    return office


def test_collected_answers_are_in_the_report_of_an_ended_task() -> None:
    office = _collecting()
    assert "answer" not in office.waits.read(any_wait())
    office.clock.move(hours=1)
    report = office.waits.read(any_wait())
    assert (report["status"], report["answer"]) == ("EXPIRED", {"b": {"kind": "b"}})


def test_collected_answers_are_in_the_report_of_a_withdrawal() -> None:
    report = _collecting().waits.withdraw(any_wait())
    assert (report["status"], report["closed_because"], report["answer"]) == (
        "CANCELLED",
        "withdrawn",
        {"b": {"kind": "b"}},
    )


def test_a_repeated_withdrawal_changes_nothing() -> None:
    office = asked()
    first = office.waits.withdraw(any_wait())
    assert office.waits.withdraw(any_wait()) == first
    assert office.events == ["cancelled"]


def test_an_encrypted_answer_cannot_be_collected_or_correlated() -> None:
    with pytest.raises(ValueError, match="neither collected nor correlated"):
        ExternalTask("secret", {}, 60, encrypted=True, collect=Collecting("kind", ("a",)))
