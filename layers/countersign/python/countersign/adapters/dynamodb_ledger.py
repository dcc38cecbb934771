"""The ledger on DynamoDB: tasks, audit, links, mails and requests in one table."""

import dataclasses
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from countersign.adapters.attributes import from_item
from countersign.adapters.dynamodb import Table
from countersign.adapters.task_items import (
    audit_document,
    audit_entry_of,
    epoch_after,
    index_fields,
    plain,
    task_document,
    task_key,
    task_of,
)
from countersign.domain.audit import GENESIS, AuditEntry, AuditEvent, append, breaks
from countersign.domain.clock import to_text
from countersign.domain.errors import LedgerConflictError
from countersign.domain.identity import normalise
from countersign.domain.tasks import Change, Deadline, Status, Task
from countersign.ports import Link, Request


class DynamoLedger:
    """Implements every ledger port of `countersign.ports`."""

    def __init__(self, client: Any, table_name: str) -> None:
        self._table = Table(client, table_name)

    # Tasks and their audit

    def task(self, task_id: str) -> Task | None:
        """See `TaskLedger.task`."""
        item = self._table.get(task_key(task_id))
        return task_of(item) if item else None

    def open(self, task: Task, events: tuple[AuditEvent, ...], at: datetime) -> None:
        """See `TaskLedger.open`."""
        entries, chained = _chain(task, events, at)
        pointer = {
            "pk": f"REQUEST#{task.request_id}",
            "sk": f"TASK#{task.task_id}",
            "task_id": task.task_id,
            "ttl": epoch_after(task.max_expires_at or task.expires_at),
        }
        self._table.write(
            [
                self._table.put(task_document(chained)),
                self._table.put(pointer, only_new=False),
                *(self._table.put(audit_document(entry)) for entry in entries),
            ]
        )

    def commit(self, change: Change) -> Task:
        """See `TaskLedger.commit`."""
        return self._commit(change, ())

    def _commit(self, change: Change, more: Iterable[dict[str, Any]]) -> Task:
        before = change.before
        status = change.transition.target if change.transition else before.status
        entries, chained = _chain(before, change.events, change.at)
        after = dataclasses.replace(chained, status=status, **change.fields)
        fields = {name: plain(getattr(after, name)) for name in ("status", "audit_seq", "audit_head", *change.fields)}
        condition, values = _condition(change)
        self._table.write(
            [
                self._table.update(task_key(before.task_id), fields | index_fields(after), condition, values),
                *(self._table.put(audit_document(entry)) for entry in entries),
                *more,
            ]
        )
        return after

    def refresh(self, task_id: str, callback_id: str) -> bool:
        """See `TaskLedger.refresh`."""
        fields = {"callback_id": callback_id}
        try:
            self._table.write(
                [self._table.update(task_key(task_id), fields, "#status = :open", {"open": Status.OPEN.value})]
            )
        except LedgerConflictError:
            return False
        return True

    def audit_breaks(self, task_id: str) -> list[str]:
        """Return what is wrong with a task's audit chain, in words; nothing when it holds."""
        documents = list(self._table.query(f"AUDIT#{task_id}"))
        task = self.task(task_id)
        length, head = (task.audit_seq, task.audit_head) if task else (0, GENESIS)
        return list(breaks(map(audit_entry_of, documents), (document["hash"] for document in documents), length, head))

    def every_task_id(self) -> list[str]:
        """Return the ids of all tasks. Reads the whole table: for operators."""
        return sorted(document["task_id"] for document in self._table.scan("TASK"))

    # Links and mails

    def link(self, fingerprint: str) -> Link | None:
        """See `LinkLedger.link`."""
        item = self._table.get(_link_key(fingerprint))
        if item is None:
            return None
        document = from_item(item)
        return Link(fingerprint, document["task_id"], document["recipient"])

    def put_link(self, link: Link, expires_at: datetime) -> None:
        """See `LinkLedger.put_link`."""
        document = _link_key(link.fingerprint) | {
            "task_id": link.task_id,
            "recipient": link.recipient,
            "gsi1pk": f"INBOX#{normalise(link.recipient)}",
            "gsi1sk": to_text(expires_at),
            "ttl": epoch_after(expires_at),
        }
        self._table.write([self._table.put(document)])

    def mailed(self, task_id: str, hand_off: int, recipient: str) -> bool:
        """See `LinkLedger.mailed`."""
        return self._table.get(_mail_key(task_id, hand_off, recipient)) is not None

    def commit_mail(self, change: Change, hand_off: int, recipient: str) -> Task:
        """See `LinkLedger.commit_mail`."""
        key = _mail_key(change.before.task_id, hand_off, recipient)
        document = key | {"at": to_text(change.at), "ttl": epoch_after(change.at)}
        return self._commit(change, [self._table.put(document, only_new=False)])

    # The outbox

    def delete_outbox(self, pk: str, sk: str) -> None:
        """Take a hand-off that was sent out of the outbox."""
        self._table.delete({"pk": pk, "sk": sk})

    # Requests

    def request(self, request_id: str) -> Request | None:
        """See `RequestLedger.request`."""
        item = self._table.get(_request_key(request_id))
        if item is None:
            return None
        document = from_item(item)
        return Request(
            request_id=request_id,
            workflow=document.get("workflow", ""),
            input_digest=document.get("input_digest", ""),
            submitted_by=document.get("submitted_by", ""),
            deadline_seconds=document.get("deadline_seconds", 0),
            status=document["status"],
            execution_arn=document.get("execution_arn", ""),
            result=json.loads(document["result"]) if "result" in document else None,
        )

    def submit(self, request: Request, at: datetime) -> Request:
        """See `RequestLedger.submit`."""
        document = _request_key(request.request_id) | {
            "workflow": request.workflow,
            "input_digest": request.input_digest,
            "submitted_by": request.submitted_by,
            "deadline_seconds": request.deadline_seconds,
            "submitted_at": to_text(at),
            "status": request.status,
        }
        try:
            self._table.write([self._table.put(document)])
        except LedgerConflictError:
            return self.request(request.request_id) or request
        return request

    def started(self, request_id: str, execution_arn: str) -> None:
        """See `RequestLedger.started`."""
        fields = {"status": "running", "execution_arn": execution_arn or None}
        self._unless_ended(request_id, fields, "#status = :submitted", {"submitted": "submitted"})

    def finish(self, request_id: str, workflow: str, status: str, result: Any, at: datetime) -> None:
        """See `RequestLedger.finish`."""
        fields = {
            "workflow": workflow,
            "status": status,
            "result": None if result is None else json.dumps(result, ensure_ascii=False),
            "ended_at": to_text(at),
            "ttl": epoch_after(at),
        }
        condition = "attribute_not_exists(#status) OR #status IN (:submitted, :running)"
        self._unless_ended(request_id, fields, condition, {"submitted": "submitted", "running": "running"})

    def task_ids(self, request_id: str) -> list[str]:
        """See `RequestLedger.task_ids`."""
        return [document["task_id"] for document in self._table.query(f"REQUEST#{request_id}", "TASK#")]

    def tasks(self, task_ids: Iterable[str]) -> list[Task]:
        """See `RequestLedger.tasks`."""
        return [task for task in map(self.task, task_ids) if task is not None]

    def _unless_ended(self, request_id: str, fields: dict[str, Any], condition: str, values: dict[str, Any]) -> None:
        try:
            self._table.write([self._table.update(_request_key(request_id), fields, condition, values)])
        except LedgerConflictError:
            return


