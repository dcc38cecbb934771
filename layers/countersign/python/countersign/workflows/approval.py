"""Questions to people: ask for an approval, and match on the type of the result."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from aws_durable_execution_sdk_python import DurableContext

from countersign.domain import money
from countersign.domain.clock import from_text, to_text
from countersign.domain.errors import DuplicateTaskNameError, TaskWithdrawnError
from countersign.domain.policy import POLICY_ACTOR, Escalation, Terms
from countersign.domain.questions import CONTENT, Attachment, Question, Shown
from countersign.domain.rules import Outcome, Rule
from countersign.domain.tasks import Status, task_id_of
from countersign.services.waits import Report, Wait
from countersign.workflows.ask import Expired, Schedule, ask
from countersign.workflows.runtime import current
from countersign.workflows.steps import LEDGER_STEP
from countersign.workflows.workflow import execution_of


@dataclass(frozen=True)
class Approval(Shown):
    """A question for people: what the page shows, and how the question is decided.

    Attributes:
        approvers: E-mail addresses of the people who may decide.
        deadline_seconds: How long the whole request may take, in seconds from its start.
        rule: How many approvers must agree; by default the first decision counts. `in_order` asks one after the other,
            with a task for each, named `<name>-1`, `<name>-2`, ….
        reminders_seconds: When to remind people, in seconds from the opening.
        escalations: Further people who are asked if there is no decision for a while.
        policy: Version of the policy that applies; empty without one.
        auto_approve: Whether the policy approves without asking anybody.
        acknowledge: Whether every answer has the same effect: the page informs the approvers and has one button.
        confirm: Whether a vote counts only after its page has asked for confirmation.
        comment: Which votes need a comment: `required` for all, `required_on_reject` for rejections; empty for none.
        send_back: Whether approvers may send the request back to its requester with a question. Only for workflows
            that act on the amount and the details of `Approved`: the requester may revise them.
        fixed: The labels of rows that a revision keeps as they are, such as the payee.
        floor: The amount above which a revision stays, because another row of the policy covers it and less; None
            without such a row.
    """

    approvers: tuple[str, ...]
    deadline_seconds: int
    rule: Rule = field(default_factory=Rule)
    reminders_seconds: tuple[int, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    policy: str = ""
    auto_approve: bool = False
    acknowledge: bool = False
    confirm: bool = False
    comment: str = ""
    send_back: bool = False
    fixed: tuple[str, ...] = ()
    floor: Decimal | None = None

    @classmethod
    def from_input(
        cls,
        document: Mapping[str, Any],
        *,
        title: str,
        details: tuple[tuple[str, str], ...],
        send_back: bool = False,
        fixed: tuple[str, ...] = (),
    ) -> "Approval":
        """Return the approval that a workflow's input asks for.

        Args:
            document: The input. It has `requester` and `approvers`, or the `agent` that the server has filled in, and
                `deadline_seconds`; and optionally `on_behalf_of`, `rule`, `reminders_seconds`, `attachments`, and
                `amount` with `currency`, as in the contract `approval.input`.
            title: The question in one line.
            details: Rows of label and value.
            send_back: Whether approvers may send the request back.
            fixed: The labels of rows that a revision keeps as they are.
        """
        return cls(
            title=title,
            details=details,
            requester=document.get("requester", ""),
            approvers=tuple(document.get("approvers", ())),
            deadline_seconds=document["deadline_seconds"],
            rule=Rule.from_document(document.get("rule")),
            reminders_seconds=tuple(document.get("reminders_seconds", ())),
            attachments=tuple(Attachment(each["name"], each["url"]) for each in document.get("attachments", ())),
            amount=f"{document['amount']} {document['currency']}" if "amount" in document else "",
            send_back=send_back and "agent" not in document,
            on_behalf_of=document.get("on_behalf_of", ""),
            agent=document.get("agent", ""),
            fixed=fixed,
        )

    def under(self, terms: Terms) -> "Approval":
        """Return the approval with a policy's terms in place of the request's; the earlier deadline counts.

        Raises:
            ContractError: The approvers could never reach an approval by the policy's rule.
        """
        return replace(
            self,
            approvers=terms.audience(self.approvers, self.requesters),
            deadline_seconds=min(self.deadline_seconds, terms.deadline_seconds or self.deadline_seconds),
            rule=terms.rule or self.rule,
            reminders_seconds=self.reminders_seconds if terms.reminders_seconds is None else terms.reminders_seconds,
            escalations=terms.escalations or self.escalations,
            policy=terms.policy,
            auto_approve=terms.auto_approve,
            confirm=terms.confirm or self.confirm,
            comment=terms.comment or self.comment,
            send_back=terms.send_back and self.send_back,
            floor=terms.floor if terms.send_back and self.send_back else None,
        )


@dataclass(frozen=True)
class Ballot:
    """One person's vote."""

    by: str
    decision: str
    comment: str
    at: datetime


