"""A message that its function cannot handle ends in the dead letters of its queue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from operate.embedded import aws
from operate.embedded.cloud import Cloud
from tests.e2e.scene import until

POISON = '{"poison": "no envelope, no event, no result"}'


def worked_queues(cloud: Cloud) -> list[str]:
    """Return the queues that a function of the kit reads."""
    return sorted(name for name in cloud.queues if f"{name}-dlq" in cloud.queues and name != "external-tasks")


@contextmanager
def seen_again_soon(sqs: Any, url: str) -> Iterator[None]:
    """Let a failed message be received again after a second instead of ninety."""
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=before)


def taken_from(sqs: Any, url: str) -> list[str]:
    """Take all messages of a queue."""
    bodies = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def test_a_message_that_no_function_can_read_reaches_the_dead_letters_of_its_queue(cloud: Cloud) -> None:
    sqs = aws.client("sqs", cloud.endpoint_url)
    names = worked_queues(cloud)
    assert names == ["approvals", "executions", "held-payments", "results"]
    for name in names:
        taken_from(sqs, cloud.queues[f"{name}-dlq"])
    with ExitStack() as queues:
        for name in names:
            queues.enter_context(seen_again_soon(sqs, cloud.queues[name]))
            sqs.send_message(QueueUrl=cloud.queues[name], MessageBody=POISON)
        for name in names:
            bodies = until(lambda dead=cloud.queues[f"{name}-dlq"]: taken_from(sqs, dead), f"the dead letter of {name}")  # type: ignore[misc]
            assert all("no envelope, no event, no result" in body for body in bodies), bodies
