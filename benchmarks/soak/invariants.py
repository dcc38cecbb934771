"""The invariants after every step, and those at rest."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from benchmarks.soak.runs import Run, callback_ids, result_of, step_results
from benchmarks.soak.world import ESCALATED, ESCALATION, GRACE, World
from countersign.adapters.attributes import from_item
from countersign.adapters.task_items import task_of
from countersign.domain.audit import AuditEntry
from countersign.domain.tasks import TRANSITIONS, WITHDRAWN_BY_REQUESTER, Status, Task
from countersign.domain.upkeep import due_at
from countersign.services.sweeps import Lost
from operate.commands.audit import verified
from sweeper.handler import STAYS_LOST
from tests.integration.output import spellings

_TOKEN = re.compile(r"(?<![A-Za-z0-9_/+-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
COMMENT = "between us, comment"
"""The beginning of every comment."""

_WAYS = {(row.source, row.target) for row in TRANSITIONS}
_ONCE = {"decided": "decided", "responded": "event", "held": "event", "swept": "swept"}
_DECISION = ("outcome", "decided_by", "decided_at", "votes", "answer", "failure")

_MEANS: Mapping[str, Callable[[list[Task]], bool]] = {
    "approved": lambda tasks: all(task.outcome == "approved" for task in tasks),
    "accepted": lambda tasks: all(task.outcome == "approved" for task in tasks),
    "rejected": lambda tasks: any(task.outcome == "rejected" for task in tasks),
    "dismissed": lambda tasks: any(task.outcome == "rejected" for task in tasks),
    "paid": lambda tasks: all('"status":"paid"' in task.answer for task in tasks),
    "received": lambda tasks: all(task.outcome == "answered" for task in tasks),
    "completed": lambda tasks: all(task.outcome == "answered" for task in tasks),
    "complete": lambda tasks: all(task.received == ("identity", "bank_statement") for task in tasks),
    "worker_lost": lambda tasks: all(task.closed_because == "worker_lost" for task in tasks),
    "expired": lambda tasks: any(task.status is Status.EXPIRED for task in tasks),
}
"""The condition on a workflow's tasks for each result."""

_LOST: Mapping[Status, tuple[Lost, ...]] = {
    Status.OPEN: (Lost.HAND_OFF, Lost.DEADLINE),
    Status.DECIDED: (Lost.DECISION,),
    Status.CANCELLED: (Lost.WITHDRAWAL,),
}
"""The findings of the sweeper about a task, by its status."""

EXPECTED_ERRORS = frozenset({"", "DuplicateCorrelationError", "HandOffFailedError", "IdleRingsError", "StepError"})
"""The errors of workflows that the soak causes: a reused external id, or faults for too long."""


Content = tuple[str, tuple[tuple[str, str], ...], str]
"""The title, the rows and the amount of a question."""


class ViolationError(AssertionError):
    """An invariant is violated."""


