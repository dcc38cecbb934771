"""Dead-letter queues: what is in them, and having it processed again by whatever had given it up.

A message is deleted only after it was taken elsewhere, so that one may be processed twice and none is lost: everything
in the kit that takes messages is idempotent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from countersign.adapters.event_bus import SOURCE
from operate.errors import OperateError, unknown_name
from operate.replay import NotReplayedError, StreamReplay, is_stream_batch
from operate.stage import Stage

_SUFFIX, _RULE_SUFFIX = "-dlq", "-rule-dlq"
_AT_ONCE = 10
_HIDDEN_SECONDS = 120
_PATIENCE_SECONDS = 1


class NotTakenError(Exception):
    """A message stays where it is; says why."""


@dataclass(frozen=True)
class Redriven:
    """What became of one message.

    Attributes:
        task_ids: The tasks that it is about, as far as it says so.
        kept_because: Why it stays in the queue; empty where it was taken.
    """

    task_ids: Sequence[str] = ()
    kept_because: str = ""


class DeadLetters:
    """The dead-letter queues of a stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._sqs = stage.client("sqs")
        self._queues = {
            name: url
            for stack in ("public", "workflow")
            for name, url in json.loads(stage.outputs[stack].get("Queues", "{}")).items()
        }

    @property
    def names(self) -> list[str]:
        """The names of all of them."""
        return sorted(name for name in self._queues if name.endswith(_SUFFIX))

    def waiting(self, name: str) -> int:
        """Return about how many messages one holds, those that somebody looks at just now too."""
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url(name), AttributeNames=list(counts))
        return sum(int(answer["Attributes"][count]) for count in counts)

    def redrive(self, name: str) -> Iterator[Redriven]:
        """Have each message that a queue holds now processed again, and yield what became of it.

        Raises:
            OperateError: There is no such queue, or nothing is known that takes its messages.
        """
        take, kept = self._way_back(name), []
        try:
            for message in self._messages(name, self.waiting(name)):
                try:
                    task_ids = take(message)
                except (NotTakenError, NotReplayedError) as error:
                    kept.append(message["ReceiptHandle"])
                    yield Redriven(kept_because=str(error))
                else:
                    self._sqs.delete_message(QueueUrl=self._url(name), ReceiptHandle=message["ReceiptHandle"])
                    yield Redriven(task_ids)
        finally:
            for receipt in kept:  # last, or they would be received again
                self._sqs.change_message_visibility(
                    QueueUrl=self._url(name), ReceiptHandle=receipt, VisibilityTimeout=0
                )

    def _messages(self, name: str, most: int) -> Iterator[dict[str, Any]]:
        while most > 0:
            received = self._sqs.receive_message(
                QueueUrl=self._url(name),
                MaxNumberOfMessages=min(most, _AT_ONCE),
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=_PATIENCE_SECONDS,
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            if not received:
                return
            most -= len(received)
            yield from received

    def _way_back(self, name: str) -> Callable[[Mapping[str, Any]], list[str]]:
        """Return what takes a message of a queue, and says which tasks it is about."""
        if (source := name.removesuffix(_RULE_SUFFIX)) != name and source in self._queues:
            return lambda message: self._send(source, _as_delivered(_document(message)), {})
        if (source := name.removesuffix(_SUFFIX)) in self._queues:
            return lambda message: self._send(source, message["Body"], message.get("MessageAttributes", {}))
        arn = self._arn(name)
        replay = StreamReplay(self._stage, arn)
        return lambda message: self._take_by_function(message, arn, replay)

    def _send(self, name: str, body: str, attributes: Mapping[str, Any]) -> list[str]:
        self._sqs.send_message(QueueUrl=self._queues[name], MessageBody=body, MessageAttributes=attributes)
        return _tasks_of(body)

    def _take_by_function(self, message: Mapping[str, Any], arn: str, replay: StreamReplay) -> list[str]:
        document = _document(message)
        if is_stream_batch(document):
            return replay.run(document)
        self._invoke(self._function_behind(arn), message["Body"], document)
        return _tasks_of(message["Body"])

    def _invoke(self, function: Mapping[str, Any], body: str, document: Mapping[str, Any]) -> None:
        from botocore.exceptions import ClientError

        # A durable execution is started under the request's id: what did start once is not started again.
        started = {"Qualifier": "live", "DurableExecutionName": document.get("request_id", "")}
        durable = started if "DurableConfig" in function else {}
        try:
            self._stage.client("lambda").invoke(
                FunctionName=function["FunctionName"], InvocationType="Event", Payload=body.encode(), **durable
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "DurableExecutionAlreadyStartedException":
                raise
            raise NotTakenError("an execution of this name was started with another input") from error

    def _function_behind(self, arn: str) -> Mapping[str, Any]:
        client = self._stage.client("lambda")
        for stack in self._stage.stacks_of_functions:
            for resource in self._stage.resources(stack, "AWS::Lambda::Function"):
                found: dict[str, Any] = client.get_function_configuration(FunctionName=resource["PhysicalResourceId"])
                if found.get("DeadLetterConfig", {}).get("TargetArn") == arn:
                    return found
        raise OperateError(f"nothing in the stage gives up messages into {arn}", "Was it deployed by hand?")

    def _arn(self, name: str) -> str:
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url(name), AttributeNames=["QueueArn"])
        arn: str = answer["Attributes"]["QueueArn"]
        return arn

    def _url(self, name: str) -> str:
        if name not in self.names:
            raise unknown_name("dead-letter queue", name, self.names)
        url: str = self._queues[name]
        return url


def _as_delivered(event: Mapping[str, Any]) -> str:
    """Return the message that EventBridge would have put into the queue."""
    return json.dumps(event["detail"] if event.get("source") == SOURCE else event)


def _document(message: Mapping[str, Any]) -> dict[str, Any]:
    try:
        document = json.loads(message["Body"])
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise NotTakenError("it is no JSON object: look at it in the queue, and delete it there")
    return document


def _tasks_of(body: str) -> list[str]:
    """Return the id of the task that a message names; nothing where it names none."""
    try:
        document = json.loads(body)
    except ValueError:
        return []
    inner = document.get("detail", document) if isinstance(document, dict) else {}
    task_id = inner.get("task_id") if isinstance(inner, dict) else None
    return [task_id] if isinstance(task_id, str) else []
