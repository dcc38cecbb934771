"""Those whom workflows ask: they take hand-offs from the queue `external-tasks`, and answer as machines do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from local.demo.scripts import Call
from operate.embedded import aws, http
from operate.embedded.cloud import Cloud

Envelope = Mapping[str, Any]

_QUEUE = "external-tasks"


def take(cloud: Cloud, wanted: Callable[[Envelope], bool]) -> list[Envelope]:
    """Take those hand-offs from the queue that are wanted.

    What is for others is put back as a new message: a queue counts how often a message was received, and gives it up
    after a few times.
    """
    sqs, queue = aws.client("sqs", cloud.endpoint_url), cloud.queues[_QUEUE]
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
    taken = []
    for message in received.get("Messages", []):
        envelope = _envelope(message["Body"])
        if envelope is not None and wanted(envelope):
            taken.append(envelope)
        else:
            sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return taken


def answer(envelope: Envelope, call: Call) -> http.Answer:
    """Post what a machine says to a hand-off, with the token that came with it."""
    callback = envelope["callback"]
    headers = {"Authorization": f"Bearer {callback['token']}", "Content-Type": "application/json"}
    body = b"" if call.document is None else json.dumps(call.document).encode()
    return http.send("POST", f"{callback['url']}/{call.said}", body, headers)


def _envelope(body: str) -> Envelope | None:
    try:
        envelope = json.loads(body)
    except ValueError:
        return None
    return envelope if isinstance(envelope, dict) else None
