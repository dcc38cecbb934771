"""What a requester does with a task that was sent back: answer the question, or revise the content."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import chain, repeat
from typing import Any

from countersign.contracts import envelope, validation
from countersign.contracts.validation import Rule
from countersign.domain import money, rounds
from countersign.domain.errors import ContractError
from countersign.domain.questions import Question
from countersign.domain.tasks import Change, Task
from countersign.domain.votes import resend_attempt
from countersign.presentation.display import visible


def answered(
    task: Task, requester: str, text: str, shown: str, source: str, now: datetime, *, exchanges: str = ""
) -> Change | None:
    """Return the effect of an answer, with the messages to the approvers; see `rounds.answer`."""
    return _told(rounds.answer(task, requester, text, shown, source, now, exchanges=exchanges), "answered")


def revised(
    task: Task,
    requester: str,
    document: Mapping[str, Any],
    text: str,
    shown: str,
    source: str,
    now: datetime,
    *,
    exchanges: str = "",
) -> Change | None:
    """Return the effect of a revision, with the messages to the approvers; see `rounds.revise`.

    Args:
        task: The task.
        requester: The requester's address, of the link that was used.
        document: What changes, as in the contract `revision`.
        text: The requester's words to the approvers; may be empty.
        shown: The digest of the details that the page showed.
        source: Network that the revision came from.
        now: The current time.
        exchanges: How many exchanges the page showed, in digits; empty if it does not say.

    Raises:
        ContractError: The document breaks its contract, or no payment can have its amount; has all problems.
        ActionRefusedError: See `rounds.revise`.
    """
    content = _content(task.question, document)
    change = rounds.revise(task, requester, content, text, shown, source, now, exchanges=exchanges)
    return _told(change, "revised")


def _content(question: Question, document: Mapping[str, Any]) -> Question:
    """Return a question's content with what a document changes.

    Raises:
        ContractError: See `revised`.
    """
    found = validation.problems("revision", document)
    payable = Rule(("amount",), lambda given, prefix: _unpayable(question, given, prefix))
    validation.refuse(found + validation.broken_rules([payable], document, "", found))
    changes = dict(document)
    if "title" in changes:
        changes["title"] = _unless_typed(changes["title"], question.title)
    if "rows" in changes:
        changes["details"] = _details(question, changes.pop("rows"))
    if "amount" in changes:
        changes["amount"] = _amount(question, changes["amount"])
    return Question.from_document(rounds.content_of(question) | changes)


def _details(question: Question, rows: Iterable[Mapping[str, str]]) -> list[list[str]]:
    standing = chain(question.details, repeat(("", "")))
    return [
        [_unless_typed(row["label"], label), _unless_typed(row["value"], value)]
        for row, (label, value) in zip(rows, standing, strict=False)
    ]


def _unless_typed(given: str, standing: str) -> str:
    """Return the standing text if the form gives it back as the page shows it: without invisible characters."""
    return standing if given == visible(standing) else given


def _unpayable(question: Question, document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
    if "amount" not in document:
        return
    standing = money.parsed(question.amount)
    reason = money.unpayable(document["amount"], standing[1]) if standing else "the question has no amount to lower"
    if reason:
        yield ContractError(reason, f"{prefix}/amount")


def _amount(question: Question, amount: str) -> str:
    """Return an amount in the question's currency; an equal amount stays as it is written."""
    standing = money.parsed(question.amount)
    if standing is None or Decimal(amount) == standing[0]:
        return question.amount
    return f"{money.canonical(amount, standing[1])} {standing[1]}"


def _told(change: Change | None, kind: str) -> Change | None:
    """Return a requester's act with the messages to the approvers who can decide now."""
    if change is None:
        return None
    attempt = resend_attempt(change.before)
    message = envelope.acted(change.after, kind, rounds.to_tell(change.after), attempt)
    return replace(change, outbox={f"{kind}#{attempt}": message})