@dataclass(frozen=True)
class _Decided:
    """The decision.

    Attributes:
        by: Addresses of the people whose votes decided.
        at: Time of the decision, in UTC.
        comment: Comment of the last vote; empty without one.
        votes: Every vote of the decided round, in the order of the approvers.
        title: The title that was decided on.
        details: The rows that were decided on.
        attachments: The documents that were decided on.
        amount: The amount that was decided on, in units of the currency; None without one. Act on this amount, and
            not on the input's: the requester may have revised it.
        currency: ISO 4217 code; empty without an amount.
        round: Number of the decided round: 1, plus 1 for each revision.
    """

    by: tuple[str, ...]
    at: datetime
    comment: str
    votes: tuple[Ballot, ...]
    title: str = field(default="", kw_only=True)
    details: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    attachments: tuple[Attachment, ...] = field(default=(), kw_only=True)
    amount: Decimal | None = field(default=None, kw_only=True)
    currency: str = field(default="", kw_only=True)
    round: int = field(default=1, kw_only=True)


class Approved(_Decided):
    """The approvers agreed."""


class Rejected(_Decided):
    """The approvers did not agree."""


ApprovalResult = Approved | Rejected | Expired

_UNDECIDED: Mapping[str, Any] = {
    **dict.fromkeys(("decided_by", "decided_at", "comment", "amount", "currency", "round")),
    "votes": [],
}


def result_of(decision: ApprovalResult) -> dict[str, Any]:
    """Return a decision as members of a workflow's result.

    `status` is `approved`, `rejected` or `expired`. `decided_by` is an address, or the list of several; `decided_at`,
    `comment`, `votes`, `amount`, `currency` and `round` are as in `Approved`; without an amount, it and its currency
    are null. After a revision, `revised` has the `title`, `details` and `attachments` that were decided on. If nobody
    decided, `votes` is empty and the others are null.
    """
    if isinstance(decision, Expired):
        return {"status": "expired", **_UNDECIDED}
    return {
        "status": "approved" if isinstance(decision, Approved) else "rejected",
        "decided_by": decision.by[0] if len(decision.by) == 1 else list(decision.by),
        "decided_at": to_text(decision.at),
        "comment": decision.comment,
        "votes": [
            {"by": vote.by, "decision": vote.decision, "comment": vote.comment, "at": to_text(vote.at)}
            for vote in decision.votes
        ],
        "amount": None if decision.amount is None else f"{decision.amount:f}",
        "currency": decision.currency or None,
        "round": decision.round,
        **({"revised": _revised(decision)} if decision.round > 1 else {}),
    }


def _revised(decision: Approved | Rejected) -> dict[str, Any]:
    return {
        "title": decision.title,
        "details": [{"label": label, "value": value} for label, value in decision.details],
        "attachments": [{"name": item.name, "url": item.url} for item in decision.attachments],
    }


def request_approval(context: DurableContext, name: str, approval: Approval) -> ApprovalResult:
    """Ask people for an approval and wait, without using compute, until it is decided or expires.

    Args:
        context: The execution's context.
        name: Name of the wait; unique within the workflow, never changed once deployed.
        approval: The question.

    Raises:
        TaskWithdrawnError: The task was withdrawn.
        WorkflowError: As `ask` raises.
    """
    if approval.auto_approve:
        return _approved_by_policy(context, name, approval)
    if approval.rule.kind == "in_order":
        return _in_order(context, name, approval)
    return _decided(approval, _asked(context, name, approval))