class Invariants:
    """Watches a world.

    Attributes:
        secrets: The secrets that no log may have, besides those that the world knows.
        promises: The records that a response confirmed, in words, each with a check.
        posts: The number of posts of each request, by its id.
        names: The owner of each alias in the directory.
        pages: The title, rows and amount that pages showed, by the task's id and the digest of what they showed.
    """

    def __init__(self, world: World) -> None:
        self.secrets: set[str] = set()
        self.promises: list[tuple[str, Callable[[], bool]]] = []
        self.posts: Counter[str] = Counter()
        self.names: dict[str, str] = {}
        self.pages: dict[tuple[str, str], Content] = {}
        self._lost: dict[str, Task | None] = {}
        self._world = world
        self._once: Counter[tuple[str, ...]] = Counter()
        self._sweeps: Counter[tuple[str, str]] = Counter()
        self._not_applied: set[str] = set()
        self._overdue: set[tuple[str, str]] = set()

    def after_step(self) -> None:
        """Check the invariants of every step."""
        for surprise in self._world.faults.surprises:
            raise surprise
        touched = set()
        for record in self._world.gather():
            change = record["dynamodb"]
            pk, sk = (change["Keys"].get(name, {}).get("S", "") for name in ("pk", "sk"))
            if pk.startswith("AUDIT#"):
                self._entry_was_written(record, pk.removeprefix("AUDIT#"))
            elif sk == "TASK":
                self._task_was_written(change)
                touched.add(pk.removeprefix("TASK#"))
        for task_id in touched:
            self._chain_holds(task_id)
        self._nothing_secret_was_said()

    def _entry_was_written(self, record: Mapping[str, Any], task_id: str) -> None:
        if record["eventName"] != "INSERT":
            raise ViolationError(f"an audit entry of {task_id} was changed or removed: {record['eventName']}")
        entry = from_item(record["dynamodb"]["NewImage"])
        happens_once, data = _ONCE.get(entry["event"]), entry["data"]
        key = (task_id, happens_once or "", data.get("event_id", data.get("status", "")))
        self._once[key] += bool(happens_once)
        if self._once[key] > 1:
            raise ViolationError(f"this happened twice: {key}")
        if entry["actor"] == "sweeper" and data.get("state") != "closed":
            self._sweeps[task_id, entry["event"]] += 1
        if self._sweeps[task_id, "rung"] > self._sweeps[task_id, "swept"]:
            raise ViolationError(f"the sweeper rang for {task_id}, and had not put on record that it does")

    def _task_was_written(self, change: Mapping[str, Any]) -> None:
        before = task_of(change["OldImage"]) if "OldImage" in change else None
        if "NewImage" not in change:
            self._was_lost(before)
            return
        after = task_of(change["NewImage"])
        if after.task_id in self._lost:
            self._came_back(after)
            return
        source = before and before.status
        if (source, after.status) not in _WAYS and source is not after.status:
            raise ViolationError(f"{after.task_id} went from {source} to {after.status}, which is no row of the table")
        if before is not None:
            _is_in_time(before, after)
            _stays_decided(before, after)
            _keeps_the_rounds(before, after)
            if before.status is not after.status:
                self._nobody_decided_twice_or_in_their_own_matter(after)
                self._only_votes_of_the_round_decided(after)

    def _nobody_decided_twice_or_in_their_own_matter(self, task: Task) -> None:
        """By all addresses that are known at the decision, and again when the workflow applies it."""
        if task.status not in (Status.DECIDED, Status.APPLIED) or task.superseded or not task.audience:
            return
        people, full = [self.person(address) for address in task.decided_by], self._world.ledger.task(task.task_id)
        assert full
        if self.person(full.question.requester) in people or len(set(people)) < len(people):
            raise ViolationError(f"{task.task_id} is {task.status} by {task.decided_by}, who are {people}")

    def _only_votes_of_the_round_decided(self, task: Task) -> None:
        if task.status is not Status.DECIDED or not task.audience:
            return
        votes = self._deciding_votes(task.task_id)
        voters = {self.person(entry.event.actor) for entry in votes}
        if not {self.person(address) for address in task.decided_by} <= voters:
            raise ViolationError(f"{task.task_id} is decided by {task.decided_by}; in its round voted {voters}")
        full = self._world.ledger.task(task.task_id)
        if not full or {entry.shown for entry in votes} - {full.shown}:
            raise ViolationError(f"{task.task_id} is decided by votes on pages with other details")

    def _deciding_votes(self, task_id: str) -> list[AuditEntry]:
        """Return the votes of the round in which a task was decided; by the audit, which has each act in order."""
        votes: list[AuditEntry] = []
        for entry in self._world.ledger.audit(task_id):
            if entry.event.event == "revised":
                votes.clear()
            elif entry.event.event == "voted":
                votes.append(entry)
            elif entry.event.event == "decided":
                break
        return votes

    def page_shows(self, task: Task) -> None:
        """Note what a page shows of a task; pages of equal digests must show the same."""
        content = task.question.title, task.question.details, task.question.amount
        if self.pages.setdefault((task.task_id, task.shown), content) != content:
            raise ViolationError(f"two pages of {task.task_id} differ, and have one digest")

    def person(self, address: str) -> str:
        """Return the address of an alias's owner."""
        return self.names.get(address, address)

    # Damage

    def lose(self, task_ids: Iterable[str]) -> None:
        """Expect the loss and the restoration of these tasks."""
        self._lost = dict.fromkeys(task_ids)

    def all_are_back(self) -> None:
        """Check that every lost task is restored."""
        if self._lost:
            raise ViolationError(f"these tasks were lost and are not back: {list(self._lost)}")

    def _was_lost(self, task: Task | None) -> None:
        if task is None or task.task_id not in self._lost:
            raise ViolationError(f"a task was removed: {task}")
        self._lost[task.task_id] = task

    def _came_back(self, after: Task) -> None:
        """Check that a task is as before, except for a worker's answer or failure, which the audit does not have.

        A worker is asked again, unless its workflow has the answer.
        """
        before = self._lost.pop(after.task_id)
        assert before
        full = self._world.ledger.task(after.task_id)
        asked_again = full and full.question.payload and (before.status, after.status) == (Status.DECIDED, Status.OPEN)
        for happened in ("decided", "swept") if asked_again else ("swept",):
            for key in [key for key in self._once if key[:2] == (after.task_id, happened)]:
                del self._once[key]
        if asked_again:
            return
        run = self._world.durable.runs.get(after.request_id)
        if run and run.ended and (before.status, after.status) == (Status.OPEN, Status.CANCELLED):
            return  # `restore` closes what no workflow waits for
        was, now = ((task.status, task.round, bool(task.returned)) for task in (before, after))
        if was != now:
            raise ViolationError(f"{after.task_id} was {was}, and came back as {now}: status, round, sent back")
        _failed_alike(before, after)
        answer = after.answer and before.answer
        _stays_decided(replace(before, ring=None, answer=answer, failure=after.failure), after)

    def _chain_holds(self, task_id: str) -> None:
        problems = self._world.ledger.audit_breaks(task_id)
        if problems:
            raise ViolationError(f"the audit chain of {task_id} is broken: {problems}")

    def _nothing_secret_was_said(self) -> None:
        written = self._world.output.new()
        text = written.text
        for entry in written.entries:
            self._not_applied.update(entry.get("decisions_not_applied", ()))
            if entry.get("message") == "overdue" and not entry["mended"]:
                self._overdue.add((entry["lost"], entry["about"]))
        spelled = {spelling for secret in self._known_secrets() for spelling in spellings(secret)} if text else ()
        for spelling in spelled:
            if spelling in text:
                raise ViolationError(f"a secret was logged: {_lines_with(spelling, text)}")
        if found := _TOKEN.search(text):
            raise ViolationError(f"what looks like a token was logged: {_lines_with(found.group(), text)}")

    def _known_secrets(self) -> set[str]:
        world = self._world
        callbacks = {callback_id for run in world.durable.runs.values() for callback_id in callback_ids(run)}
        links = {mail.token for mail in (*world.post.mails, *world.post.told)}
        machines = {envelope["callback"]["token"] for envelope in world.bus.handed_to_machines}
        return {*self.secrets, *callbacks, *links, *machines, *world.secrets.active}

    # At rest

    def after_sweeps(self) -> None:
        """Check after two sweeps that every overdue item has raised an alarm."""
        self.after_step()
        ledger, latest = self._world.ledger, self._world.clock.now() - 2 * GRACE
        for task in filter(None, map(ledger.task, ledger.every_task_id())):
            due = due_at(task, self._world.clock.now())
            if due and due <= latest and not self._is_reported(task):
                raise ViolationError(f"{task.task_id} is {task.status} since {due}, and no alarm rang")
        for request_id in self.posts:
            request = ledger.request(request_id)
            if request and request.status == "submitted" and not self.was_reported(Lost.START, request_id):
                raise ViolationError(f"{request_id} has not started, and no alarm rang")
            if request and request.status != "submitted" and request_id not in self._world.durable.runs:
                raise ViolationError(f"{request_id} is {request.status}, and has not started")

    def _is_reported(self, task: Task) -> bool:
        reported = any(self.was_reported(lost, task.task_id) for lost in _LOST[task.status])
        return reported or (task.status is Status.DECIDED and task.task_id in self._not_applied)

    def at_rest(self) -> tuple[list[Task], int]:
        """Check the invariants at rest; return the tasks, and the number of decisions with an alarm."""
        self.after_step()
        ledger = self._world.ledger
        tasks = [task for task in map(ledger.task, ledger.every_task_id()) if task]
        if problems := [finding.problems for finding in verified(ledger, []) if finding.problems]:
            raise ViolationError(f"the kit's own verification of the audit fails: {problems}")
        alarmed = sum(self._is_alarmed(task) for task in tasks)
        for words, holds in self.promises:
            if not holds():
                raise ViolationError(f"this was accepted and then lost: {words}")
        self._nothing_was_started_too_often()
        self._requests_have_ended()
        self._results_are_the_ledgers()
        self._results_are_what_the_voters_saw()
        self._nothing_is_left_in_the_outbox()
        self._escalations_were_sent(tasks)
        self._nothing_secret_is_in_the_history()
        return tasks, alarmed

    def _is_alarmed(self, task: Task) -> bool:
        """Whether a decision that no workflow applies has raised an alarm; every other task must have ended."""
        if task.status is Status.OPEN:
            raise ViolationError(f"{task.task_id} is open still, and nobody waits for it")
        if task.status is not Status.DECIDED:
            return False
        if task.task_id not in self._not_applied or not self._world.output.counts["DecisionsNotApplied"]:
            raise ViolationError(f"{task.task_id} is decided; no workflow has applied it, and no alarm rang")
        return True

    def _nothing_was_started_too_often(self) -> None:
        for request_id, posts in self.posts.items():
            starts = self._world.functions.starts[request_id]
            if starts > posts + 1:
                raise ViolationError(f"{request_id} was sent {posts} times, and started {starts} times")

    def _requests_have_ended(self) -> None:
        if self._world.durable.outlived:
            raise ViolationError(f"these did not end before Lambda ended them: {self._world.durable.outlived}")
        for run in self._world.durable.runs.values():
            if run.error not in EXPECTED_ERRORS and not self._is_explained(run):
                raise ViolationError(f"{run.name} has failed with {run.error}")
            request = self._world.ledger.request(run.name)
            if request is None or not request.ended:
                raise ViolationError(f"{run.name} has ended {run.ended}, and its request says {request}")

    def _is_explained(self, run: Run) -> bool:
        """Whether people are the reason for the error of a workflow."""
        withdrawn = any(task.closed_because == WITHDRAWN_BY_REQUESTER for task in self._tasks_of(run.name))
        return {"UnsoundDecisionError": bool(self.names), "TaskWithdrawnError": withdrawn}.get(run.error, False)

    def _results_are_the_ledgers(self) -> None:
        """Check that the ledger justifies the result of every workflow."""
        for run in self._world.durable.runs.values():
            result, tasks = result_of(run), self._tasks_of(run.name)
            must = _MEANS.get(result.get("status", ""))
            if must and not must(tasks):
                raise ViolationError(f"{run.name} returned {result}, and in the ledger stands {tasks}")
            if run.ended == "SUCCEEDED" and any(task.status is Status.DECIDED for task in tasks):
                raise ViolationError(f"{run.name} has succeeded, and left a decision unapplied: {tasks}")

    def _results_are_what_the_voters_saw(self) -> None:
        """Check that a workflow acts on the amount and the details on the pages of those whose votes decided."""
        for run in self._world.durable.runs.values():
            result = result_of(run)
            if result.get("status") not in ("approved", "rejected") or "amount" not in result:
                continue
            _is_at_most(result, json.loads(run.payload)["input"]["amount"])
            tasks = [task for task in self._tasks_of(run.name) if task.decided_at and task.audience]
            for task, vote in [(each, vote) for each in tasks for vote in self._deciding_votes(each.task_id)]:
                shown = self.pages[task.task_id, vote.shown]
                if not _is_of(result, shown):
                    raise ViolationError(f"{vote.event.actor} saw {shown}, and {run.name} returned {result}")

    def _tasks_of(self, request_id: str) -> list[Task]:
        _, tasks = self._world.ledger.with_tasks(request_id)
        return tasks

    def _nothing_secret_is_in_the_history(self) -> None:
        """Check the history for secrets; a workflow returns comments."""
        secrets = {secret for secret in self._known_secrets() if not secret.startswith(COMMENT)}
        for run in self._world.durable.runs.values():
            results = step_results(run)
            for secret in secrets:
                if secret in results:
                    raise ViolationError(f"the history of {run.name} holds the secret {secret}")

    def _nothing_is_left_in_the_outbox(self) -> None:
        keys = (item["sk"]["S"] for item in self._world.tables.everything())
        left = [sk for sk in keys if sk.startswith("OUTBOX#")]
        if left:
            raise ViolationError(f"this was never sent: {left}")

    def _escalations_were_sent(self, tasks: list[Task]) -> None:
        """Check that escalations were sent within an hour, also after an outage of the bus."""
        sent = {each["task_id"] for each in self._world.bus.envelopes if each["kind"] == "approval.escalated"}
        for task in filter(self._has_an_escalation, tasks):
            opened_at, closed_at = task.opened_at, task.decided_at or task.closed_at
            assert opened_at
            assert closed_at
            ended_at = min(closed_at, task.expires_at)
            due = max(opened_at + ESCALATION, self._world.bus.out_until)
            has_nobody = self.has_entry(task.task_id, {"escalated"}, to=[])  # who decides another level of the chain
            if ended_at - due > timedelta(hours=1) and task.task_id not in sent and not has_nobody:
                raise ViolationError(f"{task.task_id} was open until {ended_at}, and escalated to nobody since {due}")

    def _has_an_escalation(self, task: Task) -> bool:
        """Whether a task's workflow succeeded under a policy with an escalation."""
        run = self._world.durable.runs[task.request_id]
        is_under_policy = run.workflow == "order-approval" and json.loads(run.payload)["input"]["amount"] == ESCALATED
        return is_under_policy and run.ended == "SUCCEEDED" and bool(task.audience)

    # Checks of promises

    def has_entry(self, task_id: str, events: set[str], **data: Any) -> bool:
        """Whether a task's audit has one of these events with this data or actor."""
        return any(_is_said(entry, events, data) for entry in self._world.ledger.audit(task_id))

    def was_reported(self, lost: Lost, name: str) -> bool:
        """Whether the sweeper has logged and counted a finding that stays."""
        return (lost, name) in self._overdue and bool(self._world.output.counts[STAYS_LOST[lost]])


