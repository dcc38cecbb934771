"""The example worker: its answers, and when it deletes a message."""

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from countersign.testing.builders import any_envelope, any_token
from docs.examples import worker
from docs.examples.worker import JOBS, Failure, Job, run

QUEUE = "https://sqs.eu-central-1.amazonaws.com/111122223333/external-tasks"
PAYMENT = {"order_id": "1001", "amount": "250.00", "currency": "EUR"}


class Callbacks:
    """The kit's callbacks: a server that answers `status`, and 200 to heartbeats."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.status = 200
        self.beaten = threading.Event()
        callbacks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                callbacks.asked.append((self.path, self.headers["Authorization"], body))
                is_beat = self.path.endswith("/heartbeat")
                if is_beat:
                    callbacks.beaten.set()
                self.send_response(200 if is_beat else callbacks.status)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/callbacks"

    @property
    def outcomes(self) -> list[str]:
        return [path.rpartition("/")[2] for path, *_ in self.asked]


@dataclass
class Queue:
    """A queue that delivers each message once, then stops the worker."""

    bodies: list[str]
    stop: threading.Event = field(default_factory=threading.Event)
    deleted: list[str] = field(default_factory=list)
    extended: list[int] = field(default_factory=list)
    prolonged: threading.Event = field(default_factory=threading.Event)

    def receive_message(self, **asked: Any) -> dict[str, Any]:
        assert (asked["QueueUrl"], asked["MaxNumberOfMessages"]) == (QUEUE, 1)
        if not self.bodies:
            self.stop.set()
            return {}
        body = self.bodies.pop(0)
        return {"Messages": [{"MessageId": "m1", "ReceiptHandle": f"handle of {body}", "Body": body}]}

    def change_message_visibility(self, **asked: Any) -> None:
        self.extended.append(asked["VisibilityTimeout"])
        self.prolonged.set()

    def delete_message(self, **asked: Any) -> None:
        assert asked["QueueUrl"] == QUEUE
        self.deleted.append(asked["ReceiptHandle"].removeprefix("handle of "))


@pytest.fixture
def callbacks() -> Iterator[Callbacks]:
    callbacks = Callbacks()
    yield callbacks
    callbacks.server.shutdown()
    callbacks.server.server_close()


def handed_off(callbacks: Callbacks, **changes: Any) -> str:
    callback = {"url": callbacks.url, "token": any_token()}
    return json.dumps(any_envelope(**{"kind": "payment.requested", "task": PAYMENT, "callback": callback} | changes))


def working(*bodies: str, job: Job = JOBS["payment.requested"]) -> Queue:
    """Run the worker on these messages, and return the queue."""
    queue = Queue(list(bodies))
    run(queue, QUEUE, {"payment.requested": job}, queue.stop)
    return queue


def test_a_task_is_answered_with_its_token_and_its_message_deleted(callbacks: Callbacks) -> None:
    body = handed_off(callbacks)
    queue = working(body)
    answer = {"status": "paid", "amount": "250.00", "currency": "EUR"}
    assert (callbacks.asked, queue.deleted) == ([("/callbacks/succeed", f"Bearer {any_token()}", answer)], [body])


def test_a_failed_job_is_answered_as_a_failure(callbacks: Callbacks) -> None:
    def job(_: Any) -> dict[str, Any]:
        raise Failure("card_declined", "The bank said no", {"attempts": 1})

    queue = working(handed_off(callbacks), job=job)
    answer = {"code": "card_declined", "message": "The bank said no", "data": {"attempts": 1}}
    assert (callbacks.asked, len(queue.deleted)) == ([("/callbacks/fail", f"Bearer {any_token()}", answer)], 1)


@pytest.mark.parametrize(
    ("status", "logged", "deleted"),
    [
        *((status, "failed (no_account)", 1) for status in (200, 202)),
        *((status, f"late, not recorded ({status})", 1) for status in (409, 410)),
        *((status, f"failed (no_account), not recorded ({status})", 0) for status in (400, 401, 422, 429, 500, 503)),
    ],
)
def test_the_outcome_is_logged_and_a_message_deleted_only_after_a_final_status(
    callbacks: Callbacks, caplog: pytest.LogCaptureFixture, status: int, logged: str, deleted: int
) -> None:
    def job(_: Any) -> dict[str, Any]:
        raise Failure("no_account")

    caplog.set_level(logging.INFO)
    callbacks.status = status
    assert len(working(handed_off(callbacks), job=job).deleted) == deleted
    assert caplog.messages == [f"payment.requested order-1001.approval: {logged}"]


def test_a_task_of_an_unknown_kind_is_not_answered_and_its_message_stays(callbacks: Callbacks) -> None:
    assert (working(handed_off(callbacks, kind="credit.requested")).deleted, callbacks.asked) == ([], [])


def test_without_an_answer_of_the_api_the_message_stays(callbacks: Callbacks) -> None:
    nowhere = {"url": "http://127.0.0.1:1/callbacks", "token": any_token()}
    assert working(handed_off(callbacks, callback=nowhere)).deleted == []


def test_after_an_error_in_a_job_its_message_stays_and_the_next_is_handled(callbacks: Callbacks) -> None:
    def job(envelope: dict[str, Any]) -> dict[str, Any]:
        if envelope["attempt"] == 1:
            raise RuntimeError(any_token())
        return {}

    second = handed_off(callbacks, attempt=2)
    assert (working(handed_off(callbacks), second, job=job).deleted, callbacks.outcomes) == ([second], ["succeed"])


@pytest.mark.parametrize(
    "changes",
    [
        *({"version": 2}, {"kind": "payment"}, {"kind": 1}, {"attempt": True}, {"request_id": "a b"}, {"task": []}),
        *({"callback": {"url": "https://example.com"}}, {"callback": None}),
        *("", "not JSON", "[]", "{}", json.dumps(any_envelope())),
    ],
)
def test_a_message_that_is_no_hand_off_to_a_machine_is_not_deleted(
    callbacks: Callbacks, changes: dict[str, Any] | str
) -> None:
    queue = working(changes if isinstance(changes, str) else handed_off(callbacks, **changes))
    assert (queue.deleted, callbacks.asked) == ([], [])


def test_during_a_job_it_sends_heartbeats_and_keeps_the_message_hidden(
    callbacks: Callbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "VISIBILITY_SECONDS", 0.03)
    callback = {"url": callbacks.url, "token": any_token(), "heartbeat_seconds": 1}
    queue = Queue([handed_off(callbacks, callback=callback)])

    def job(_: Any) -> dict[str, Any]:
        assert callbacks.beaten.wait(10)
        assert queue.prolonged.wait(10)
        return {}

    run(queue, QUEUE, {"payment.requested": job}, queue.stop)
    assert (callbacks.outcomes[-1], set(callbacks.outcomes[:-1])) == ("succeed", {"heartbeat"})
    assert set(queue.extended) == {0.03}


def test_after_a_signal_it_finishes_its_job_and_receives_no_other(callbacks: Callbacks) -> None:
    first, second = handed_off(callbacks), handed_off(callbacks, attempt=2)
    queue = Queue([first, second])

    def job(_: Any) -> dict[str, Any]:
        queue.stop.set()
        return {}

    run(queue, QUEUE, {"payment.requested": job}, queue.stop)
    assert (queue.deleted, queue.bodies) == ([first], [second])


def test_a_message_that_arrives_after_a_signal_is_given_back_at_once(callbacks: Callbacks) -> None:
    class Stopping(Queue):
        def receive_message(self, **asked: Any) -> dict[str, Any]:
            self.stop.set()
            return super().receive_message(**asked)

    queue = Stopping([handed_off(callbacks)])
    run(queue, QUEUE, JOBS, queue.stop)
    assert (queue.extended, queue.deleted, callbacks.asked) == ([0], [], [])


def test_the_token_is_never_logged(callbacks: Callbacks, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def job(envelope: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError(str(envelope))

    secret = {"url": callbacks.url, "token": [any_token()]}
    working(handed_off(callbacks), handed_off(callbacks, callback=secret), any_token())
    working(handed_off(callbacks), job=job)
    assert "payment.requested order-1001.approval: succeeded" in caplog.text
    assert "RuntimeError" in caplog.text
    assert any_token() not in caplog.text
