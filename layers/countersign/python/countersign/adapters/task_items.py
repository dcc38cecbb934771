"""Tasks and audit entries as items of the ledger: writes and reads their documents."""

import dataclasses
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from itertools import chain
from typing import Any

from countersign.adapters.attributes import Attribute, from_item
from countersign.adapters.keys import (
    DUE_SHARDS,
    INDEX_PK,
    INDEX_SK,
    RESERVED_SHARDS,
    TASK,
    UNSENT_SHARDS,
    audit_key,
    question_key,
    task_key,
)
from countersign.domain.audit import AuditEntry, AuditEvent
from countersign.domain.clock import from_text, to_text
from countersign.domain.identity import Aliases
from countersign.domain.questions import CONTENT, Question
from countersign.domain.rules import Decision, Outcome, Rule
from countersign.domain.strict_json import canonical
from countersign.domain.tasks import (
    Delegation,
    Exchange,
    Failure,
    Replacement,
    Ring,
    RingState,
    Status,
    Task,
    Vote,
)
from countersign.domain.upkeep import look_at

RETENTION = timedelta(days=400)
"""How long a closed task, its links and its request are kept."""

_OUTLIVES = timedelta(days=14)
"""How much longer a question is kept: TTL removes items within days, in no order, and a task without its question
cannot be read. A task also may end later than its deadline says, if its execution was paused."""

_COMPARED = ("status", "revision", "audit_seq")
"""The attributes that the conditions of writes compare."""

_FIXED = frozenset(
    {
        *({field.name for field in dataclasses.fields(Question)} - {"kind", "correlation"}),
        *("opened_by", "submitted_by", "shown", "max_expires_at", "audit_ttl"),
    }
)
"""The attributes of the question's item, which is written once. So each later write of the task is a write of less than
1 KB, whatever the question. A revision's content is in the task's item, where the consumers of the stream also read
`kind` and `correlation`."""


def _flat(task: Task) -> dict[str, Any]:
    """Return the attributes of a task and its question in one mapping, as in an item."""
    attributes = vars(task.question) | vars(task)
    del attributes["question"]
    return attributes


_DEFAULTS = _flat(Task("", Status.OPEN, datetime.fromtimestamp(0, UTC)))


def task_document(task: Task) -> dict[str, Any]:
    """Return the ledger's document of a task without its question, with its keys and index.

    Attributes at their default are left out unless a condition names them: each makes the item slower to read.
    """
    fields = {name: value for name, value in _stored(task).items() if name not in _FIXED}
    return task_key(task.task_id) | fields | index_fields(task)


def changed_fields(after: Task, names: Iterable[str]) -> dict[str, Any]:
    """Return the named attributes of a task after a write; for `question`, its content.

    In the task's item, the content takes precedence over that of the question's item.
    """
    flat = _flat(after)
    stored = chain.from_iterable(CONTENT if name == "question" else (name,) for name in names)
    return {name: plain(flat[name]) for name in stored}


def question_document(task: Task) -> dict[str, Any]:
    """Return the ledger's document of a task's question, and of what else never changes after the opening."""
    fields = {name: value for name, value in _stored(task).items() if name in _FIXED}
    ttl = epoch_after((task.max_expires_at or task.expires_at) + _OUTLIVES)
    return question_key(task.task_id) | fields | {"task_id": task.task_id, "ttl": ttl}


def _stored(task: Task) -> dict[str, Any]:
    """Return the attributes of a task and its question as they are stored."""
    return {name: plain(value) for name, value in _flat(task).items() if name in _COMPARED or value != _DEFAULTS[name]}


def index_fields(task: Task) -> dict[str, Any]:
    """Return the index and TTL attributes for the task's status; None for those that the item must not have."""
    moment = look_at(task)
    if moment:
        return due(task.task_id, moment, _shards_of(task)) | {"ttl": None}
    closed_at = task.closed_at
    return {**NEVER_DUE, "ttl": closed_at and epoch_after(closed_at)}


def _shards_of(task: Task) -> tuple[str, ...]:
    if task.status is Status.APPLIED:
        return RESERVED_SHARDS
    return UNSENT_SHARDS if task.status is Status.OPEN and task.is_unsent else DUE_SHARDS


def due(name: str, moment: datetime, shards: Sequence[str] = DUE_SHARDS) -> dict[str, Any]:
    """Return the index attributes of an item that the sweeper examines after a moment.

    Args:
        name: The item's name, which spreads the items over the shards.
        moment: When the item becomes due.
        shards: The partitions for its kind.
    """
    return {INDEX_PK: shards[zlib.crc32(name.encode()) % len(shards)], INDEX_SK: to_text(moment)}