def _is_said(entry: AuditEntry, events: set[str], data: Mapping[str, Any]) -> bool:
    known = {**entry.event.data, "actor": entry.event.actor}
    return entry.event.event in events and all(known.get(name) == value for name, value in data.items())


def _is_in_time(before: Task, after: Task) -> None:
    if before.status is not Status.OPEN:
        return
    if after.status is Status.DECIDED and not (after.decided_at and after.decided_at < before.expires_at):
        raise ViolationError(f"{after.task_id} was decided after its deadline")
    if after.status is Status.EXPIRED and not (after.closed_at and after.closed_at >= before.expires_at):
        raise ViolationError(f"{after.task_id} expired before its deadline")


def _failed_alike(before: Task, after: Task) -> None:
    if after.failure and before.failure and after.failure.code != before.failure.code:
        raise ViolationError(f"{after.task_id} failed with {before.failure}, and came back with {after.failure}")


def _keeps_the_rounds(before: Task, after: Task) -> None:
    """Check that a task waits for its requester, that a round begins without votes, and that its deadline stays."""
    if before.returned and after.status is Status.DECIDED:
        raise ViolationError(f"{after.task_id} was decided while it waited for its requester")
    if after.round > before.round and (after.votes or not before.returned or after.round > before.round + 1):
        raise ViolationError(f"round {after.round} of {after.task_id} began with {after.votes}, after {before}")
    if after.round < before.round:
        raise ViolationError(f"{after.task_id} went back to the round {after.round}")
    if after.exchanges != before.exchanges and after.expires_at != before.expires_at:
        raise ViolationError(f"the deadline of {after.task_id} moved when it was sent back, answered or revised")


