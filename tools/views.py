"""Views of pages and mails with made-up values, and every page and mail, for tests and tools."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, get_args

from countersign.channels import Message, messages
from countersign.channels.slack import blocks_of
from countersign.domain.clock import to_text
from countersign.domain.errors import (
    CommentMissingError,
    CommentTooLongError,
    ContractError,
    DecidedOtherwiseError,
    DetailsChangedError,
    HandedOnError,
    LedgerUnavailableError,
    NotReturnedError,
    RevisionRefusedError,
    SeveralProblemsError,
    TaskClosedError,
    TaskReturnedError,
    UnknownDecisionError,
    UnknownLinkError,
)
from countersign.domain.links import MOST_NEXT, MOST_WAITING
from countersign.domain.questions import COMMENT_RULES, Attachment, Question, Shown
from countersign.domain.rules import Decision, Outcome, Rule
from countersign.domain.tasks import Delegation, Exchange, Replacement, Status, Task, Vote
from countersign.domain.trail import Step
from countersign.services.batches import Item
from countersign.services.closings import closing_of
from countersign.services.inboxes import Inbox
from countersign.services.reviews import Click, Review
from countersign.services.status_links import Act, Standing
from review.batch_page import batch_page
from review.confirmation import confirmation_page
from review.following import following
from review.handed_on import address_page, other_hands_page, taken_back_page
from review.inbox_page import inbox_page, inbox_sent_page
from review.notices import Problem, problem_page, too_many_page
from review.parts import Key
from review.request_page import request_page
from review.results import result_page
from review.review_page import ReviewView, review_page

NOW = datetime(2025, 11, 21, 9, 12, 5, tzinfo=UTC)
TOKEN = "Tq3" * 14 + "w"
TITLE = "Order 1001, 250.00 EUR"
ROWS = (("Order", "1001"), ("Amount", "250.00 EUR"), ("Description", "Twelve chairs & a table,\nfor the new office"))

REFUND_ROWS = (
    ("Order", "1001"),
    ("Payment", "pi_3MtwBwLkdIwHu7ix28a3tqPa (stripe)"),
    ("Paid", "250.00 EUR"),
    ("Refunded so far", "40.00 EUR"),
    ("Other refunds in progress", "10.00 EUR"),
    ("Disputed by the payer", "250.00 EUR"),
    ("Reason", "One chair arrived broken."),
)

HOSTILE = (
    '<script>alert(1)</script></textarea></style><img src="//evil.example/x">'
    "\u202egnp.exe\u2066\x00\x1b{{7*7}}\"'\ud800"
)
"""Markup, bidirectional controls, control characters, a template expression, quotes, a lone surrogate."""

ATTACHMENTS = (
    Attachment("Offer.pdf", "https://files.example.com/offers/1001.pdf?version=2&signed=no"),
    Attachment("https://bank.example/login", "https://xn--bcher-kva.example:8443/plan"),
)
UNLINKED = Attachment("Notes", "javascript:alert(1)")

DELEGATION_REFUSALS = ("no_address", "requester", "asked_already", "outsider", "answered", "only_once")

REFUSALS_IN_BATCHES = (DecidedOtherwiseError, TaskClosedError, HandedOnError, DetailsChangedError, TaskReturnedError)

INBOX_PROBLEMS = ("none", "too_many", "unknown_decision")
FOLLOWING = {"review": Key("Tq3" * 14 + "w"), "inbox": Key("Tq3" * 14 + "w", "order-1001.approval")}

BY_AGENT: dict[str, Any] = {
    "requester": "",
    "agent": "arn:aws:iam::123456789012:role/invoices",
    "on_behalf_of": "ana@example.com",
}
UNBROKEN = "W" * 10_000
COMMENT = "Fine with me"
ASKED = ("maria@example.com", "hugo@example.com", "li@example.com")
CLOSED = ("expired", "withdrawn", "ended")
TIMES_LEFT = (timedelta(days=2), timedelta(hours=3), timedelta(minutes=5), timedelta(minutes=1), timedelta())


def asked(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the changes of a view, with those of its question in `question`; its `comment` is `comment_rule`."""
    shown = {"title": TITLE, "details": ROWS, "requester": "ana@example.com"}
    names = {"acknowledge", *(field.name for field in dataclasses.fields(Shown))} & changes.keys()
    question = Question(**shown | {name: changes[name] for name in names}, comment=changes.pop("comment_rule", ""))
    return {"question": question} | {name: value for name, value in changes.items() if name not in names}