def _chain(task: Task, events: Iterable[AuditEvent], at: datetime) -> tuple[list[AuditEntry], Task]:
    entries: list[AuditEntry] = []
    seq, head = task.audit_seq, task.audit_head
    for event in events:
        entry = append(task.task_id, seq, head, task.shown, event, at, task.policy)
        entries.append(entry)
        seq, head = entry.seq, entry.hash
    return entries, dataclasses.replace(task, audit_seq=seq, audit_head=head)


def _condition(change: Change) -> tuple[str, dict[str, Any]]:
    before, transition = change.before, change.transition
    condition = "#audit_seq = :seq AND #revision = :revision"
    values: dict[str, Any] = {"seq": before.audit_seq, "revision": before.revision}
    if transition is None:
        return condition, values
    condition += " AND #status = :source"
    values["source"] = transition.source.value if transition.source else None
    if transition.deadline is not Deadline.ANY:
        condition += " AND #expires_at > :now" if transition.deadline is Deadline.BEFORE else " AND #expires_at <= :now"
        values["now"] = to_text(change.at)
    return condition, values


def _link_key(fingerprint: str) -> dict[str, str]:
    return {"pk": f"LINK#{fingerprint}", "sk": "LINK"}


def _mail_key(task_id: str, hand_off: int, recipient: str) -> dict[str, str]:
    return {"pk": f"TASK#{task_id}", "sk": f"MAIL#{hand_off:04d}#{normalise(recipient)}"}


def _request_key(request_id: str) -> dict[str, str]:
    return {"pk": f"REQUEST#{request_id}", "sk": "REQUEST"}
