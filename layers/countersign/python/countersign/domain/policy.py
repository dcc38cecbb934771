"""Policies: who approves an amount, by which rule and until when. An amount that no row covers is refused.

A policy's document is the list of its rows under `[[policies.<workflow>]]` in `settings/<stage>.toml`, which the synth
has checked: the rows of one currency ascend by `up_to`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from countersign.domain.errors import ContractError, UncoveredAmountError
from countersign.domain.identity import NO_ALIASES, Aliases
from countersign.domain.people import requesters_in, undecidable
from countersign.domain.rules import Rule
from countersign.domain.strict_json import digest

POLICY_ACTOR = "policy"
"""The decider of a task that a policy approves without asking anybody."""

ASK_AGAIN_SECONDS = 86_400
"""How long an AI agent waits after a rejection, unless a row says otherwise: a day."""

_VERSION_DIGITS = 12


@dataclass(frozen=True)
class Escalation:
    """Further people who are asked if there is no decision for a while.

    Attributes:
        after_seconds: When they are asked, in seconds from the opening.
        to: Their e-mail addresses.
    """

    after_seconds: int
    to: tuple[str, ...]


@dataclass(frozen=True)
class Terms:
    """A policy's terms for one amount. For None, the request's own value applies.

    Attributes:
        policy: Version of the policy; empty without one.
        auto_approve: Whether the amount is approved without asking anybody.
        approvers: The people who may approve it.
        rule: How many of them must agree.
        deadline_seconds: The longest time that the request may take, in seconds.
        reminders_seconds: When to remind, in seconds from the opening.
        escalations: Whom to ask in addition, and when.
        confirm: Whether a vote counts only after its page has asked for confirmation.
        comment: Which votes need a comment: `required` for all, `required_on_reject` for rejections; empty for none.
        send_back: Whether approvers may send the request back to its requester, where the workflow allows it.
        floor: The amount that a lower row of the policy covers, and everything below; None without such a row.
        ask_again_seconds: How long an AI agent waits after a rejection before it may ask the same again, in seconds.
    """

    policy: str = ""
    auto_approve: bool = False
    approvers: tuple[str, ...] | None = None
    rule: Rule | None = None
    deadline_seconds: int | None = None
    reminders_seconds: tuple[int, ...] | None = None
    escalations: tuple[Escalation, ...] = ()
    confirm: bool = False
    comment: str = ""
    send_back: bool = True
    floor: Decimal | None = None
    ask_again_seconds: int = ASK_AGAIN_SECONDS

    def audience(
        self, named: tuple[str, ...], requesters: Sequence[str], aliases: Aliases = NO_ALIASES
    ) -> tuple[str, ...]:
        """Return the people to ask.

        Args:
            named: The approvers that the request names.
            requesters: The requester, and the person for whom they ask: their votes never count.
            aliases: The aliases of all of them.

        Raises:
            ContractError: They could never approve the amount by the policy's rule, or there is nobody to ask.
        """
        people = named if self.approvers is None else self.approvers
        if not people and not self.auto_approve:
            raise ContractError("names nobody, and neither does the policy", "/input/approvers")
        if self.rule is None or self.auto_approve:
            return people
        if reason := undecidable(people, requesters, self.rule, aliases):
            raise ContractError(f"by policy, {reason}", "/input/approvers")
        return people


@dataclass(frozen=True)
class Band:
    """The amounts of one currency with the same terms: above the previous band, up to its own bound.

    Attributes:
        currency: ISO 4217 code; None for requests without an amount.
        up_to: The largest amount, inclusive; None without a bound.
        terms: Their terms.
    """

    currency: str | None
    up_to: Decimal | None
    terms: Terms

    def reaches(self, amount: Decimal, currency: str | None) -> bool:
        """Tell whether an amount is in this band or a lower one."""
        return currency == self.currency and (self.up_to is None or amount <= self.up_to)

    def __str__(self) -> str:
        if self.currency is None:
            return "requests without an amount"
        return f"{self.currency} of any amount" if self.up_to is None else f"{self.currency} up to {self.up_to:f}"


@dataclass(frozen=True)
class Policy:
    """The policy of one workflow.

    Attributes:
        version: First 12 hex digits of the SHA-256 of its canonical document, so every change makes a new version.
        bands: Its rows; those of one currency ascend.
    """

    version: str
    bands: tuple[Band, ...]

    @classmethod
    def from_document(cls, document: Sequence[Mapping[str, Any]]) -> "Policy":
        """Read a policy's rows, which the synth has checked."""
        version = digest(list(document))[:_VERSION_DIGITS]
        return cls(version, tuple(_band(row, version) for row in document))

    def terms(self, amount: Decimal | None, currency: str) -> Terms:
        """Return the terms for an amount.

        Args:
            amount: In units of the currency; None if the request has none.
            currency: ISO 4217 code; empty without an amount.

        Raises:
            UncoveredAmountError: No row covers it.
        """
        return self._terms(Decimal(0), None) if amount is None else self._terms(amount, currency)

    def _terms(self, amount: Decimal, currency: str | None) -> Terms:
        if amount.is_finite() and amount >= 0:
            floor = None
            for band in self.bands:
                if band.reaches(amount, currency):
                    return replace(band.terms, floor=floor)
                floor = band.up_to if band.currency == currency else floor
        raise UncoveredAmountError(self._coverage())

    def check(self, document: Mapping[str, Any], aliases: Aliases = NO_ALIASES) -> None:
        """Refuse a request that the policy does not cover, before its workflow starts.

        Args:
            document: The request's input: `amount` as a decimal string and `currency`; `approvers` and the requesters
                if the workflow has them.
            aliases: The aliases of approvers and requester.

        Raises:
            UncoveredAmountError: No row covers the amount, or a request without one.
            ContractError: The approvers could never approve the amount by the policy's rule.
        """
        terms = self._terms_for(document)
        if "approvers" in document:
            terms.audience(tuple(document["approvers"]), requesters_in(document), aliases)

    def ask_again_seconds(self, document: Mapping[str, Any]) -> int:
        """Return how long an AI agent waits after a rejection before it may ask the same again, in seconds.

        Raises:
            UncoveredAmountError: As `asks` raises.
        """
        return self._terms_for(document).ask_again_seconds

    def asks(self, document: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the people whom the policy itself asks about a request, in place of its approvers and later.

        Raises:
            UncoveredAmountError: No row covers the amount, or a request without one.
        """
        terms = self._terms_for(document)
        return (*(terms.approvers or ()), *(person for each in terms.escalations for person in each.to))

    def _terms_for(self, document: Mapping[str, Any]) -> Terms:
        try:
            amount = None if document.get("amount") is None else Decimal(str(document["amount"]))
        except InvalidOperation as error:
            raise UncoveredAmountError(self._coverage()) from error
        return self.terms(amount, str(document.get("currency") or ""))

    def _coverage(self) -> tuple[str, ...]:
        highest = {band.currency: str(band) for band in self.bands}
        return tuple(highest.values())


def _band(row: Mapping[str, Any], version: str) -> Band:
    up_to = row.get("up_to")
    return Band(row.get("currency"), None if up_to is None else Decimal(up_to), _terms(row, version))


def _terms(row: Mapping[str, Any], version: str) -> Terms:
    # A policy that names approvers also sets the rule: a request's own quorum could be larger than their number.
    governed = "rule" in row or "approvers" in row
    return Terms(
        policy=version,
        auto_approve=row.get("auto_approve", False),
        approvers=tuple(row["approvers"]) if "approvers" in row else None,
        rule=Rule.from_document(row.get("rule")) if governed else None,
        deadline_seconds=row.get("deadline_seconds"),
        reminders_seconds=tuple(row["reminders_seconds"]) if "reminders_seconds" in row else None,
        escalations=tuple(Escalation(item["after_seconds"], tuple(item["to"])) for item in row.get("escalations", ())),
        confirm=row.get("confirm", False),
        comment=row.get("comment", ""),
        send_back=row.get("send_back", True),
        ask_again_seconds=row.get("ask_again_seconds", ASK_AGAIN_SECONDS),
    )
