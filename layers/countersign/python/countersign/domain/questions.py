"""Questions that a workflow asks somebody outside.

A task keeps its question unchanged, but for the content, which the requester may revise.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypedDict

from countersign.domain.rules import Rule
from countersign.domain.strict_json import digest

COMMENT_RULES = ("required", "required_on_reject")
"""Which votes need a comment: all, or rejections only."""

CONTENT = ("title", "details", "attachments", "amount")
"""The attributes of a question that its requester may revise."""

# A host name in ASCII or punycode, without user info. Browsers read a last label that starts with a digit as an
# address in any base (https://url.spec.whatwg.org/#ends-in-a-number-checker), and a backslash as a slash. Both are
# refused, so that a browser goes to the host that a person reads here.
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_LINK = rf"https://(?P<host>(?:{_LABEL}\.)*(?=[A-Za-z]){_LABEL}(?::[0-9]{{1,5}})?)(?:[/?#][!-\[\]-~]*)?"


class Person(TypedDict, total=False):
    """What the directory says about a person who reads pages and messages; absent where it says nothing.

    Attributes:
        name: Their name, as people call them.
        language: The tag of their language, such as `de`.
        time_zone: Their IANA time zone, such as `Europe/Berlin`.
    """

    name: str
    language: str
    time_zone: str


@dataclass(frozen=True)
class Attachment:
    """A document that is stored elsewhere; the approver gets a link to it.

    Attributes:
        name: Its name in one line, in the requester's words.
        url: Its https URL in ASCII, without user info.
    """

    name: str
    url: str

    @property
    def host(self) -> str:
        """The host of the URL, with its port; empty if no page may link to this URL."""
        link = re.fullmatch(_LINK, self.url, re.ASCII)
        return link["host"] if link else ""


@dataclass(frozen=True)
class Correlation:
    """The task's identity at a provider.

    Attributes:
        provider: The provider's name in the settings.
        external_id: The provider's id for it.
        amount: The expected amount, in units of the currency; None without money.
        currency: ISO 4217 code; empty without an amount.
        lookup_id: The id by which the provider's API reads it, such as a payment link; empty if it is the external id.
    """

    provider: str
    external_id: str
    amount: Decimal | None = None
    currency: str = ""
    lookup_id: str = ""


@dataclass(frozen=True)
class Collecting:
    """Which answers are collected: one for each key. Each can be replaced until all are there.

    Attributes:
        key: The member of an answer that holds its key.
        required: The keys of all required answers.
    """

    key: str
    required: tuple[str, ...]

    def missing(self, received: tuple[str, ...]) -> tuple[str, ...]:
        """Return the keys that are not there yet, in order."""
        return tuple(name for name in self.required if name not in received)


@dataclass(frozen=True)
class Shown:
    """What the page and the message show of a question.

    Attributes:
        title: The question in one line, such as `Order 1001`; without the amount, which is shown beside it.
        details: Rows of label and value, in the order of the page.
        requester: E-mail address of the requester, who may not decide; empty without one.
        attachments: Documents that are stored elsewhere, in the order of the page.
        amount: The amount, such as `250.00 EUR`, which is shown first and alone.
        on_behalf_of: The person or group for whom the requester asks: an e-mail address, whose owner may not decide, or
            a name; empty for the requester.
        agent: The ARN of the role of the AI agent that asks in place of a requester. Title, details, attachments and
            `on_behalf_of` are its words, and are shown as such. Empty for a person.
    """

    title: str
    details: tuple[tuple[str, str], ...]
    requester: str
    attachments: tuple[Attachment, ...] = field(default=(), kw_only=True)
    amount: str = field(default="", kw_only=True)
    on_behalf_of: str = field(default="", kw_only=True)
    agent: str = field(default="", kw_only=True)

    @property
    def requesters(self) -> tuple[str, ...]:
        """The requester, and the person for whom they ask: both may not decide."""
        return tuple(filter(None, (self.requester, self.on_behalf_of)))

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """The details without the row `Amount` that only repeats the amount."""
        return tuple(row for row in self.details if row != ("Amount", self.amount))

    def digest(self, submitted_by: str = "", number: int = 1) -> str:
        """Return the SHA-256, in hex, of what the page shows. Absent values do not change it.

        Args:
            submitted_by: The caller who submitted the request, which is shown too.
            number: Number of the round. No two rounds have the same digest, even with the same content.
        """
        shown: dict[str, Any] = {
            "title": self.title,
            "details": [list(row) for row in self.details],
            "requester": self.requester,
        }
        if self.attachments:
            shown["attachments"] = [[attachment.name, attachment.url] for attachment in self.attachments]
        if self.on_behalf_of:
            shown["on_behalf_of"] = self.on_behalf_of
        if self.agent:
            shown["agent"] = self.agent
        if submitted_by:
            shown["submitted_by"] = submitted_by
        if number > 1:  # the workflow acts on the amount of a revision
            shown |= {"round": number, "amount": self.amount}
        return digest(shown)

    def to_envelope(self, recipients: tuple[str, ...]) -> dict[str, Any]:
        """Return the part of an envelope that recipients read."""
        content: dict[str, Any] = {
            "title": self.title,
            "details": [{"label": label, "value": value} for label, value in self.details],
            "requester": self.requester,
            "recipients": list(recipients),
        }
        if self.attachments:
            content["attachments"] = [{"name": item.name, "url": item.url} for item in self.attachments]
        return content


@dataclass(frozen=True)
class Question(Shown):
    """A question of a workflow. All but title, details, attachments and amount is unchanged until its task's end.

    Attributes:
        kind: Hand-off kind without its suffix: `approval`, `payment`, or the workflow author's own.
        rule: How many of the audience must agree.
        policy: Version of the policy that applies; empty without one.
        earlier: The votes of the chain's earlier levels, each with address, decision, comment and time.
        elsewhere: Addresses of people who decide another level of the same chain, and may not decide this one too.
        continues: Whether an approval leads to the next level of a chain, so that it is not the request's outcome.
        payload: The content for a machine, as JSON text; empty for a question to people.
        answer_contract: Name of the schema that a machine's answer must keep; empty to accept any object.
        correlation: The task's identity at a provider; None without one.
        encrypted: Whether the answer is kept as ciphertext, which only the workflow can read.
        channels: Hand-off kinds, without suffix, of several machines that are asked at once, in place of `kind`. The
            first answer counts.
        collecting: Which answers are collected until all are there; None if the first answer is enough.
        acknowledge: Whether every answer has the same effect, so that the page informs and has one button.
        confirm: Whether a vote counts only after its page has asked for confirmation.
        comment: Which votes need a comment, one of `COMMENT_RULES`; empty for none.
        send_back: Whether approvers may send the request back to its requester.
        people: The directory's entries, at the opening, of the people in the task, by normalised address.
        fixed: The labels of rows that a revision keeps as they are, such as the payee.
        floor: The amount above which a revision stays, because another row of the policy covers it and less; None
            without such a row.
        irrevocable: Whether the machine may have acted, such as moved money, before it answers: from the
            hand-off on, the request can be cancelled only if the machine fails.
    """

    title: str = ""
    details: tuple[tuple[str, str], ...] = ()
    requester: str = ""
    kind: str = ""
    rule: Rule = field(default_factory=Rule)
    policy: str = ""
    earlier: tuple[tuple[str, str, str, str], ...] = ()
    elsewhere: tuple[str, ...] = ()
    continues: bool = False
    payload: str = ""
    answer_contract: str = ""
    correlation: Correlation | None = None
    encrypted: bool = False
    channels: tuple[str, ...] = ()
    collecting: Collecting | None = None
    acknowledge: bool = False
    confirm: bool = False
    comment: str = ""
    send_back: bool = False
    people: Mapping[str, Person] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    floor: Decimal | None = None
    irrevocable: bool = False

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Question":
        """Read the question from the document that the ledger keeps of its task; defaults are absent from it."""
        return cls(
            title=document.get("title", ""),
            details=tuple((label, value) for label, value in document.get("details", ())),
            requester=document.get("requester", ""),
            attachments=tuple(Attachment(each["name"], each["url"]) for each in document.get("attachments", ())),
            amount=document.get("amount", ""),
            on_behalf_of=document.get("on_behalf_of", ""),
            agent=document.get("agent", ""),
            kind=document.get("kind", ""),
            rule=Rule.from_document(document.get("rule")),
            policy=document.get("policy", ""),
            earlier=tuple((by, decision, comment, at) for by, decision, comment, at in document.get("earlier", ())),
            elsewhere=tuple(document.get("elsewhere", ())),
            continues=document.get("continues", False),
            payload=document.get("payload", ""),
            answer_contract=document.get("answer_contract", ""),
            correlation=_correlation(document["correlation"]) if document.get("correlation") else None,
            encrypted=document.get("encrypted", False),
            channels=tuple(document.get("channels", ())),
            collecting=_collecting(document["collecting"]) if document.get("collecting") else None,
            acknowledge=document.get("acknowledge", False),
            confirm=document.get("confirm", False),
            comment=document.get("comment", ""),
            send_back=document.get("send_back", False),
            people=document.get("people", {}),
            fixed=tuple(document.get("fixed", ())),
            floor=Decimal(document["floor"]) if document.get("floor") else None,
            irrevocable=document.get("irrevocable", False),
        )

    def needs_comment(self, decision: str) -> bool:
        """Tell whether a vote needs a comment."""
        return self.comment == "required" or (self.comment == "required_on_reject" and decision == "reject")


def _correlation(document: Mapping[str, Any]) -> Correlation:
    amount = document.get("amount")
    return Correlation(
        document["provider"],
        document["external_id"],
        None if amount is None else Decimal(amount),
        document["currency"],
        document.get("lookup_id", ""),
    )


def _collecting(document: Mapping[str, Any]) -> Collecting:
    return Collecting(document["key"], tuple(document["required"]))