def any_confirmation(decision: str = "approve", **changes: Any) -> str:
    """Return the page that asks to confirm a vote, with changes of its question."""
    task = Task("order-1001.approval", Status.OPEN, NOW, question=asked(changes)["question"])
    click = Click(TOKEN, decision, COMMENT, "5e" * 32)
    return confirmation_page(Review(task, "maria@example.com", unconfirmed=True), click)


def any_review(**changes: Any) -> ReviewView:
    """Return the view of an open task with changes."""
    view: dict[str, Any] = {
        "recipient": "maria@example.com",
        "expires_at": NOW + timedelta(days=2, hours=5),
        "now": NOW,
        "key": Key(TOKEN),
        "shown": "5e" * 32,
    }
    return ReviewView(**view | asked(changes))


def any_decided(**changes: Any) -> str:
    """Return the page of a decided task for one of the people who decided it, with changes of the task.

    `comment` is that of the deciding vote, `lost` a click that came too late, `just_now` as of `result_page`.
    """
    people, at = changes.pop("decided_by", ("maria@example.com",)), NOW
    outcome, comment = changes.pop("outcome", "approved"), changes.pop("comment", COMMENT)
    decision = Decision.APPROVE if outcome == "approved" else Decision.REJECT
    decided = {"votes": {person: Vote(decision, comment, at) for person in people}, "audience": people}
    state = {"outcome": Outcome(outcome), "decided_by": people, "decided_at": at, "opened_at": at}
    return any_result(status=Status.DECIDED, **decided | state | changes)


def any_recorded(decision: Decision = Decision.APPROVE, **changes: Any) -> str:
    """Return the page of a vote that does not decide its task, with changes of the task."""
    voted = {"votes": {ASKED[0]: Vote(decision, COMMENT, NOW)}, "audience": ASKED, "rule": Rule("quorum", 2)}
    return any_result(**voted | changes)


def any_closed_page(reason: str = "expired", **changes: Any) -> str:
    """Return the page of a task that closed at NOW without a decision, with changes of the task."""
    closed: dict[str, Any] = {"status": Status.CANCELLED, "closed_at": NOW, "expires_at": NOW}
    if reason == "expired":
        closed["status"] = Status.EXPIRED
    because = {"closed_because": "execution_failed"} if reason == "ended" else {}
    return any_result(**closed | because | changes)


def any_result(**changes: Any) -> str:
    """Return the page of a task after its end or a vote, with changes of the task, its question and the page."""
    page = {name: changes.pop(name) for name in ("just_now", "lost") if name in changes}
    recipient = changes.pop("recipient", "maria@example.com")
    task: dict[str, Any] = {"status": Status.OPEN, "expires_at": NOW + timedelta(days=2), "opened_at": NOW}
    more = {name: changes.pop(name) for name in ("rule", "earlier") if name in changes}
    task |= {"audience": ("maria@example.com",)} | asked(changes)
    task["question"] = dataclasses.replace(task["question"], **more)
    return result_page(Task("order-1001.approval", **task), recipient, NOW, **page)


@dataclass(frozen=True)
class Mail:
    """A mail as its recipient receives it."""

    subject: str
    text: str
    html: str


def as_mail(message: Message) -> Mail:
    """Return a message as the channel `email` words it."""
    texts = message.texts
    return Mail(texts.subject, texts.body, messages.html(message))