def _is_at_most(result: Mapping[str, Any], asked: str) -> None:
    """Check that a workflow acts on what was asked for, or on less after a revision."""
    amount = Decimal(result["amount"])
    if amount > Decimal(asked) or (result["round"] == 1 and result["amount"] != asked):
        raise ViolationError(f"asked was for {asked}, and the workflow returned {result}")


def _is_of(result: Mapping[str, Any], shown: Content) -> bool:
    """Whether a workflow's result has the content of a page."""
    title, details, amount = shown
    same = {"title": title, "details": [{"label": label, "value": value} for label, value in details]}
    return f"{result['amount']} {result['currency']}" == amount and same.items() <= result.get("revised", same).items()


def _stays_decided(before: Task, after: Task) -> None:
    if before.status is not Status.OPEN:
        for name in _DECISION:
            if getattr(before, name) != getattr(after, name):
                raise ViolationError(f"{name} of {after.task_id} was changed after it was {before.status}")
    if before.ring and before.ring.state == "delivered" and before.ring != after.ring and before.status is after.status:
        raise ViolationError(f"the ring of {after.task_id} was delivered, and is {after.ring} now")
    if after.audit_seq < before.audit_seq:
        raise ViolationError(f"the audit of {after.task_id} counts {after.audit_seq}, after {before.audit_seq}")


def _lines_with(secret: str, text: str) -> list[str]:
    return [line[:300] for line in text.splitlines() if secret in line][:3]