def _in_order(context: DurableContext, name: str, approval: Approval) -> ApprovalResult:
    """Ask one approver after the other, each with their own task, until one does not approve."""
    votes: tuple[Ballot, ...] = ()
    last_round = 1
    started_at, deadline_seconds = execution_of(context).started_at, approval.deadline_seconds
    for level, approver in enumerate(approval.approvers, start=1):
        # Nobody decides two levels, also not as a stand-in or by delegation.
        others = (*(other for other in approval.approvers if other != approver), *(vote.by for vote in votes))
        alone = replace(approval, approvers=(approver,), rule=Rule(), deadline_seconds=deadline_seconds)
        continues = level < len(approval.approvers)
        report = _asked(context, f"{name}-{level}", alone, others, votes, continues=continues)
        # Time that an operator added for one level also counts for the later ones, or they would have none left.
        until = from_text(report["expires_at"])
        deadline_seconds = max(deadline_seconds, -((started_at - until) // timedelta(seconds=1)))
        decision = _decided(approval, report)
        if isinstance(decision, Expired):
            return decision
        votes, last_round = (*votes, *decision.votes), max(last_round, decision.round)
        by = tuple(vote.by for vote in votes) if isinstance(decision, Approved) else decision.by
        decision = replace(decision, by=by, votes=votes, round=last_round)
        if isinstance(decision, Rejected):
            return decision
        # The later levels decide on what this one approved.
        approval = _as_revised(approval, report)
    return decision


def _approved_by_policy(context: DurableContext, name: str, approval: Approval) -> Approved:
    """Record that the policy approved, without asking anybody: one operation, `<name> auto`."""
    execution = execution_of(context)
    until = execution.started_at + timedelta(seconds=approval.deadline_seconds)
    wait = Wait(execution.request_id, name, POLICY_ACTOR, until, until, execution.submitted_by)
    question = _question(approval)
    report: Report = context.step(
        lambda _: current().waits.approve_by_policy(wait, question), f"{name} auto", LEDGER_STEP
    )
    if report.get("duplicate"):
        raise DuplicateTaskNameError(wait.task_id)
    if report["status"] == Status.CANCELLED:
        raise TaskWithdrawnError(wait.task_id)
    by, at = tuple(report["decided_by"]), from_text(report["decided_at"])
    return Approved(by, at, "", (), **_content(approval))


def _asked(
    context: DurableContext,
    name: str,
    approval: Approval,
    elsewhere: tuple[str, ...] = (),
    earlier: tuple[Ballot, ...] = (),
    *,
    continues: bool = False,
) -> Report:
    schedule = Schedule(
        approval.deadline_seconds,
        reminders_seconds=approval.reminders_seconds,
        escalations=approval.escalations,
    )
    question = replace(_question(approval, elsewhere, earlier), continues=continues)
    report = ask(context, name, question, schedule, approval.approvers)
    if report["status"] == Status.CANCELLED:
        raise TaskWithdrawnError(task_id_of(execution_of(context).request_id, name))
    return report


_KEPT = ("rule", "policy", "acknowledge", "confirm", "comment", "send_back", "fixed", "floor")


def _question(approval: Approval, elsewhere: tuple[str, ...] = (), earlier: tuple[Ballot, ...] = ()) -> Question:
    shown = {each.name: getattr(approval, each.name) for each in fields(Shown)}
    asked = {name: getattr(approval, name) for name in _KEPT}
    rows = tuple((vote.by, vote.decision, vote.comment, to_text(vote.at)) for vote in earlier)
    return Question(kind="approval", elsewhere=elsewhere, earlier=rows, **asked, **shown)


def _decided(approval: Approval, report: Report) -> ApprovalResult:
    if report["status"] == Status.EXPIRED:
        return Expired()
    votes = tuple(
        Ballot(vote["by"], vote["decision"], vote["comment"], from_text(vote["at"])) for vote in report["votes"]
    )
    last = max(votes, key=lambda vote: vote.at)
    kind = Approved if report["outcome"] == Outcome.APPROVED else Rejected
    by, at = tuple(report["decided_by"]), from_text(report["decided_at"])
    return kind(by, at, last.comment, votes, **_content(_as_revised(approval, report)), round=report.get("round", 1))


def _as_revised(approval: Approval, report: Report) -> Approval:
    """Return an approval with the content of the decided round; a report has it only if the requester revised it."""
    if "content" not in report:
        return approval
    content = Question.from_document(report["content"])
    return replace(approval, **{name: getattr(content, name) for name in CONTENT})


def _content(approval: Approval) -> dict[str, Any]:
    amount, currency = money.parsed(approval.amount) or (None, "")
    content = {name: getattr(approval, name) for name in ("title", "details", "attachments")}
    return content | {"amount": amount, "currency": currency}