def any_mail(**changes: Any) -> Message:
    """Return a mail with changes; attachments by their names."""
    message: dict[str, Any] = {
        "kind": "approval.requested",
        "recipient": "maria@example.com",
        "deadline": NOW + timedelta(days=2, hours=5),
        "link": f"https://api.example.com/review?t={TOKEN}",
    }
    named = {"attachments": tuple(Attachment(name, "") for name in changes.pop("attachments", ()))}
    return Message(**message | asked(changes | named))


def any_inbox_page(
    recipient: str = "maria@example.com",
    number: int = 1,
    title: str = TITLE,
    requester: str = "ana@example.com",
    problem: str = "",
    agent: str = "",
    *,
    alone: bool = False,
    **changes: Any,
) -> str:
    """Return the page of an inbox with a number of tasks, with changes; if `alone`, one more has no box."""
    question = Question(title=title, requester=requester, agent=agent)
    until = NOW + timedelta(days=2, hours=5)
    task = Task("order-1001.approval", Status.OPEN, until, question=question, **changes)
    confirmed = dataclasses.replace(task, question=dataclasses.replace(question, confirm=True))
    return inbox_page(Inbox(recipient, (task,) * number + (confirmed,) * alone), TOKEN, NOW, problem)


def any_following_page(key: Key, waiting: int = 2) -> str:
    """Return the page after a vote while other tasks wait."""
    me, asked = "maria@example.com", Question(title=TITLE, requester="ana@example.com", amount="250.00 EUR")
    vote = Vote(Decision.APPROVE, "", NOW)
    decided: dict[str, Any] = {"outcome": Outcome.APPROVED, "decided_by": (me,), "decided_at": NOW, "votes": {me: vote}}
    task = Task("order-1001.approval", Status.DECIDED, NOW, question=asked, audience=(me,), **decided)
    more = following(Review(task, me, waiting=(task,) * waiting), key)
    return result_page(task, me, NOW, just_now=True, more=more)


def any_standing(refusal: Any = None, **changes: Any) -> Standing:
    """Return an open task as its requester sees it, with changes."""
    asked = Question(
        title=changes.pop("title", TITLE),
        details=ROWS,
        requester="ana@example.com",
        attachments=changes.pop("attachments", ATTACHMENTS),
        amount="250.00 EUR",
        fixed=("Order",),
        continues=changes.pop("continues", False),
    )
    fields: dict[str, Any] = {"audience": ASKED, "opened_at": NOW, "shown": "5e" * 32} | changes
    task = Task("order-1001.approval", fields.pop("status", Status.OPEN), NOW + timedelta(days=2), **fields)
    return Standing(dataclasses.replace(task, question=asked), "ana@example.com", refusal)


def any_exchanges(comment: str = COMMENT, by: str = ASKED[0]) -> tuple[Exchange, ...]:
    """Return the exchanges of a task that was sent back just now."""
    return (Exchange(by, comment, NOW),)


def _request_pages() -> Iterator[tuple[str, str]]:
    decided = {"status": Status.APPLIED, "decided_at": NOW, "decided_by": ASKED[:1], "closed_at": NOW}
    closed = {"status": Status.CANCELLED, "closed_at": NOW}
    standings = {
        "open": any_standing(),
        "returned": any_standing(exchanges=any_exchanges(), attachments=ATTACHMENTS[:1]),
        "approved": any_standing(**decided, outcome=Outcome.APPROVED),
        "continues": any_standing(**decided, outcome=Outcome.APPROVED, continues=True),
        "rejected": any_standing(**decided, outcome=Outcome.REJECTED),
        "expired": any_standing(status=Status.EXPIRED, closed_at=NOW),
        "withdrawn": any_standing(**closed, closed_because="withdrawn_by_operator", closed_comment=COMMENT),
        "withdrawn-own": any_standing(**closed, closed_because="withdrawn_by_requester", closed_by="ana@example.com"),
        "ended": any_standing(**closed, closed_because="execution_failed"),
    }
    for name, standing in standings.items():
        yield f"request-{name}", request_page(standing, TOKEN, NOW)
    for action in ("answer", "revise"):
        yield f"request-thanks-{action}", request_page(any_standing(), TOKEN, NOW, Act(TOKEN, action))
    yield from _refused_requests()


