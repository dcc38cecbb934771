"""The ledger on DynamoDB: tasks, audit, links, messages and requests in one table."""

from __future__ import annotations

import dataclasses
import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from countersign.adapters.dynamodb import SameAs, Table
from countersign.adapters.event_items import (
    applied_fields,
    as_opened,
    claim_document,
    event_document,
    event_record_of,
    parked_document,
    parked_of,
)
from countersign.adapters.keys import (
    DUE_SHARDS,
    ENVELOPE,
    EXTERNAL,
    INBOX,
    INDEX_PK,
    INDEX_SK,
    LISTED,
    OUTBOX,
    PARKED,
    PARKED_SHARDS,
    REQUEST,
    RESERVED_SHARDS,
    RESPONSE,
    SENT,
    TASK,
    UNSENT_SHARDS,
    Key,
    ask_key,
    audit_key,
    claim_key,
    event_key,
    inbox_key,
    inbox_of,
    link_key,
    look_key,
    parked_key,
    part_key,
    question_key,
    questions_of,
    request_key,
    status_key,
    task_key,
    token_key,
)
from countersign.adapters.link_items import link_document, link_of
from countersign.adapters.request_items import SUMMARY, end_fields, request_document, request_of, started_fields
from countersign.adapters.task_items import (
    NEVER_DUE,
    RETENTION,
    audit_document,
    audit_entry_of,
    changed_fields,
    epoch_after,
    index_fields,
    question_document,
    task_document,
    task_of_documents,
)
from countersign.domain.audit import GENESIS, AuditEntry, AuditEvent, append, breaks, has_expired, removed
from countersign.domain.clock import SystemClock, from_text, to_text
from countersign.domain.errors import LedgerConflictError
from countersign.domain.tasks import LIVE, Change, Deadline, Status, Task

if TYPE_CHECKING:
    from countersign.domain.asks import Ask
    from countersign.domain.claims import TakeOver
    from countersign.domain.links import Link
    from countersign.domain.provider_events import EventRecord, Handling, ParkedEvent
    from countersign.domain.questions import Correlation
    from countersign.domain.requests import Cancelling, Position, Raised, Request, RequestStatus

_PAGE = 50
"""How many tasks, or entries of the index, are read from the table in one call; a task has two items."""

_LOOKS = 3
"""How often a task and its audit are read until they agree; entries of one task are seconds apart."""


