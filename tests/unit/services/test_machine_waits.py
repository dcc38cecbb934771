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
from tests.unit.services.test_waits import Setup

SILENCE = timedelta(seconds=60)
WORKER = Sender("worker", "callback token")


def any_machine_question(**changes: Any) -> Any:
    return any_question(**{"kind": "job", "requester": "", "payload": '{"frames":24}'} | changes)


def asked(**changes: Any) -> Setup:
    return Setup(any_task(audience=(), requester="", payload="{}", **changes))


def test_each_channel_gets_its_own_token_and_the_ledger_keeps_only_fingerprints() -> None:
    setup = Setup()
    report = setup.waits.open(any_wait(audience=(), attempt=3), any_machine_question(channels=("email", "phone")))
    first, second = setup.hand_off.sent
    assert setup.hand_off.kinds == ["email.requested", "phone.requested"]
    assert (first["attempt"], first["task"]) == (3, {"frames": 24})
    kept = {token: setup.ledger.links[tokens.fingerprint(token) or ""] for token in map(_token, (first, second))}
    assert [link.recipient for link in kept.values()] == ["email", "phone"]
    assert not [token for token in kept if token in repr(setup.ledger.__dict__) + json.dumps(report)]
    assert CALLBACK_ID not in json.dumps([report, first, second])


def _token(envelope: Any) -> str:
    token: str = envelope["callback"]["token"]
    return token


def test_a_hand_off_that_fails_halfway_reaches_every_channel_at_the_retry() -> None:
    setup = Setup(refusals=1)
    question = any_machine_question(channels=("email", "phone"))
    with pytest.raises(HandOffRejectedError):
        setup.waits.open(any_wait(audience=()), question)
    setup.waits.open(any_wait(audience=()), question)
    assert (setup.hand_off.kinds, setup.events) == (["email.requested", "phone.requested"], ["opened"])


def test_a_task_past_its_deadline_at_the_opening_is_not_handed_off() -> None:
    setup = Setup()
    assert setup.waits.open(any_wait(expires_at=NOW, audience=()), any_machine_question())["status"] == "OPEN"
    assert (setup.hand_off.sent, setup.waits.read(any_wait(expires_at=NOW))["status"]) == ([], "EXPIRED")


def test_a_machine_is_lost_at_the_end_of_the_heartbeat_timeout() -> None:
    setup = asked(heartbeat_at=NOW + timedelta(seconds=5))
    setup.clock.move(seconds=64.999999)
    report = setup.waits.read(any_wait(), SILENCE)
    assert (report["status"], report["heard_at"]) == ("OPEN", "2026-03-01T09:00:05.000000Z")
    setup.clock.move(microseconds=1)
    report = setup.waits.read(any_wait(), SILENCE)
    assert (report["status"], report["closed_because"]) == ("CANCELLED", "worker_lost")
    assert setup.waits.read(any_wait(), SILENCE)["closed_because"] == "worker_lost", "a retry of the step says the same"


def test_a_missing_heartbeat_after_the_deadline_is_an_expiry_and_an_answer_wins() -> None:
    setup = asked()
    setup.clock.move(hours=1)
    assert setup.waits.read(any_wait(), SILENCE)["status"] == "EXPIRED"
    setup = asked()
    setup.clock.move(minutes=5)
    meanwhile(setup.ledger, lambda: _answer(setup))
    report = setup.waits.read(any_wait(), SILENCE)
    assert (report["status"], report["answer"]) == ("APPLIED", {"frames": 24})


def _answer(setup: Setup) -> None:
    change = answers.succeed(setup.task, {"frames": 24}, WORKER, setup.clock.now())
    assert change
    setup.ledger.commit(change)


def _collecting(status: Status = Status.OPEN) -> Setup:
    setup = asked(status=status, collecting=Collecting("kind", ("a", "b")), received=("b",))
    setup.ledger.answers[TASK_ID] = {"b": '{"kind":"b"}'}
    return setup


def test_collected_answers_are_in_the_report_of_an_ended_task() -> None:
    setup, withdrawn = _collecting(), _collecting().waits.withdraw(any_wait())
    assert "answer" not in setup.waits.read(any_wait())
    setup.clock.move(hours=1)
    report = setup.waits.read(any_wait())
    assert (report["status"], report["answer"]) == ("EXPIRED", {"b": {"kind": "b"}})
    assert (withdrawn["closed_because"], withdrawn["answer"]) == ("withdrawn", {"b": {"kind": "b"}})


def test_a_repeated_withdrawal_changes_nothing() -> None:
    setup = asked()
    first = setup.waits.withdraw(any_wait())
    assert (setup.waits.withdraw(any_wait()), setup.events) == (first, ["cancelled"])


def test_an_encrypted_answer_cannot_be_collected_or_correlated() -> None:
    with pytest.raises(ValueError, match="neither collected nor correlated"):
        ExternalTask("secret", {}, 60, encrypted=True, collect=Collecting("kind", ("a",)))