def _refused_requests() -> Iterator[tuple[str, str]]:
    returned = any_exchanges()
    reasons = ("unchanged", "later_level", "fixed_row", "currency", "raised", "policy_row")
    wrong = [ContractError("wrong", f"/{place}") for place in ("title", "amount", "rows/0/value", "attachments/0/url")]
    refusals: list[Any] = [
        *map(RevisionRefusedError, reasons),
        *(CommentMissingError(), CommentTooLongError(), DetailsChangedError(), NotReturnedError()),
        *(UnknownDecisionError(), TaskClosedError(), ContractError("wrong"), SeveralProblemsError(tuple(wrong))),
    ]
    revision = {"title": "Chairs", "amount": "1", "rows": [{"label": "Amount", "value": "Backs"}], "attachments": []}
    for number, refusal in enumerate(refusals):
        posted = Act(TOKEN, "revise", COMMENT, revision=revision)
        yield f"request-refused-{number}", request_page(any_standing(refusal, exchanges=returned), TOKEN, NOW, posted)


def _batch_pages() -> Iterator[tuple[str, str]]:
    yield "batch", any_batch_page()
    me, task = "maria@example.com", Task("order-1001.approval", Status.OPEN, NOW)
    voted = dataclasses.replace(task, votes={me: Vote(Decision.APPROVE, "", NOW)})
    yield "batch-all", batch_page([Item(task.task_id, Review(voted, me))], me, TOKEN)
    yield "batch-none", batch_page([Item(task.task_id, error=UnknownLinkError())], me, TOKEN)


def any_batch_page(title: str = TITLE) -> str:
    """Return the page after a batch with every result."""
    me, asked = "maria@example.com", Question(title=title, requester="ana@example.com")
    task = Task("order-1001.approval", Status.OPEN, NOW + timedelta(days=2), question=asked)
    reviews = [
        Review(dataclasses.replace(task, outcome=Outcome.APPROVED, decided_at=NOW), me),
        Review(dataclasses.replace(task, outcome=Outcome.REJECTED, decided_at=NOW), me),
        Review(dataclasses.replace(task, votes={me: Vote(Decision.APPROVE, "", NOW)}), me),
        Review(dataclasses.replace(task, votes={me: Vote(Decision.REJECT, "", NOW)}), me),
        *(Review(task, me, refusal=refusal()) for refusal in REFUSALS_IN_BATCHES),
        Review(task, me, unconfirmed=True),
    ]
    lost = [Item("no.task", error=error) for error in (UnknownLinkError(), LedgerUnavailableError())]
    return batch_page([*(Item(task.task_id, review) for review in reviews), *lost], me, TOKEN)


def any_inbox_mail(**changes: Any) -> Message:
    """Return the mail with the link to an inbox, with changes."""
    message: dict[str, Any] = {
        "kind": "approval.inbox",
        "recipient": "maria@example.com",
        "deadline": NOW + timedelta(days=7),
        "link": f"https://api.example.com/inbox?t={TOKEN}",
    }
    return Message(**message | changes)


def hostile_page(value: str) -> Mapping[str, str]:
    """Return each page that shows texts of people, with this value in every field."""
    rows = ((value, value), ("Order", value))
    attachments = (Attachment(value, "https://files.example.com/a"), Attachment(value, value))
    return {
        "review": review_page(
            any_review(
                title=value,
                details=rows,
                attachments=attachments,
                requester=value,
                recipient=value,
                key=Key(value, value),
                instead_of=value,
                can_hand_over=True,
                colleague=value,
                shown=value,
                comment=value,
                submitted_by=value,
            )
        ),
        "decided": any_decided(
            title=value,
            details=rows,
            attachments=attachments,
            requester=value,
            decided_by=(value,),
            comment=value,
            recipient=value,
            lost=Click(TOKEN, "reject", value),
        ),
        "closed": any_closed_page("withdrawn", title=value, closed_comment=value, closed_by=value, recipient=value),
        "recorded": any_recorded(title=value, recipient="maria@example.com", requester=value),
        "inbox": any_inbox_page(value, title=value, requester=value),
        **dict(_pages_of_other_hands(value, value, value)),
        "batch": any_batch_page(value),
        "inbox-sent": inbox_sent_page(value, NOW),
        "request": request_page(
            any_standing(
                RevisionRefusedError("raised"),
                title=value,
                attachments=attachments,
                exchanges=any_exchanges(value, value),
            ),
            value,
            NOW,
            Act(
                value,
                "revise",
                value,
                revision={"title": value, "amount": value, "rows": [{"label": value, "value": value}]},
            ),
        ),
    }