class DynamoLedger:
    """Implements every ledger port of `countersign.ports`."""

    def __init__(self, client: Any, table_name: str) -> None:
        self._table = Table(client, table_name)

    # Tasks and their audit

    def task(self, task_id: str, *, consistent: bool = True) -> Task | None:
        """See `TaskLedger.task`."""
        return next(iter(self.tasks([task_id], consistent=consistent)), None)

    def open(self, task: Task, events: tuple[AuditEvent, ...], at: datetime, takeover: TakeOver | None = None) -> None:
        """See `TaskLedger.open`."""
        entries, after = chained(task, events, at)
        question = question_document(task)
        # A question alone is no task. One that a failed opening left is replaced in the transaction.
        is_there = self._table.attempt(self._table.put(question))
        self._table.write(
            [
                self._table.put(task_document(after)),
                *(() if is_there else [self._table.put(question, only_new=False)]),
                *self._unmarked(task),
                *(self._claimed(after, task.question.correlation, at, takeover) if task.question.correlation else ()),
                *(self._table.put(audit_document(entry)) for entry in entries),
            ]
        )

    def _unmarked(self, task: Task) -> Iterator[dict[str, Any]]:
        """Yield the check that nobody cancels the request of an irrevocable task."""
        if task.question.irrevocable:
            yield self._table.absent(request_key(task.request_id), "cancelling")

    def _claimed(
        self, task: Task, correlation: Correlation, at: datetime, takeover: TakeOver | None
    ) -> Iterator[dict[str, Any]]:
        claim = claim_document(task, correlation)
        if takeover is None:
            yield self._table.put(claim)
            return
        fields = {name: value for name, value in claim.items() if name not in ("pk", "sk")}
        key = claim_key(correlation.provider, correlation.external_id)
        yield self._table.update(key, fields, "#task_id = :holder", {"holder": takeover.holder})
        yield from self._writes(takeover.released)[1] if takeover.released else ()
        # Imported here, as in `started`: the review page needs neither, and they would slow its cold start.
        from countersign.domain.provider_events import Handling

        for number, parked in enumerate(takeover.events):
            in_order = at + timedelta(microseconds=number)
            yield self._table.put(parked_document(parked, in_order))
            done = applied_fields(parked, Handling.PARKED, task.task_id, in_order)
            yield self._table.update(event_key(parked.provider, parked.event.event_id), done)

    def correlated(self, provider: str, external_id: str) -> str:
        """See `TaskLedger.correlated`."""
        claim = self._table.get(claim_key(provider, external_id))
        return str(claim["task_id"]) if claim else ""

    def commit(self, change: Change) -> Task:
        """See `TaskLedger.commit`."""
        return self._commit(change, ())

    def _commit(self, change: Change, more: Iterable[dict[str, Any]]) -> Task:
        after, writes = self._writes(change)
        self._table.write([*writes, *more])
        return after

    def _writes(self, change: Change) -> tuple[Task, list[dict[str, Any]]]:
        before = change.before
        entries, after = chained(change.after, change.events, change.at)
        fields = changed_fields(after, ("status", "audit_seq", "audit_head", *change.fields))
        condition, values = _condition(change)
        return after, [
            self._table.update(task_key(before.task_id), fields | index_fields(after), condition, values),
            *(self._table.put(audit_document(entry)) for entry in entries),
            *(self._table.put(document, only_new=False) for document in _with_it(change)),
        ]

    def count_refused(self, task_id: str) -> None:
        """See `TaskLedger.count_refused`."""
        self._table.write([self._table.increment(task_key(task_id), "refused_answers")])

    def refresh(self, task_id: str, callback_id: str) -> bool:
        """See `TaskLedger.refresh`."""
        return self._update_open(task_id, {"callback_id": callback_id})

    def _update_open(self, task_id: str, fields: dict[str, Any]) -> bool:
        is_open = {"open": Status.OPEN.value}
        return self._table.attempt(self._table.update(task_key(task_id), fields, "#status = :open", is_open))

    def audit(self, task_id: str) -> list[AuditEntry]:
        """See `TaskLedger.audit`."""
        return [audit_entry_of(document) for document in self.audit_documents(task_id)]

    def audit_documents(self, task_id: str) -> list[dict[str, Any]]:
        """Return the documents of a task's audit, in order."""
        return list(self._table.query(audit_key(task_id, 0)["pk"]))

    def _at_one_time(self, task_id: str) -> tuple[list[dict[str, Any]], Task | None]:
        """Return a task's audit and the task; both are read again if an entry came in between."""
        for _ in range(_LOOKS):
            documents, task = self.audit_documents(task_id), self.task(task_id)
            if task is None or task.audit_seq <= len(documents):
                break
        return documents, task

    def beat(self, task_id: str, at: datetime) -> bool:
        """See `AnswerLedger.beat`."""
        return self._update_open(task_id, {"heartbeat_at": to_text(at)})

    def responses(self, task_id: str) -> dict[str, str]:
        """See `AnswerLedger.responses`."""
        documents = self._table.query(task_key(task_id)["pk"], RESPONSE)
        return {document["key"]: document["answer"] for document in documents}

    def audit_breaks(self, task_id: str, *, outlived: bool = False) -> list[str]:
        """Return the problems of a task's audit, in words: of its chain, its links, and its agreement with the task.

        Args:
            task_id: The task.
            outlived: Whether the task may be missing, because TTL removes it long after its end; the caller then knows
                the end of the chain from elsewhere.
        """
        # Imported here: only operators need it, and it would slow every cold start.
        from countersign.domain.audit_verification import contradictions, links_used, unminted, unopened

        documents, task = self._at_one_time(task_id)
        length, head = (task.audit_seq, task.audit_head) if task else (0, GENESIS)
        if outlived and task is None and documents:
            length, head = documents[-1]["seq"], documents[-1]["hash"]
        entries = [audit_entry_of(document) for document in documents]
        now, ttl = SystemClock().now(), _ttl(entries)
        # The audit outlives its task: where the task is, no entry has expired.
        expired = task is None and has_expired(ttl, now)
        found = [*breaks(entries, (document["hash"] for document in documents), length, head, expired=expired)]
        # The entries of a broken chain prove nothing, and the rest of an expired chain proves no decision.
        if found or (expired and removed(entries, length, ttl)):
            return found
        # Before the retention has passed, TTL has removed no link of this task, and no audit that minted one.
        is_young = bool(entries) and from_text(entries[0].at) + RETENTION > now
        found += unminted(entries, self.audit if is_young or not ttl else None)
        if is_young:
            found += unopened(entries, self._opened_by(links_used(entries)))
        return [*found, *(contradictions(task, entries) if task else ())]

    def audit_removed(self, task_id: str) -> str:
        """Return, in words, which entries TTL has removed because they were kept long enough; empty for none."""
        entries = self.audit(task_id)
        ttl = _ttl(entries)
        if self.task(task_id) or not has_expired(ttl, SystemClock().now()):
            return ""
        return removed(entries, entries[-1].seq, ttl)

    def every_task_id(self) -> list[str]:
        """Return the ids of all tasks. Reads the whole table: for operators."""
        return sorted(document["task_id"] for document in self._table.scan("TASK"))

    # Links and messages

    def link(self, fingerprint: str) -> Link | None:
        """See `LinkLedger.link`. A link never changes, so the cheaper read is enough, unless it is just being made."""
        document = self._table.get(link_key(fingerprint), consistent=False)
        return link_of(document) if document else self._link(link_key(fingerprint))

    def status_link(self, fingerprint: str) -> Link | None:
        """See `LinkLedger.status_link`."""
        return self._link(status_key(fingerprint))

    def callback(self, fingerprint: str) -> Link | None:
        """See `LinkLedger.callback`."""
        return self._link(token_key(fingerprint))

    def _link(self, key: dict[str, str]) -> Link | None:
        document = self._table.get(key)
        return link_of(document) if document else None

    def _opened_by(self, fingerprints: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Return the recipient and the task of each existing link."""
        keys = [key(each) for each in sorted(set(fingerprints)) for key in (link_key, status_key)]
        links = map(link_of, self._table.get_many(keys))
        return {link.fingerprint: (link.recipient, link.task_id) for link in links}

    def put_link(self, link: Link, expires_at: datetime) -> None:
        """See `LinkLedger.put_link`."""
        self._table.write([self._table.put(link_document(link, expires_at))])

    def commit_link(self, change: Change, link: Link, expires_at: datetime) -> Task:
        """See `LinkLedger.commit_link`."""
        self.put_link(link, expires_at)
        return self.commit(change)

    def waiting(self, recipient: str, now: datetime) -> list[Task]:
        """See `LinkLedger.waiting`. Skips links of closed tasks and repeated tasks, until it has found enough."""
        from countersign.domain.links import MOST_WAITING  # imported here, as in `link_items`

        links = self._table.indexed(inbox_of(recipient), after=to_text(now))
        waiting: list[Task] = []
        seen: set[str] = set()
        while page := list(islice(links, MOST_WAITING)):
            unseen = {link["task_id"] for link in page} - seen
            seen |= unseen
            waiting += (task for task in self.tasks(unseen) if task.waits_for(recipient, now))
            waiting = sorted(waiting, key=lambda task: task.expires_at)[:MOST_WAITING]
            # A deadline only moves to later, so the tasks of further links end no sooner than their sort key says.
            if len(waiting) == MOST_WAITING and to_text(waiting[-1].expires_at) <= page[-1][INDEX_SK]:
                break
        return waiting

    def next_waiting(self, recipient: str, now: datetime, besides: str) -> list[Task]:
        """See `LinkLedger.next_waiting`. Without another link, one call to DynamoDB."""
        from countersign.domain.links import MOST_NEXT  # imported here, as in `link_items`

        links = islice(self._table.indexed(inbox_of(recipient), after=to_text(now)), _PAGE)
        others = [task_id for task_id in dict.fromkeys(link["task_id"] for link in links) if task_id != besides]
        found = self.tasks(others[:MOST_NEXT], consistent=False) if others else []
        return sorted((task for task in found if task.needs(recipient, now)), key=lambda task: task.expires_at)

    # The outbox

    def put_outbox(self, task_id: str, name: str, envelope: Mapping[str, Any], at: datetime, pause: timedelta) -> None:
        """See `LinkLedger.put_outbox`. Sent envelopes leave the outbox; the item `SENT` has the last time."""
        fields = {"at": to_text(at), "ttl": epoch_after(at)}
        condition = "attribute_not_exists(#at) OR #at <= :latest"
        # A new key each time: the publisher receives only new items, and a failed one may still be in the outbox.
        document = _outbox_document(task_id, f"{name}#{to_text(at)}", envelope, at)
        not_lately = {"latest": to_text(at - pause)}
        sent = self._table.update(part_key(task_id, SENT, name), fields, condition, not_lately)
        self._table.attempt(sent, self._table.put(document))

    def delete_outbox(self, pk: str, sk: str) -> None:
        """See `LinkLedger.delete_outbox`."""
        self._table.delete({"pk": pk, "sk": sk})

    # Events of providers

    def look_up(self, provider: str, event_id: str, external_id: str) -> tuple[EventRecord | None, str, Task | None]:
        """See `EventLedger.look_up`; one call to DynamoDB."""
        keys = (event_key(provider, event_id), claim_key(provider, external_id))
        found = {document["sk"]: document for document in self._table.get_many(keys)}
        record = event_record_of(found["EVENT"]) if "EVENT" in found else None
        claim = found.get("EXTERNAL", {})
        return record, str(claim.get("task_id", "")), as_opened(claim)

    def commit_event(self, change: Change, record: EventRecord) -> Task:
        """See `EventLedger.commit_event`."""
        return self._commit(change, [self._table.put(event_document(record, change.at))])

    def park(self, parked: ParkedEvent, record: EventRecord, at: datetime) -> None:
        """See `EventLedger.park`."""
        self._table.write(
            [
                self._table.absent(claim_key(parked.provider, parked.event.external_id)),
                self._table.put(parked_document(parked, at)),
                self._table.put(event_document(record, at)),
            ]
        )

    def put_aside(self, record: EventRecord, at: datetime) -> None:
        """See `EventLedger.put_aside`."""
        key = event_key(record.provider, record.event_id) | {"sk": f"{record.handling.upper()}#{record.body_digest}"}
        self._table.write([self._table.put(event_document(record, at) | key, only_new=False)])

    def parked(self, provider: str, external_id: str) -> list[ParkedEvent]:
        """See `EventLedger.parked`."""
        documents = self._table.query(claim_key(provider, external_id)["pk"], PARKED)
        return [parked_of(document) for document in sorted(documents, key=lambda parked: str(parked["at"]))]

    def commit_parked(self, change: Change, parked: ParkedEvent, handling: Handling) -> Task:
        """See `EventLedger.commit_parked`."""
        done = applied_fields(parked, handling, change.before.task_id, change.at)
        return self._commit(
            change,
            [
                self._table.removal(parked_key(parked)),
                self._table.update(event_key(parked.provider, parked.event.event_id), done),
            ],
        )

    # Requests

    def request(self, request_id: str, *, consistent: bool = True) -> Request | None:
        """See `RequestLedger.request`."""
        document = self._table.get(request_key(request_id), consistent=consistent)
        return request_of(document) if document else None

    def submit(self, request: Request, at: datetime, ask: Ask | None = None) -> Request:
        """See `RequestLedger.submit`."""
        asked = () if ask is None else (self._ask(request.request_id, ask, at),)
        if self._table.attempt(self._table.put(request_document(request, at)), *asked):
            return request
        standing = self.request(request.request_id)
        if standing is None and ask is not None:
            raise LedgerConflictError(ask.fingerprint)
        return standing or request

    def _ask(self, request_id: str, ask: Ask, at: datetime) -> dict[str, Any]:
        fields = {"request_id": request_id, "ttl": epoch_after(at)}
        condition = "#request_id = :earlier" if ask.earlier else "attribute_not_exists(#request_id)"
        values = {"earlier": ask.earlier} if ask.earlier else {}
        return self._table.update(ask_key(ask.fingerprint), fields, condition, values)

    def last_asked(self, fingerprint: str) -> str:
        """See `RequestLedger.last_asked`."""
        return str((self._table.get(ask_key(fingerprint)) or {}).get("request_id", ""))

    def started(self, request_id: str, execution_arn: str) -> None:
        """See `RequestLedger.started`."""
        from countersign.domain.requests import RequestStatus

        fields = {"status": RequestStatus.RUNNING.value, "execution_arn": execution_arn or None}
        fields |= started_fields(SameAs("submitted_at"))
        self._unless_ended(request_id, fields, "#status = :submitted", {"submitted": "submitted"})

    def finish(
        self,
        request_id: str,
        workflow: str,
        status: RequestStatus,
        result: Any,
        at: datetime,
        error: str = "",
        raised: Raised | None = None,
    ) -> None:
        """See `RequestLedger.finish`."""
        text = None if result is None else json.dumps(result, ensure_ascii=False)
        fields = {"workflow": workflow, "result": text, **end_fields(status, error, raised, at)}
        running = fields, "#status = :running", {"running": "running"}
        # Before its start was recorded, or without a submission.
        condition = "attribute_not_exists(#status) OR #status = :submitted"
        early = fields | started_fields(to_text(at)), condition, {"submitted": "submitted"}
        # The start may be recorded between two writes.
        any(self._unless_ended(request_id, *write) for write in (running, early, running))

    def listed(
        self, since: datetime | None, after: Position | None, most: int
    ) -> tuple[list[Request], Position | None]:
        """See `RequestLedger.listed`; two calls to DynamoDB."""
        from countersign.domain.requests import Position

        start = after and request_key(after.request_id) | {INDEX_PK: LISTED, INDEX_SK: after.at}
        entries, more = self._table.latest(LISTED, since=to_text(since) if since else "", after=start, most=most)
        keys = [{"pk": entry["pk"], "sk": entry["sk"]} for entry in entries]
        found = {each["pk"]: each for each in self._table.get_many(keys, consistent=False, only=("pk", *SUMMARY))}
        listed = [request_of(found[key["pk"]]) for key in keys if key["pk"] in found]
        if not more:
            return listed, None
        return listed, Position(entries[-1][INDEX_SK], entries[-1]["pk"].removeprefix(REQUEST))

    def cancel(self, request: Request, cancelling: Cancelling, withdrawals: Sequence[Change]) -> None:
        """See `RequestLedger.cancel`."""
        from countersign.domain.requests import WITHDRAWN, RequestStatus

        fields: dict[str, Any] = {"cancelling": cancelling._asdict() | {"at": to_text(cancelling.at)}}
        if request.status is RequestStatus.SUBMITTED:
            fields |= end_fields(RequestStatus.CANCELLED, WITHDRAWN, None, cancelling.at)
            fields |= started_fields(SameAs("submitted_at"))
        condition = "#status = :standing AND attribute_not_exists(#cancelling)"
        standing = {"standing": request.status.value}
        mark = self._table.update(request_key(request.request_id), fields, condition, standing)
        self._table.write([mark, *(write for change in withdrawals for write in self._writes(change)[1])])

    def task_ids(self, request_id: str) -> list[str]:
        """See `RequestLedger.task_ids`."""
        return [document["task_id"] for document in self._table.query(questions_of(request_id))]

    def with_tasks(self, request_id: str) -> tuple[Request | None, list[Task]]:
        """See `RequestLedger.with_tasks`; two calls to DynamoDB, and two more unless all has ended.

        The cheaper read is eventually consistent: if it is late, it says that something has not ended.
        """
        request, tasks = self._with_tasks(request_id, consistent=False)
        if request and request.ended and LIVE.isdisjoint(task.status for task in tasks):
            return request, tasks
        return self._with_tasks(request_id, consistent=True)

    def _with_tasks(self, request_id: str, *, consistent: bool) -> tuple[Request | None, list[Task]]:
        """Return a request and its tasks. The questions name the tasks."""
        asked = self._table.query(questions_of(request_id), consistent=consistent)
        questions = {document["task_id"]: document for document in asked}
        found = self._found([request_key(request_id), *map(task_key, questions)], consistent=consistent)
        standing = found.get(_place(request_key(request_id)))
        tasks = ((found.get(_place(task_key(task_id))), question) for task_id, question in questions.items())
        opened = [task_of_documents(task, question) for task, question in tasks if task]
        return request_of(standing) if standing else None, opened

    def tasks(self, task_ids: Iterable[str], *, consistent: bool = True) -> list[Task]:
        """Return these tasks, read consistently by default, in one call to DynamoDB for each 50 of them."""
        wanted = [(task_key(task_id), question_key(task_id)) for task_id in task_ids]
        found = self._found((key for keys in wanted for key in keys), consistent=consistent)
        standing = ((found.get(_place(task)), question) for task, question in wanted)
        return [self._task_of(task, found.get(_place(question))) for task, question in standing if task]

    def _task_of(self, document: Mapping[str, Any], question: Mapping[str, Any] | None) -> Task:
        """Return the task of two documents.

        DynamoDB reads the items of a batch one by one: a task may be opened between the reads of its question and
        itself. Then the question is there now.
        """
        return task_of_documents(document, question or self._table.get(question_key(document["pk"].removeprefix(TASK))))

    def _found(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the documents that exist, by their keys, read consistently by default."""
        once = {_place(key): key for key in keys}
        found = self._table.get_many(list(once.values()), consistent=consistent)
        return {_place(document): document for document in found}

    def start_again(self, request_id: str, at: datetime) -> bool:
        """See `RequestLedger.start_again`."""
        fields = {"swept_at": to_text(at)}
        condition = "#status = :submitted AND attribute_not_exists(#swept_at)"
        return self._unless_ended(request_id, fields, condition, {"submitted": "submitted"})

    def _unless_ended(self, request_id: str, fields: dict[str, Any], condition: str, values: dict[str, Any]) -> bool:
        return self._table.attempt(self._table.update(request_key(request_id), fields, condition, values))

    # Overdue work

    def overdue(self, before: datetime) -> Iterator[Task | Request | ParkedEvent]:
        """See `TaskLedger.overdue`; merges the pages of all shards of a kind."""
        return self._due(DUE_SHARDS, UNSENT_SHARDS, RESERVED_SHARDS, PARKED_SHARDS, until=to_text(before))

    def _due(self, *kinds: Iterable[str], until: str = "") -> Iterator[Task | Request | ParkedEvent]:
        """Yield what the index has in the partitions of some kinds, in its order, if the table says that it is due.

        Raises:
            LookupError, TypeError, ValueError: An item cannot be read; raised after the last one, to keep none waiting.
        """
        unreadable: Exception | None = None
        for document, *more in self._due_documents(kinds, until):
            try:
                due = self._task_of(document, *more) if more else _due_of(document)
            except (LookupError, TypeError, ValueError) as error:
                unreadable = error
            else:
                yield due
        if unreadable:
            raise unreadable

    def _due_documents(self, kinds: Iterable[Iterable[str]], until: str) -> Iterator[tuple[Any, ...]]:
        """Yield the documents that are due; of a task also its question, which may be missing."""
        entries = filter(_can_be_due, chain.from_iterable(self._indexed(shards, until) for shards in kinds))
        while page := list(islice(entries, _PAGE)):
            found = self._found(key for entry in page for key in _keys_of(entry))
            for document, *more in ([found.get(_place(key)) for key in _keys_of(entry)] for entry in page):
                if document and INDEX_SK in document and (not until or document[INDEX_SK] <= until):
                    yield (document, *more)

    def _indexed(self, shards: Iterable[str], until: str) -> Iterator[dict[str, Any]]:
        partitions = (self._table.indexed(shard, until=until) for shard in shards)
        return heapq.merge(*partitions, key=lambda entry: str(entry[INDEX_SK]))

    def look_once(self, provider: str, external_id: str, at: datetime, pause: timedelta) -> bool:
        """See `EventLedger.look_once`."""
        fields = {"at": to_text(at), "ttl": int((at + pause).timestamp())}
        condition, values = "attribute_not_exists(#at) OR #at <= :latest", {"latest": to_text(at - pause)}
        return self._table.attempt(self._table.update(look_key(provider, external_id), fields, condition, values))

    def report_once(self, parked: ParkedEvent, at: datetime) -> bool:
        """See `EventLedger.report_once`."""
        fields = {"reported_at": to_text(at), **NEVER_DUE}
        return self._table.attempt(self._table.update(parked_key(parked), fields, f"attribute_exists(#{INDEX_PK})"))


def chained(task: Task, events: Iterable[AuditEvent], at: datetime) -> tuple[list[AuditEntry], Task]:
    """Return the next entries of a task's audit, and the task with their number and the new head."""
    entries: list[AuditEntry] = []
    seq, head = task.audit_seq, task.audit_head
    for event in events:
        entry = append(task.task_id, seq, head, task.shown, event, at, task.question.policy, task.audit_ttl)
        entries.append(entry)
        seq, head = entry.seq, entry.hash
    return entries, dataclasses.replace(task, audit_seq=seq, audit_head=head)


def _ttl(entries: list[AuditEntry]) -> int:
    """Return the time to live of a chain, which the hash of each entry covers; 0 for never, and if no entry is left."""
    return entries[0].ttl if entries else 0


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


def _with_it(change: Change) -> Iterator[dict[str, Any]]:
    """Yield the items that a change puts: envelopes, collected answers, and index items of a new deadline."""
    task = change.after
    for name, envelope in change.outbox.items():
        yield _outbox_document(task.task_id, name, envelope, change.at)
    for key, answer in change.responses.items():
        response = {"key": key, "answer": answer, "at": to_text(change.at), "ttl": epoch_after(change.at)}
        yield part_key(task.task_id, RESPONSE, key) | response
    # Links stay in the index under the deadline at their minting; these items are under the new deadline.
    for recipient in task.audience if "expires_at" in change.fields else ():
        item = {"task_id": task.task_id, "ttl": epoch_after(task.expires_at)}
        yield part_key(task.task_id, INBOX, recipient) | inbox_key(recipient, task.expires_at) | item


def _outbox_document(task_id: str, name: str, envelope: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    document = {ENVELOPE: json.dumps(envelope, ensure_ascii=False), "at": to_text(at), "ttl": epoch_after(at)}
    return part_key(task_id, OUTBOX, name) | document


def _place(key: Mapping[str, Any]) -> tuple[str, str]:
    return key["pk"], key["sk"]


def _can_be_due(entry: Mapping[str, Any]) -> bool:
    """Tell whether an entry of the index has the key of a task, a request or a parked event.

    A role may write items of some partitions only, but under any sort key and with any attributes.
    """
    pk, sk = _place(entry)
    if sk in ("TASK", "REQUEST"):
        return pk.startswith(TASK if sk == "TASK" else REQUEST)
    return pk.startswith(EXTERNAL) and sk.startswith(PARKED)


def _keys_of(entry: Mapping[str, Any]) -> tuple[Key, ...]:
    """Return the keys of the items that an entry of the index stands for: of a task also its question."""
    key = {"pk": entry["pk"], "sk": entry["sk"]}
    return (key, question_key(entry["pk"].removeprefix(TASK))) if entry["sk"] == "TASK" else (key,)


def _due_of(document: Mapping[str, Any]) -> Request | ParkedEvent:
    return request_of(document) if document["sk"] == "REQUEST" else parked_of(document)
