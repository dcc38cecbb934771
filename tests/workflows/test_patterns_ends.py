"""The results of workflows after failures, timeouts, late answers and unexpected answers."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from benchmarks.bench import WORKFLOWS, PatternBench, on_the_bench
from countersign.domain import tasks
from countersign.domain.answers import Sender
from countersign.domain.errors import BodyTooLargeError, CipherUnavailableError, TaskClosedError
from countersign.domain.rules import Decision
from countersign.domain.strict_json import canonical
from countersign.testing.bench import SHORT_SECONDS
from countersign.testing.fakes import MemoryCipher
from local.demo.scripts import SCRIPTS

Play = Callable[[PatternBench], object]

REVIEW = "order-1001.review"


def verification(**changes: Any) -> dict[str, Any]:
    """Return the answer of a verification service."""
    return {"verification_id": "v-1", "status": "verified", "score": 91, "flags": []} | changes


def document(kind: str, **changes: Any) -> dict[str, Any]:
    """Return the answer of an uploaded document."""
    return {"document_type": kind, "file_url": f"s3://files/{kind}", "uploaded_by": "u-1"} | changes


def played(workflow: str, play: Play, **changes: Any) -> Any:
    """Return the result of a workflow with a deadline of a minute, after a replay with the same result."""
    with opened(workflow, **changes) as bench:
        play(bench)
        return same_after_replay(bench, bench.result())


def same_after_replay(bench: PatternBench, result: Any) -> Any:
    assert (bench.replay(), bench.replay()[0]) == (bench.replay(), result)
    return result


@contextmanager
def opened(workflow: str, **changes: Any) -> Iterator[PatternBench]:
    with on_the_bench(workflow) as bench:
        bench.start({"deadline_seconds": 60, **WORKFLOWS[workflow].input, **changes})
        yield bench


@pytest.mark.parametrize("way", ["failure", "timeout"])
@pytest.mark.parametrize("workflow", SCRIPTS)
def test_a_failure_and_a_passed_deadline_are_results(workflow: str, way: str) -> None:
    script = SCRIPTS[workflow][way]
    sooner = {"deadline_seconds": 1} if way == "timeout" and "deadline_seconds" in script.input else {}
    with on_the_bench(workflow) as bench:
        assert same_after_replay(bench, bench.play(script, **sooner)) == script.result


# Parallel checks


@pytest.mark.parametrize(
    ("score", "risk", "status"), [(651, "low", "approved"), (650, "low", "declined"), (700, "high", "declined")]
)
def test_both_checks_must_pass(score: int, risk: str, status: str) -> None:
    def play(bench: PatternBench) -> None:
        bench.succeed("credit_check", {"score": score})
        bench.succeed("fraud_check", {"risk_level": risk})

    expected = {"status": status, "credit_score": score, "fraud_risk": risk}
    assert played("parallel-checks", play) == expected


def test_a_withdrawn_check_fails_the_workflow_with_the_task_id() -> None:
    with opened("parallel-checks", deadline_seconds=2) as bench:
        task = bench.asked("credit_check")
        bench.asked("fraud_check")
        withdrawal = tasks.cancel(bench.ledger.standing[task.task_id], "an operator", "needless", bench.clock.now())
        assert withdrawal
        bench.ledger.commit(withdrawal)
        finished = bench.finish()
        assert finished.status.value == "FAILED"
        assert finished.error
        assert task.task_id in (finished.error.message or "")


# Retry and fallback


def test_a_wait_that_times_out_is_repeated_with_the_next_attempt_number() -> None:
    with opened("retry-callback", wait_seconds=SHORT_SECONDS, attempts=2) as bench:
        bench.asked("attempt-2")
        assert [sent["attempt"] for sent in bench.hand_off.sent] == [1, 2]
        with pytest.raises(TaskClosedError):
            bench.succeed("attempt-1", {"late": True})
        bench.succeed("attempt-2", {"answer": 42})
        assert bench.result() == {"status": "completed", "attempts": 2, "result": {"answer": 42}}


def test_a_late_primary_is_replaced_by_the_fallback_and_its_answer_is_refused() -> None:
    with opened("fallback-service", primary_seconds=SHORT_SECONDS) as bench:
        bench.asked("fallback")
        with pytest.raises(TaskClosedError):
            bench.succeed("primary", {"late": True})
        bench.succeed("fallback", {"answer": 42})
        assert bench.result() == {"status": "completed", "source": "fallback", "result": {"answer": 42}}


def test_a_primary_in_time_is_the_source_and_the_fallback_is_not_asked() -> None:
    with opened("fallback-service") as bench:
        bench.succeed("primary", {"answer": 42})
        assert (bench.result()["source"], bench.hand_off.kinds) == ("primary", ["primary_service.requested"])


def test_no_fallback_is_asked_after_the_deadline_of_the_request() -> None:
    with opened("fallback-service", deadline_seconds=SHORT_SECONDS, primary_seconds=60) as bench:
        assert (bench.result()["status"], bench.hand_off.kinds) == ("expired", ["primary_service.requested"])


# Conditional results and identity verification


TYPES = {"success": "processed", "failure": "failed"}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        *(({"type": each}, TYPES[each]) for each in TYPES),
        ({"type": ["success"]}, "manual_review"),
        ({}, "manual_review"),
    ],
    ids=str,
)
def test_an_unknown_type_of_result_goes_to_a_person(answer: dict[str, Any], status: str) -> None:
    result = played("conditional-results", lambda bench: bench.succeed("processing", answer))
    assert result == {"status": status, "detail": answer}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (verification(score=80), "verified"),
        (verification(score=49), "failed"),
        (verification(score=99, flags=["a", "b", "c"]), "failed"),
    ],
    ids=["good", "bad", "flags"],
)
def test_a_clear_verification_needs_no_person(answer: dict[str, Any], status: str) -> None:
    result = played("identity-verification", lambda bench: bench.succeed("verification", answer))
    assert result == {"status": status, "score": answer["score"]}


@pytest.mark.parametrize("answer", [verification(score=79), verification(status="unsure")], ids=["score", "status"])
def test_a_person_can_reject_an_unclear_verification(answer: dict[str, Any]) -> None:
    def play(bench: PatternBench) -> None:
        bench.succeed("verification", answer)
        bench.until(lambda: bench.ledger.task(REVIEW))
        bench.answer(Decision.REJECT, reviewer, task_id=REVIEW)
        bench.relay(REVIEW)

    (reviewer,) = WORKFLOWS["identity-verification"].input["reviewers"]
    result = played("identity-verification", play)
    assert result == {"status": "failed", "score": answer["score"], "reviewed_by": reviewer}


def test_an_unanswered_review_fails_the_verification() -> None:
    def play(bench: PatternBench) -> None:
        bench.succeed("verification", verification(score=70))

    assert played("identity-verification", play, deadline_seconds=2) == {"status": "failed", "score": 70}


# Documents


def test_the_request_names_the_required_documents() -> None:
    result = played(
        "document-collection", lambda bench: bench.succeed("documents", document("passport")), required=["passport"]
    )
    assert result == {"status": "complete", "documents": {"passport": document("passport")}}


# Heartbeats


def test_a_heartbeat_recorded_only_in_the_ledger_keeps_the_worker() -> None:
    """A heartbeat may reach a replaced callback, so the time in the ledger counts."""
    with opened("long-job", heartbeat_seconds=SHORT_SECONDS) as bench:
        task = bench.asked("job")
        first, standing = bench.callback_id("job callback 1"), bench.ledger.standing
        beat = bench.ledger.beat
        bench.until(lambda: beat(task.task_id, bench.clock.now()) and standing[task.task_id].callback_id != first)
        bench.succeed("job", {"frames": 24})
        assert bench.result() == {"status": "completed", "result": {"frames": 24}}


# The raw SDK


@pytest.mark.parametrize("workflow", ["two-lambdas", "split-callback"])
def test_the_plain_lambda_rejects_or_fails(workflow: str) -> None:
    assert played(workflow, lambda bench: bench.decide(), order_id="reject-1")["status"] == "rejected"


@pytest.mark.parametrize(("refusals", "status"), [(1, "approved"), (3, "failed")])
def test_an_invocation_that_fails_is_tried_three_times(refusals: int, status: str) -> None:
    with on_the_bench("two-lambdas") as bench:
        bench.lambda_client.refusals = refusals
        bench.start({"order_id": "1001", "deadline_seconds": 60})
        if refusals < 3:
            bench.decide()
        assert bench.result()["status"] == status


def test_an_empty_success_is_no_decision() -> None:
    def empty(bench: PatternBench) -> None:
        bench.until(lambda: bench.lambda_client.invoked)
        bench.runner.send_callback_success(bench.lambda_client.invoked[0]["callback_id"], b"")

    assert played("two-lambdas", empty)["status"] == "failed"


# Encrypted answers


SECRET = "4711-pin"


def kept(bench: PatternBench) -> str:
    """Return everything that is stored of an execution: ledger, audit, history and result."""
    ledger = bench.ledger
    return json.dumps([ledger.standing, ledger.entries, ledger.answers, ledger.asked, bench.history], default=repr)


def test_an_encrypted_answer_is_stored_nowhere_in_clear(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    answer = {"pin": SECRET}
    with opened("encrypted-payload") as bench:
        bench.succeed("secret", answer)
        assert bench.result() == {"status": "received", "fields": ["pin"]}
        everything = kept(bench) + caplog.text
    assert SECRET not in everything
    assert hashlib.sha256(canonical(answer)).hexdigest() not in everything, "a hash of a short secret tells it"


def test_the_size_limit_of_an_encrypted_answer_counts_its_bytes() -> None:
    with opened("encrypted-payload") as bench:
        largest = {"pin": "ä" * ((4096 - len('{"pin":""}')) // 2)}
        with pytest.raises(BodyTooLargeError):
            bench.succeed("secret", {"pin": largest["pin"] + "xx"})
        bench.succeed("secret", largest)
        assert bench.result() == {"status": "received", "fields": ["pin"]}


def test_an_unavailable_cipher_is_tried_again() -> None:
    with opened("encrypted-payload") as bench:
        task_id = bench.asked("secret").task_id
        bench.results.succeed(task_id, {"pin": SECRET}, Sender("worker", "callback token", token="t"))
        assert isinstance(bench.ports.cipher, MemoryCipher)
        bench.ports.cipher.failures.append(CipherUnavailableError("KMS"))
        bench.relay(task_id)
        assert bench.result()["status"] == "received"


# Data enrichment


@pytest.mark.parametrize("processed_at", [1767225600, "x" * 65])
def test_an_invalid_processing_time_is_not_returned(processed_at: object) -> None:
    with opened("data-enrichment") as bench:
        bench.succeed("enrichment", {"processed_at": processed_at})
        result = bench.result()
        assert (result["enriched"], result["timestamp"]) == ({"processed_at": processed_at}, None)