def hostile_mail(value: str) -> Mail:
    """Return the mail with this value in every text of people."""
    rows = ((value, value), ("Order", value))
    attachments = (value, value)
    return as_mail(
        any_mail(title=value, details=rows, attachments=attachments, requester=value, recipient=value, instead_of=value)
    )


def every_page() -> Mapping[str, str]:
    """Return every page by a name."""
    return {
        **dict(_review_pages()),
        **dict(_pages_of_problems()),
        **dict(_decided_pages()),
        **dict(_closed_pages()),
        **{f"recorded-{decision}": any_recorded(decision) for decision in Decision},
        "recorded-two": any_recorded(rule=Rule("quorum", 3)),
        **dict(_pages_of_other_hands(TITLE, "otto@example.com", COMMENT)),
        "inbox": any_inbox_page(votes={"maria@example.com": Vote(Decision.APPROVE, COMMENT, NOW)}),
        "inbox-long": any_inbox_page(number=MOST_WAITING),
        "inbox-empty": any_inbox_page(number=0),
        **{f"inbox-{problem}": any_inbox_page(number=3, problem=problem) for problem in INBOX_PROBLEMS},
        "inbox-alone": any_inbox_page(number=3, alone=True),
        "inbox-agent": any_inbox_page(requester="", agent=BY_AGENT["agent"]),
        **dict(_batch_pages()),
        **dict(_request_pages()),
        **{f"following-{name}": any_following_page(key) for name, key in FOLLOWING.items()},
        "following-many": any_following_page(FOLLOWING["inbox"], MOST_NEXT),
        "inbox-sent": inbox_sent_page("maria@example.com", NOW),
        **{f"problem-{kind}": problem_page(kind) for kind in get_args(Problem)},
        **{f"problem-too-many-{seconds}": too_many_page(seconds) for seconds in (1, 60)},
    }


def _review_pages() -> Iterator[tuple[str, str]]:
    for left in TIMES_LEFT:
        yield f"review-{left}", review_page(any_review(expires_at=NOW + left, details=(*ROWS, ("Note", ""))))
    for said in Decision:
        vote = Vote(said, COMMENT, NOW)
        shared = any_review(others=("hugo@example.com", "li@example.com"), approvals=1, needed=2, vote=vote)
        yield f"review-shared-{said}", review_page(shared)
    for barred in ("own_request", "decides_elsewhere", "too_many_answers"):
        yield f"review-barred-{barred}", review_page(any_review(barred=barred))
    yield "review-returned", review_page(any_review(barred="returned"))
    yield "review-send-back", review_page(any_review(send_back=True))
    yield "review-information", review_page(any_review(acknowledge=True))
    for rule in COMMENT_RULES:
        yield f"review-comment-{rule}", review_page(any_review(comment_rule=rule))
    yield from ((f"confirm-{decision}", any_confirmation(decision)) for decision in Decision)
    yield "review-delegation", review_page(any_review(can_hand_over=True))
    from_inbox = any_review(
        key=Key(TOKEN, "order-1001.approval"),
        instead_of="otto@example.com",
        submitted_by="assumed-role/shop/ana@example.com",
    )
    yield "review-instead", review_page(from_inbox)
    yield (
        "review-attachments",
        review_page(any_review(attachments=(*ATTACHMENTS, UNLINKED), on_behalf_of="omar@example.com")),
    )
    yield "review-long", review_page(any_review(title=UNBROKEN))
    yield "review-refund", review_page(any_review(details=REFUND_ROWS))
    yield "review-agent", review_page(any_review(**BY_AGENT, attachments=ATTACHMENTS))


