"""Dead-letter queues: count their messages, and process them again.

A message is deleted only after its consumer has taken it, so none is lost. A message can be processed twice: every
consumer of the kit is idempotent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from countersign.adapters.event_bus import SOURCE
from operate.errors import OperateError, code_of, unknown_name
from operate.replay import KeptError, replay
from operate.stage import Stage

_SUFFIX, _RULE_SUFFIX = "-dlq", "-rule-dlq"
_AT_ONCE = 10
_HIDDEN_SECONDS = 120
_PATIENCE_SECONDS = 1


@dataclass(frozen=True)
class Redriven:
    """The result of redriving one message.

    Attributes:
        task_ids: The tasks that it names.
        kept_because: Why it stays in the queue; empty if it was processed.
    """

    task_ids: Sequence[str] = ()
    kept_because: str = ""


class DeadLetters:
    """The dead-letter queues of a stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._sqs = stage.client("sqs")
        self._queues = stage.merged("Queues")

    @property
    def names(self) -> list[str]:
        """The names of the dead-letter queues."""
        return sorted(name for name in self._queues if name.endswith(_SUFFIX))

    def waiting(self, name: str) -> int:
        """Return the approximate number of messages in a queue, including those in flight."""
        counts = self._attributes(name, "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(map(int, counts.values()))

    def redrive(self, name: str) -> Iterator[Redriven]:
        """Process each message that a queue holds now again, and yield the results.

        Raises:
            OperateError: The queue is unknown, or no function of the stage uses it.
        """
        arn, kept = self._attributes(name, "QueueArn")["QueueArn"], []
        try:
            for message in self._messages(name, self.waiting(name)):
                try:
                    task_ids = self._process(name, arn, message)
                except KeptError as error:
                    kept.append(message["ReceiptHandle"])
                    yield Redriven(kept_because=str(error))
                else:
                    self._sqs.delete_message(QueueUrl=self._queues[name], ReceiptHandle=message["ReceiptHandle"])
                    yield Redriven(task_ids)
        finally:
            for receipt in kept:  # at the end: a visible message would be received again
                self._sqs.change_message_visibility(
                    QueueUrl=self._queues[name], ReceiptHandle=receipt, VisibilityTimeout=0
                )

    def _messages(self, name: str, most: int) -> Iterator[dict[str, Any]]:
        while most > 0:
            received = self._sqs.receive_message(
                QueueUrl=self._queues[name],
                MaxNumberOfMessages=min(most, _AT_ONCE),
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=_PATIENCE_SECONDS,
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            if not received:
                return
            most -= len(received)
            yield from received

    def _process(self, name: str, arn: str, message: Mapping[str, Any]) -> Sequence[str]:
        """Pass a message on to the consumer of its queue, and return the tasks that the message names."""
        body: str = message["Body"]
        if (source := name.removesuffix(_RULE_SUFFIX)) != name and source in self._queues:
            event = _document(body)
            body = json.dumps(event["detail"] if event.get("source") == SOURCE else event)
            self._sqs.send_message(QueueUrl=self._queues[source], MessageBody=body)
        elif (source := name.removesuffix(_SUFFIX)) in self._queues:
            attributes = message.get("MessageAttributes", {})
            self._sqs.send_message(QueueUrl=self._queues[source], MessageBody=body, MessageAttributes=attributes)
        elif "DDBStreamBatchInfo" in (document := _document(body)):
            return replay(self._stage, arn, document)
        else:
            self._invoke(self._function_of(arn), body, document)
        return _tasks_in(body)

    def _invoke(self, function: Mapping[str, Any], body: str, document: Mapping[str, Any]) -> None:
        # A durable execution is named after its request: Lambda does not start the same request twice.
        started = {"Qualifier": "live", "DurableExecutionName": document.get("request_id", "")}
        durable = started if "DurableConfig" in function else {}
        try:
            self._stage.client("lambda").invoke(
                FunctionName=function["FunctionName"], InvocationType="Event", Payload=body.encode(), **durable
            )
        except ClientError as error:
            if code_of(error) != "DurableExecutionAlreadyStartedException":
                raise
            raise KeptError("an execution of this request was started with another input") from error

    def _function_of(self, arn: str) -> Mapping[str, Any]:
        for function in self._stage.functions():
            if function.get("DeadLetterConfig", {}).get("TargetArn") == arn:
                return function
        raise OperateError(f"no function of the stage uses {arn} as its dead-letter queue", "Deploy the stage again.")

    def _attributes(self, name: str, *names: str) -> dict[str, str]:
        if name not in self.names:
            raise unknown_name("dead-letter queue", name, self.names)
        answer = self._sqs.get_queue_attributes(QueueUrl=self._queues[name], AttributeNames=names)
        attributes: dict[str, str] = answer["Attributes"]
        return attributes


def _document(body: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise KeptError("the message is not a JSON object; read it in SQS, and delete it there")
    return document


def _tasks_in(body: str) -> list[str]:
    try:
        document = json.loads(body)
        task_id = document.get("detail", document).get("task_id")
    except (ValueError, AttributeError):  # not JSON, or not an object
        return []
    return [task_id] if isinstance(task_id, str) else []
