"""Answers of machines to tasks, sent with the token of their hand-off or over the bus."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from countersign.domain import answers, tokens
from countersign.domain.answers import Sender
from countersign.domain.clock import Clock
from countersign.domain.errors import (
    AnswerRefusedError,
    ConfigurationError,
    ContractError,
    LedgerConflictError,
    PlainAnswerError,
    TaskClosedError,
    UnknownTaskError,
    UnknownTokenError,
)
from countersign.domain.links import Link
from countersign.domain.provider_events import EventRecord, EventStatus, Handling, ProviderEvent
from countersign.domain.questions import Collecting, Correlation
from countersign.domain.strict_json import canonical, digest
from countersign.domain.tasks import Change, Failure, Task, encryption_context
from countersign.retries import retried
from countersign.services.provider_events import effect_of
from countersign.services.refusals import record_refusal

if TYPE_CHECKING:
    from countersign.ports import Cipher, Heartbeats, Ledger

PAYMENT_CONTRACT = "payment.answer"
"""The contract of every answer about money, in addition to the workflow's own."""

_SAID_OF_PAYMENTS = ("status", "amount", "currency", "reason")


@dataclass(frozen=True)
class Receipt:
    """The result of an answer.

    Attributes:
        task: The task afterwards.
        handling: RECORDED, DUPLICATE if the same answer came before, PENDING if more are awaited, or HELD.
        missing: The keys of the answers that are still awaited.
    """

    task: Task
    handling: Handling
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Results:
    """Records the answers of machines."""

    ledger: Ledger
    heartbeats: Heartbeats
    clock: Clock
    cipher: Cipher | None = None

    def link_of(self, token: str) -> Link:
        """Return the callback that has this token: its task, and as its recipient the channel of the hand-off.

        Raises:
            UnknownTokenError: No callback has this token.
            LedgerUnavailableError: The ledger did not answer.
        """
        fingerprint = tokens.fingerprint(token)
        link = self.ledger.callback(fingerprint) if fingerprint else None
        if link is None:
            raise UnknownTokenError
        return link

    @retried
    def succeed(self, task_id: str, document: Mapping[str, Any], sender: Sender) -> Receipt:
        """Record a machine's answer.

        Raises:
            UnknownTaskError: No task of a machine has this id.
            PlainAnswerError: The task's answers are encrypted, and this one came over the bus, without a token.
            AnswerRefusedError: The answer breaks the task's contract; the attempt is recorded.
            BodyTooLargeError: The answer is too large.
            DecidedOtherwiseError: The task has another answer.
            TaskClosedError: The task expired or was cancelled.
            LedgerUnavailableError: The ledger did not answer; nothing was recorded.
        """
        task = self._task(task_id)
        _check_way(task, sender)
        if task.question.correlation is not None and task.question.correlation.amount is not None:
            return self._paid(task, task.question.correlation, document, sender)
        self._check_contract(task, document, sender)
        if task.question.encrypted:
            return self._encrypted(task, document, sender)
        if task.question.collecting is not None:
            return self._collected(task, task.question.collecting, document, sender)
        return self._recorded(task, answers.succeed(task, document, sender, self.clock.now()))

    @retried
    def fail(self, task_id: str, failure: Failure, sender: Sender) -> Receipt:
        """Record a machine's failure; raises as `succeed` does."""
        task = self._task(task_id)
        _check_way(task, sender)
        return self._recorded(task, answers.fail(task, failure, sender, self.clock.now()))

    def heartbeat(self, task_id: str) -> Task:
        """Record that a machine still works on a task, and keep its callback alive.

        Raises:
            UnknownTaskError: No task of a machine has this id.
            DecidedOtherwiseError: The task has its answer.
            TaskClosedError: The task expired or was cancelled.
            TransientError: The ledger or Lambda did not answer; send the heartbeat again.
        """
        task = self._beaten(task_id)
        try:
            self.heartbeats.beat(task.callback_id)
        except TaskClosedError:  # the ledger decides: while the task is open, another callback replaces this one
            answers.check_open(self._task(task_id), self.clock.now())
        return task

    @retried
    def _beaten(self, task_id: str) -> Task:
        task, now = self._task(task_id), self.clock.now()
        answers.check_open(task, now)
        if not self.ledger.beat(task_id, now):
            raise LedgerConflictError(task_id)
        return task

    def _paid(self, task: Task, correlation: Correlation, document: Mapping[str, Any], sender: Sender) -> Receipt:
        """Record a worker's answer about money once, as an event, under the rules of payments."""
        event_id = f"answer-{digest([task.task_id, document])}"
        record, _, _ = self.ledger.look_up(correlation.provider, event_id, correlation.external_id)
        if record is not None:
            if record.handling is Handling.HELD:
                answers.check_open(task, self.clock.now())
            return Receipt(task, Handling.DUPLICATE)
        self._check_contract(task, document, sender)
        event = _payment_event(event_id, correlation, document)
        effect = effect_of(task, event, sender, self.clock)
        come = EventRecord(correlation.provider, event_id, digest(document), effect.handling, task.task_id)
        if effect.handling is not Handling.HELD:
            answers.check_open(task, effect.change.at)
        after = task if effect.says_nothing else self.ledger.commit_event(effect.change, come)
        # Late money is held for a person before its sender receives the refusal.
        answers.check_open(task, effect.change.at)
        return Receipt(after, effect.handling)

    def _encrypted(self, task: Task, document: Mapping[str, Any], sender: Sender) -> Receipt:
        """Record an answer as ciphertext, with a MAC that tells a retry from another answer.

        Two ciphertexts of one answer differ, and a plain hash of a small secret reveals it. The key of the MAC is the
        sender's token, of which only the SHA-256 is kept.
        """
        plain = canonical(document)
        mac = hmac.digest(sender.token.encode(), plain, "sha256").hex()
        if (task.decided_by, answers.document_of(task).get("mac")) == ((sender.actor,), mac):
            return Receipt(task, Handling.DUPLICATE)
        answers.check_open(task, self.clock.now())
        if self.cipher is None:
            raise ConfigurationError("this function has no key for encrypted answers")
        sealed = {"ciphertext": self.cipher.encrypt(plain, encryption_context(task.task_id)), "mac": mac}
        return self._recorded(task, answers.succeed(task, sealed, sender, self.clock.now()))

    def _collected(self, task: Task, collecting: Collecting, document: Mapping[str, Any], sender: Sender) -> Receipt:
        key = str(document.get(collecting.key, ""))
        if key not in collecting.required:
            answers.check_open(task, self.clock.now())
            allowed = f"one of {', '.join(collecting.required)}"
            raise self._refused(task, [ContractError(f"must be {allowed}", f"/{collecting.key}")], sender)
        standing = self.ledger.responses(task.task_id)
        change = answers.collect(task, collecting, document, standing, sender, self.clock.now())
        after = self.ledger.commit(change) if change else self._task(task.task_id)
        missing = collecting.missing(after.received)
        repeated = Handling.DUPLICATE if change is None else Handling.RECORDED
        return Receipt(after, Handling.PENDING if missing else repeated, missing)

    def _check_contract(self, task: Task, document: Mapping[str, Any], sender: Sender) -> None:
        """Refuse and record an answer that breaks its contract; raise instead if the task takes no more answers."""
        checks = _checks_of(task, document)
        if not checks:
            return
        # Imported here: loading the schemas would slow every cold start of the public function.
        from countersign.contracts import validation

        problems = [problem for name, content in checks for problem in validation.problems(name, content)]
        if problems:
            answers.check_open(task, self.clock.now())
            raise self._refused(task, problems, sender)

    def _refused(self, task: Task, problems: Sequence[ContractError], sender: Sender) -> AnswerRefusedError:
        """Record or count an answer that broke its contract, and return the error for its sender."""
        reasons = "; ".join(map(str, problems))
        record_refusal(self.ledger, answers.refuse(task, reasons, sender, self.clock.now()))
        return AnswerRefusedError(tuple(problems))

    def _recorded(self, task: Task, change: Change | None) -> Receipt:
        if change is None:
            return Receipt(task, Handling.DUPLICATE)
        return Receipt(self.ledger.commit(change), Handling.RECORDED)

    def _task(self, task_id: str) -> Task:
        task = self.ledger.task(task_id)
        if task is None or task.audience:
            raise UnknownTaskError(task_id)
        return task


def _check_way(task: Task, sender: Sender) -> None:
    """Refuse an answer to an encrypted task without a token: the token tells a retry from another answer."""
    if task.question.encrypted and not sender.token:
        raise PlainAnswerError


def failure_of(document: Mapping[str, Any]) -> Failure:
    """Return the failure in a document of the contract `failure`, with its data as text or as JSON text."""
    data = document.get("data", "")
    text = data if isinstance(data, str) else canonical(data).decode()
    return Failure(document["code"], document.get("message", ""), text)


def _checks_of(task: Task, document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the contracts that an answer must keep, each with the part of the answer that it checks."""
    checks = [(task.question.answer_contract, document)] if task.question.answer_contract else []
    if task.question.correlation is not None and task.question.correlation.amount is not None:
        checks.append((PAYMENT_CONTRACT, {name: document[name] for name in _SAID_OF_PAYMENTS if name in document}))
    return checks


def _payment_event(event_id: str, correlation: Correlation, document: Mapping[str, Any]) -> ProviderEvent:
    return ProviderEvent(
        event_id=event_id,
        external_id=correlation.external_id,
        status=EventStatus(document["status"]),
        amount=document.get("amount"),
        currency=document.get("currency"),
        reason=document.get("reason"),
    )
