"""A worker: takes tasks for machines from the queue `external-tasks`, does their jobs, and answers.

Run it with `python worker.py QUEUE_URL`; it needs boto3, and the rights to receive, hide and delete messages. A message
is deleted only after its task is answered, and may come again before. So each job must be idempotent, by `task_id`.
"""

import json
import logging
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

SCHEMA = Path(__file__).parents[2] / "layers/countersign/python/countersign/contracts/schemas/envelope.json"
VISIBILITY_SECONDS = 60
WAIT_SECONDS = 10
RECORDED, LATE = {200, 202}, {409, 410}
"""The callback's statuses after which nothing is left to do: the answer is recorded, or nobody waits for it."""

TYPES: Mapping[str, type] = {"object": dict, "array": list, "string": str, "integer": int}
Job = Callable[[dict[str, Any]], dict[str, Any]]
log = logging.getLogger("worker")


class Failure(Exception):  # noqa: N818  it is what the worker answers, not what is wrong with the worker
    """The job cannot be done, and trying again would not help; `code` is a word for machines."""

    def __init__(self, code: str, message: str = "", data: Any = None) -> None:
        super().__init__(code)
        self.answer = {"code": code, "message": message, "data": data}


def book_credit(envelope: dict[str, Any]) -> dict[str, Any]:
    """Move the money; put your transfer here, and pass the idempotency key on to it. This one moves none."""
    return {"booked": envelope["task"]["idempotency_key"]}


def take_payment(envelope: dict[str, Any]) -> dict[str, Any]:
    """Start the payment at its provider; put that here, and answer `{"status": "pending"}`.

    The provider's webhook then reports the money. This one pretends that the payer has paid: never run it elsewhere
    than on the embedded cloud.
    """
    task = envelope["task"]
    return {"status": "paid", "amount": task["amount"], "currency": task["currency"]}


JOBS: Mapping[str, Job] = {"credit.requested": book_credit, "payment.requested": take_payment}
"""The job of each kind of task. Messages of other kinds stay on the queue."""


def breaches(value: Any, schema: Mapping[str, Any], place: str = "envelope") -> Iterator[str]:
    """Say where a document breaks a JSON Schema, by the keywords that matter here; never what stands there."""
    if "const" in schema and value != schema["const"]:
        yield f"{place} must be {schema['const']}"
    if "type" in schema and (not isinstance(value, TYPES[schema["type"]]) or isinstance(value, bool)):
        yield f"{place} must be of type {schema['type']}"
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{place} must match {schema['pattern']}"
    elif isinstance(value, dict):
        yield from (f"{place} lacks {name}" for name in schema.get("required", ()) if name not in value)
        for name, member in schema.get("properties", {}).items():
            yield from breaches(value[name], member, f"{place}.{name}") if name in value else ()


def post(callback: Mapping[str, str], said: str, document: Mapping[str, Any]) -> int:
    """Tell the callback `succeed`, `fail` or `heartbeat`, and return the status of its answer."""
    headers = {"Authorization": f"Bearer {callback['token']}", "Content-Type": "application/json"}
    request = Request(f"{callback['url']}/{said}", json.dumps(document).encode(), headers)  # noqa: S310  the kit's own
    try:
        with urlopen(request, timeout=10) as reply:  # noqa: S310  the same  # nosec B310
            return int(reply.status)
    except HTTPError as error:
        return error.code


@contextmanager
def every(seconds: float, act: Callable[[], Any]) -> Iterator[None]:
    """Do something again and again, in the background, for as long as the block lasts."""
    done = threading.Event()

    def repeat() -> None:
        while not done.wait(seconds):
            try:
                act()
            except Exception as error:  # noqa: BLE001  the next turn may do better, and the job goes on
                log.warning("not kept alive: %s", type(error).__name__)

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def work(envelope: dict[str, Any], job: Job) -> tuple[int, str]:
    """Do a task's job with heartbeats and answer it. Return the status of the callback's answer, and how it ended."""
    callback = envelope["callback"]
    heartbeat = callback.get("heartbeat_seconds")
    beating = every(heartbeat / 3, lambda: post(callback, "heartbeat", {})) if heartbeat else nullcontext()
    with beating:
        try:
            said, answer, ended = "succeed", job(envelope), "succeeded"
        except Failure as failure:
            said, answer, ended = "fail", failure.answer, f"failed ({failure})"
    status = post(callback, said, answer)
    if status in LATE:
        return status, f"late, not recorded ({status})"
    return status, ended if status in RECORDED else f"{ended}, not recorded ({status})"


def take(sqs: Any, queue_url: str, message: Mapping[str, Any], jobs: Mapping[str, Job]) -> None:
    """Work on one message, hidden from other workers meanwhile; leave it where it is if that comes to nothing."""
    key = {"QueueUrl": queue_url, "ReceiptHandle": message["ReceiptHandle"]}
    try:
        envelope = json.loads(message["Body"])
        found = [*breaches(envelope, json.loads(SCHEMA.read_text(encoding="utf-8")))]
        if found or "callback" not in envelope:
            log.error("not an envelope for machines: %s", found or "it has no callback")
            return
        if envelope["kind"] not in jobs:
            log.warning("%s has no job here and stays on the queue, which delivers it six times", envelope["kind"])
            return
        hide = {**key, "VisibilityTimeout": VISIBILITY_SECONDS}
        with every(VISIBILITY_SECONDS / 3, lambda: sqs.change_message_visibility(**hide)):
            status, ended = work(envelope, jobs[envelope["kind"]])
        log.info("%s %s: %s", envelope["kind"], envelope["task_id"], ended)
        if status in RECORDED | LATE:
            sqs.delete_message(**key)
    except Exception as error:  # noqa: BLE001  the message comes again; its text may quote what it holds
        log.error("message %s failed: %s", message["MessageId"], type(error).__name__)  # noqa: TRY400  the same


def run(sqs: Any, queue_url: str, jobs: Mapping[str, Job], stop: threading.Event) -> None:
    """Take one message after the other until told to stop: finish the job at hand, and give back a new message."""
    hidden = {"VisibilityTimeout": VISIBILITY_SECONDS, "WaitTimeSeconds": WAIT_SECONDS, "MaxNumberOfMessages": 1}
    while not stop.is_set():
        for message in sqs.receive_message(QueueUrl=queue_url, **hidden).get("Messages", []):
            if stop.is_set():
                back = {"ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
                sqs.change_message_visibility(QueueUrl=queue_url, **back)
            else:
                take(sqs, queue_url, message, jobs)


if __name__ == "__main__":
    import boto3

    logging.basicConfig(level=logging.INFO)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    run(boto3.client("sqs"), sys.argv[1], JOBS, stopping)