NEVER_DUE: Mapping[str, Any] = {INDEX_PK: None, INDEX_SK: None}
"""The index attributes of an item that the sweeper ignores."""


def epoch_after(moment: datetime) -> int:
    """Return when TTL may remove an item that ended at this moment, in epoch seconds."""
    return int((moment + RETENTION).timestamp())


def task_of(item: Mapping[str, Attribute]) -> Task:
    """Read a task from its item alone; of its question, it has `kind` and `correlation` only."""
    return _task_of(from_item(dict(item)))


def task_of_documents(document: Mapping[str, Any], question: Mapping[str, Any] | None) -> Task:
    """Read a task from its document and that of its question; attributes unknown to this version are ignored.

    Raises:
        LookupError: The question is missing. Without it, nobody knows who may not decide.
    """
    if question is None:
        raise LookupError(f"the question of task {document['pk'].removeprefix(TASK)} is gone from the ledger")
    return _task_of({**question, **document})


def _task_of(document: Mapping[str, Any]) -> Task:
    # By the key alone: a role may write keys of some prefix only, such as those of proofs, but any attributes.
    task_id = document["pk"].removeprefix(TASK)
    named = {"task_id": task_id, "request_id": task_id.partition(".")[0]}
    fields = {
        name: _READ.get(name, _as_it_is)(value)
        for name, value in document.items()
        if name in _OF_TASKS and value not in (None, "")
    }
    return Task(**fields | named, question=Question.from_document(document))


def audit_document(entry: AuditEntry) -> dict[str, Any]:
    """Return the ledger's document of an audit entry."""
    return {**audit_key(entry.task_id, entry.seq), **entry.to_document(), "hash": entry.hash}


def audit_entry_of(document: Mapping[str, Any]) -> AuditEntry:
    """Read an audit entry from its document; the stored hash is `document["hash"]`."""
    event = AuditEvent(
        document["event"], document["actor"], document["identified_by"], document["source"], document["data"]
    )
    return AuditEntry(
        document["task_id"],
        document["seq"],
        document["at"],
        event,
        document["shown"],
        document["previous"],
        document["policy"],
        document.get("ttl", 0),
    )


def archived_entry(document: Mapping[str, Any]) -> bytes:
    """Return the archive's form of an audit document: its canonical JSON, which is one line."""
    return canonical(document)


def plain(value: Any) -> Any:
    """Return a domain value as text, number, boolean, None, list or map."""
    if isinstance(value, Rule):
        return value.to_document()
    if dataclasses.is_dataclass(value):
        parts = {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {name: part for name, part in parts.items() if part or name != "lookup_id"}  # absent without one
    if hasattr(value, "_asdict"):  # a named tuple
        value = value._asdict()
    if isinstance(value, Mapping):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, tuple | list):
        return [plain(member) for member in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.value if isinstance(value, Enum) else value


def _as_it_is(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _vote(document: Mapping[str, Any]) -> Vote:
    number = document.get("number", 1)
    return Vote(Decision(document["decision"]), document["comment"], from_text(document["at"]), number)


def _delegation(document: Mapping[str, Any]) -> Delegation:
    return Delegation(document["by"], document["to"], from_text(document["at"]), document["standing"])


def _replacement(document: Mapping[str, Any]) -> Replacement:
    return Replacement(document["by"], document["to"], from_text(document["at"]), document["because"])


def _exchange(document: Mapping[str, Any]) -> Exchange:
    answered_at = document["answered_at"] and from_text(document["answered_at"])
    known = {name: document[name] for name in Exchange._fields if name in document}
    return Exchange(**{**known, "at": from_text(document["at"]), "answered_at": answered_at})


def _ring(document: Mapping[str, Any]) -> Ring:
    return Ring(RingState(document["state"]), from_text(document["at"]), document.get("error", ""))


_TIMES = ("expires_at", "heartbeat_at", "swept_at", "sent_at", "opened_at", "max_expires_at", "decided_at", "closed_at")
_READ: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_TIMES, from_text),
    "status": Status,
    "outcome": Outcome,
    "aliases": lambda aliases: Aliases(aliases.get("known", {})),
    "delegations": lambda made: tuple(map(_delegation, made)),
    "replaced": lambda made: tuple(map(_replacement, made)),
    "exchanges": lambda made: tuple(map(_exchange, made)),
    "votes": lambda votes: {person: _vote(vote) for person, vote in votes.items()},
    "failure": lambda failure: Failure(**failure),
    "ring": _ring,
}
"""How to read the values of a task's document; all others are read unchanged."""

_OF_TASKS = {field.name for field in dataclasses.fields(Task)} - {"question"}