_PROBLEMS = (
    *("comment_too_long", "comment_missing", "unknown_decision", "details_changed"),
    *("returned", "sent_back_too_often"),
)


def _pages_of_problems() -> Iterator[tuple[str, str]]:
    for problem in _PROBLEMS:
        yield (f"review-{problem}", review_page(any_review(problem=problem, comment="Too long")))
    for reason in DELEGATION_REFUSALS:
        refused = any_review(problem=f"delegation_{reason}", can_hand_over=True, colleague="otto@example.com")
        yield f"review-delegation-{reason}", review_page(refused)


def _pages_of_other_hands(title: str, person: str, because: str) -> Iterator[tuple[str, str]]:
    maria, key = "maria@example.com", Key(TOKEN)

    def review(**changes: Any) -> Review:
        asked = Question(title=title, rule=Rule("all"))
        standing = Task("order-1001.approval", Status.OPEN, NOW + timedelta(days=1), question=asked, audience=(person,))
        return Review(dataclasses.replace(standing, **changes), maria)

    delegations = (Delegation(maria, person, NOW),)
    for name, shown in {
        "delegated": review(delegations=delegations),
        "delegated-answered": review(delegations=delegations, votes={person: Vote(Decision.REJECT, "", NOW)}),
        "delegated-by-directory": review(delegations=(Delegation(maria, person, NOW, standing=True),)),
        "taken-from": review(replaced=(Replacement(maria, person, NOW),)),
        "reassigned": review(replaced=(Replacement(maria, person, NOW, because),)),
    }.items():
        yield name, other_hands_page(shown, key, NOW)
    yield "taken-back", taken_back_page(review(replaced=(Replacement(person, maria, NOW),)), key)
    yield "delegation", address_page(review(), Click(TOKEN, colleague=person))


def _decided_pages() -> Iterator[tuple[str, str]]:
    people = ("maria@example.com", "jon@example.com", "li@example.com")
    for outcome, decision in product(("approved", "rejected"), Decision):
        yield f"decided-{outcome}", any_decided(outcome=outcome, decided_by=people)
        yield f"decided-{outcome}-just-now", any_decided(outcome=outcome, just_now=True)
        yield f"decided-{outcome}-others", any_decided(outcome=outcome, recipient="otto@example.com")
        lost = Click(TOKEN, decision, COMMENT)
        yield f"decided-{outcome}-lost-{decision}", any_decided(outcome=outcome, lost=lost)
        late = any_decided(outcome=outcome, lost=lost, recipient="otto@example.com")
        yield f"decided-{outcome}-late-{decision}", late
        outvoted = {"maria@example.com": Vote(decision, "", NOW), "li@example.com": Vote(decision, "", NOW)}
        yield f"decided-{outcome}-outvoted-{decision}", any_decided(outcome=outcome, votes=outvoted)
    yield "decided-lost-return", any_decided(lost=Click(TOKEN, "return", COMMENT))
    yield "decided-attachments", any_decided(attachments=(*ATTACHMENTS, UNLINKED))
    for just_now in (True, False):
        yield f"decided-information-{just_now}", any_decided(acknowledge=True, just_now=just_now)
    returned = {"exchanges": (Exchange("maria@example.com", COMMENT, NOW),)}
    for name in ("maria", "hugo"):
        yield f"returned-{name}", any_result(**returned, recipient=f"{name}@example.com")
    yield "decided-story", any_decided(**STORY)
    yield "decided-agent", any_decided(**BY_AGENT, amount="250.00 EUR")


