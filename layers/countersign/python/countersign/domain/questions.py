"""Questions: what a workflow asks somebody outside. A task keeps its question as it was asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from countersign.domain.rules import Rule
from countersign.domain.strict_json import digest

# A host by its name, ASCII or punycode, with nobody's user info before it. Where the last label starts with a digit,
# browsers read an address in any base and show another one (https://url.spec.whatwg.org/#ends-in-a-number-checker), and
# a backslash is a slash to them: both are left out, so that a browser goes to the host that is read here.
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_LINK = re.compile(
    rf"https://(?P<host>(?:{_LABEL}\.)*(?=[A-Za-z]){_LABEL}(?::[0-9]{{1,5}})?)(?:[/?#][!-\[\]-~]*)?", re.ASCII
)


@dataclass(frozen=True)
class Attachment:
    """One document that lives elsewhere, named to the approver with a link that opens outside the kit's pages.

    Attributes:
        name: Its name in one line; the requester's words, which need not be true.
        url: Its https URL in ASCII, without user info.
    """

    name: str
    url: str

    @property
    def host(self) -> str:
        """Where the link leads, as its URL spells it, with its port; empty when no page may link to this URL."""
        link = _LINK.fullmatch(self.url)
        return link["host"] if link else ""


@dataclass(frozen=True)
class Escalation:
    """One more group that is asked when nobody has decided for a while.

    Attributes:
        after_seconds: When, counted from the opening.
        to: Their addresses.
    """

    after_seconds: int
    to: tuple[str, ...]


@dataclass(frozen=True)
class Correlation:
    """The task's identity at a provider.

    Attributes:
        provider: The provider's name in the settings.
        external_id: The provider's id for it.
        amount: The money that the task is about, in units of the currency; None without money.
        currency: ISO 4217 code; empty without an amount.
    """

    provider: str
    external_id: str
    amount: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True)
class Collecting:
    """Answers that are collected: one for each key, each replaceable until all are there.

    Attributes:
        key: The member of an answer that holds its key.
        required: The keys that must all be there.
    """

    key: str
    required: tuple[str, ...]

    def missing(self, received: tuple[str, ...]) -> tuple[str, ...]:
        """Return the keys that are not there yet, in order."""
        return tuple(name for name in self.required if name not in received)


@dataclass(frozen=True)
class Shown:
    """What a person is shown of a question.

    Attributes:
        title: One line that says what is asked, such as `Order 1001: 250.00 EUR`.
        details: What the approver must know, as label and value, in the order of the page.
        requester: E-mail address of the person who asks and may not answer; empty when nobody does.
        attachments: Documents that live elsewhere, shown as links that open outside, in the order of the page.
        amount: The money that is asked about, such as `250.00 EUR`, for channels; `details` show it on the page.
    """

    title: str
    details: tuple[tuple[str, str], ...]
    requester: str
    attachments: tuple[Attachment, ...] = field(default=(), kw_only=True)
    amount: str = field(default="", kw_only=True)

    def digest(self, submitted_by: str = "") -> str:
        """Return the SHA-256, in hex, of what is shown. An absent value leaves no trace in it.

        Args:
            submitted_by: The caller that submitted the request, which is shown too.
        """
        shown: dict[str, Any] = {
            "title": self.title,
            "details": [list(row) for row in self.details],
            "requester": self.requester,
        }
        if self.attachments:
            shown["attachments"] = [[attachment.name, attachment.url] for attachment in self.attachments]
        if self.amount:
            shown["amount"] = self.amount
        if submitted_by:
            shown["submitted_by"] = submitted_by
        return digest(shown)

    def to_envelope(self, recipients: tuple[str, ...]) -> dict[str, Any]:
        """Return what an envelope says to recipients."""
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
    """What a workflow asks; the same from the opening of its task to the end.

    Attributes:
        kind: Hand-off kind without its suffix: `approval`, `payment`, or the workflow author's own.
        rule: How many of the audience must agree.
        policy: Version of the policy that this follows; empty without a policy.
        elsewhere: Addresses of those who decide another task of the same chain, and may not decide this one too.
        payload: What a machine is told, as JSON text; empty for a question to people.
        answer_contract: Name of the schema that a machine's answer must keep; empty where any object will do.
        correlation: The task's identity at a provider; None without one.
        encrypted: Whether the answer is kept as ciphertext, which only the workflow can read.
        channels: Hand-off kinds, without suffix, of several machines that are asked at once, in place of `kind`; the
            first to answer wins.
        collecting: Which answers are collected until all are there; None where the first one is all.
    """

    title: str = ""
    details: tuple[tuple[str, str], ...] = ()
    requester: str = ""
    kind: str = ""
    rule: Rule = field(default_factory=Rule)
    policy: str = ""
    elsewhere: tuple[str, ...] = ()
    payload: str = ""
    answer_contract: str = ""
    correlation: Correlation | None = None
    encrypted: bool = False
    channels: tuple[str, ...] = ()
    collecting: Collecting | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Question":
        """Read the question from the document that the ledger keeps of its task; defaults are absent from it."""
        return cls(
            title=document.get("title", ""),
            details=tuple((label, value) for label, value in document.get("details", ())),
            requester=document.get("requester", ""),
            attachments=tuple(Attachment(each["name"], each["url"]) for each in document.get("attachments", ())),
            amount=document.get("amount", ""),
            kind=document.get("kind", ""),
            rule=Rule.from_document(document.get("rule")),
            policy=document.get("policy", ""),
            elsewhere=tuple(document.get("elsewhere", ())),
            payload=document.get("payload", ""),
            answer_contract=document.get("answer_contract", ""),
            correlation=_correlation(document["correlation"]) if document.get("correlation") else None,
            encrypted=document.get("encrypted", False),
            channels=tuple(document.get("channels", ())),
            collecting=_collecting(document["collecting"]) if document.get("collecting") else None,
        )


def _correlation(document: Mapping[str, Any]) -> Correlation:
    amount = document.get("amount")
    return Correlation(
        document["provider"],
        document["external_id"],
        None if amount is None else Decimal(amount),
        document["currency"],
    )


def _collecting(document: Mapping[str, Any]) -> Collecting:
    return Collecting(document["key"], tuple(document["required"]))
