"""Questions to machines: ask a service, a provider or a worker for a result, and match on its type."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_durable_execution_sdk_python import DurableContext, StepContext
from aws_durable_execution_sdk_python.config import StepConfig

from countersign.domain.answers import WORKER_LOST, check_size
from countersign.domain.clock import from_text
from countersign.domain.errors import TaskWithdrawnError
from countersign.domain.questions import Collecting, Correlation, Question
from countersign.domain.strict_json import canonical
from countersign.domain.tasks import Status, encryption_context, task_id_of
from countersign.services.waits import Report
from countersign.workflows.ask import Expired, Schedule, ask, deadline_of
from countersign.workflows.runtime import current
from countersign.workflows.serdes import EncryptedSerDes
from countersign.workflows.steps import patiently
from countersign.workflows.workflow import execution_of


@dataclass(frozen=True)
class ExternalTask:
    """A question for a machine.

    Attributes:
        kind: The kind of task; the hand-off's kind is `<kind>.requested`.
        payload: The content for the machine; plain JSON values.
        deadline_seconds: How long the whole request may take, in seconds from its start.
        wait_seconds: How long this wait may take, in seconds from its opening; None or 0 for the request's bound.
        answer_contract: Name of the schema that an answer must keep; empty to accept any object.
        correlate: The task's identity at a provider, by which the provider's events find it. If it has an amount, a
            paid answer must have the same amount.
        encrypted: Whether the answer is kept as ciphertext, at most 4,096 bytes; open it with `open_answer`. Of a
            failure only the code is kept. Cannot be combined with `collect` or `correlate`.
        channels: Hand-off kinds, without suffix, of several machines that are asked at once, in place of `kind`. The
            first answer counts; later ones get 409.
        collect: Which answers are collected until all are there; None if the first answer is enough.
        heartbeat_seconds: Longest silence before the machine is lost; None or 0 if it sends no heartbeats.
        attempt: Number of the first hand-off: 1, plus 1 for each earlier wait with the same question.
        irrevocable: Whether the machine may have acted, such as moved money, before it answers: from the
            hand-off on, the request can be cancelled only if the machine fails.
    """

    kind: str
    payload: Mapping[str, Any]
    deadline_seconds: int
    wait_seconds: int | None = None
    answer_contract: str = ""
    correlate: Correlation | None = None
    encrypted: bool = False
    channels: tuple[str, ...] = ()
    collect: Collecting | None = None
    heartbeat_seconds: int | None = None
    attempt: int = 1
    irrevocable: bool = False

    def __post_init__(self) -> None:
        """Refuse combinations that could accept no answer: only the workflow can read an encrypted key or amount."""
        if self.encrypted and (self.collect or self.correlate):
            raise ValueError("an encrypted answer can be neither collected nor correlated; leave out one of them")


@dataclass(frozen=True)
class Answered:
    """The machine has answered.

    Attributes:
        by: Sender of the answer: a provider, a partner, a channel, or `worker`.
        at: Time of the answer, in UTC.
        document: The answer; collected answers by their keys.
        refused: How many earlier answers broke the contract.
    """

    by: str
    at: datetime
    document: Mapping[str, Any]
    refused: int = 0


@dataclass(frozen=True)
class Failed:
    """The machine reported a failure.

    Attributes:
        code: Reason for programs, such as `out_of_stock`.
        message: Reason for people.
        data: Further details.
        by: Sender of the failure, as for an answer.
    """

    code: str
    message: str = ""
    data: str = ""
    by: str = ""


@dataclass(frozen=True)
class WorkerLost:
    """The machine sent no heartbeat in time."""


ExternalResult = Answered | Failed | Expired | WorkerLost


def await_result(context: DurableContext, name: str, task: ExternalTask) -> ExternalResult:
    """Ask a machine and wait, without using compute, until it has answered, or the deadline passes.

    Args:
        context: The execution's context, or a child's.
        name: Name of the wait; unique within the workflow, never changed once deployed.
        task: The question.

    Raises:
        BodyTooLargeError: The payload is larger than an answer may be; one item of the ledger holds both.
        TaskWithdrawnError: The task was withdrawn.
        WorkflowError: As `ask` raises.
    """
    check_size(task.payload)
    question = Question(
        kind=task.kind,
        payload=canonical(task.payload).decode(),
        answer_contract=task.answer_contract,
        correlation=task.correlate,
        encrypted=task.encrypted,
        channels=task.channels,
        collecting=task.collect,
        irrevocable=task.irrevocable,
    )
    schedule = Schedule(task.deadline_seconds, task.wait_seconds, heartbeat_seconds=task.heartbeat_seconds)
    report = ask(context, name, question, schedule, attempt=task.attempt)
    match report["status"]:
        case Status.APPLIED:
            return _answered(report)
        case Status.EXPIRED:
            over = deadline_of(context, task.deadline_seconds) <= from_text(report["at"])
            return Expired(report.get("answer", {}), for_good=over, declined=report.get("declined", ""))
    if report.get("closed_because") == WORKER_LOST:
        return WorkerLost()
    raise TaskWithdrawnError(task_id_of(execution_of(context).request_id, name))


def open_answer(context: DurableContext, name: str, answer: Answered) -> dict[str, Any]:
    """Decrypt an encrypted answer: one operation, `<name> open answer`, whose checkpoint is ciphertext too.

    Args:
        context: The execution's context.
        name: Name of the wait.
        answer: The encrypted answer.

    Raises:
        StepError: The ciphertext belongs to another task, or KMS did not answer for a day.
    """
    cipher = current().cipher
    bound_to = encryption_context(task_id_of(execution_of(context).request_id, name))

    def decrypt(_: StepContext) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(cipher.decrypt(answer.document["ciphertext"], bound_to))
        return document

    config = StepConfig(retry_strategy=patiently, serdes=EncryptedSerDes(cipher, bound_to))
    return context.step(decrypt, f"{name} open answer", config)


def _answered(report: Report) -> Answered | Failed:
    (by,) = report["decided_by"]
    if report["failure"]:
        return Failed(**report["failure"], by=by)
    return Answered(by, from_text(report["decided_at"]), report["answer"], report["refused_answers"])