STORY: dict[str, Any] = {
    "earlier": (("jon@example.com", "approve", COMMENT, to_text(NOW)),),
    "delegations": (
        Delegation("otto@example.com", "maria@example.com", NOW),
        Delegation("li@example.com", "hugo@example.com", NOW, standing=True),
    ),
    "replaced": (
        Replacement("li@example.com", "otto@example.com", NOW),
        Replacement("zoe@example.com", "otto@example.com", NOW - timedelta(minutes=1), COMMENT),
    ),
    "exchanges": (
        Exchange("maria@example.com", COMMENT, NOW, COMMENT, NOW),
        Exchange("maria@example.com", COMMENT, NOW, "", NOW, revised=True),
    ),
}


def _closed_pages() -> Iterator[tuple[str, str]]:
    for reason, month in product(CLOSED, range(12)):
        at = NOW + timedelta(days=31 * month)  # every month, and every day of the week
        yield f"closed-{reason}-{month}", any_closed_page(reason, closed_at=at, expires_at=at - timedelta(days=366))
    yield "closed-late", any_closed_page(lost=Click(TOKEN, "approve", COMMENT))
    yield "closed-unnamed", any_closed_page(requester="")
    operator = "arn:aws:sts::123456789012:assumed-role/operators/olga@example.com"
    yield "closed-because", any_closed_page("withdrawn", closed_comment=COMMENT, closed_by=operator)


def every_mail() -> Mapping[str, Mail]:
    """Return every mail by a name."""
    return {name: as_mail(message) for name, message in every_message().items()}


def every_message() -> Mapping[str, Message]:
    """Return every message by a name."""
    names, details = tuple(attachment.name for attachment in ATTACHMENTS), (*ROWS, ("Note", ""), ("Long", UNBROKEN))
    found = {
        "attachments": any_mail(attachments=names, on_behalf_of="omar@example.com"),
        "instead": any_mail(instead_of="otto@example.com"),
        "agent": any_mail(**BY_AGENT, attachments=names),
    }
    for kind in ("any", "all", "quorum"):
        found[f"rule-{kind}"] = any_mail(others=("otto@example.com",), rule=Rule(kind), title="Order", amount="250.00")
    found["chain"] = any_mail(level=(2, 3), trail=(Step("approve", NOW, "li@example.com", comment=COMMENT),))
    for stage in ("", "dev"):
        found[f"inbox-{stage or 'prod'}"] = any_inbox_mail(stage=stage)
        for occasion in ("requested", "reminder", "escalated", "answered", "revised"):
            left = timedelta(hours=5)
            mail = any_mail(kind=f"approval.{occasion}", stage=stage, details=details, left=left)
            found[f"{occasion}-{stage or 'prod'}"] = mail
    for status in ("approved", "rejected", "expired", "withdrawn", "returned"):
        found[f"told-{status}"] = any_told_mail(status)
    moots: dict[str, dict[str, Any]] = {
        "withdrawn": {"comment": COMMENT},
        "taken_back": {"by": ("otto@example.com",)},
        "reassigned": {"by": ("otto@example.com",), "comment": COMMENT},
    }
    for moot, said in moots.items():
        found[f"moot-{moot}"] = any_mail(kind="approval.moot", link="", moot=moot, **said)
    return found


def any_told_mail(status: str, **changes: Any) -> Message:
    """Return the mail that tells the requester a status, with changes."""
    decided = {"by": ("maria@example.com", "otto@example.com"), "comment": COMMENT}
    told = decided if status not in ("expired", "withdrawn") else {}
    link = f"https://api.example.com/request?t={TOKEN}"
    return any_mail(kind=f"approval.{status}", recipient="ana@example.com", link=link, **told | changes)


def every_chat() -> list[Any]:
    """Return the blocks of a long message in Slack, and each sentence that replaces a link."""
    tasks = (
        *(Task("o.approval", Status.DECIDED, NOW, outcome=each) for each in (Outcome.APPROVED, Outcome.REJECTED)),
        *(Task("o.approval", each, NOW) for each in (Status.OPEN, Status.EXPIRED, Status.CANCELLED)),
    )
    agents = any_mail(**BY_AGENT | {"details": ROWS * 200, "amount": "250.00 EUR"})
    return [*blocks_of(any_mail(details=ROWS * 200)), *blocks_of(agents), *map(closing_of, tasks)]
