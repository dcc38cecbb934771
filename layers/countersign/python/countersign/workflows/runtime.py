"""A workflow's runtime: its ports, and the settings of its function's version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from countersign.composition import Ports, once
from countersign.domain.clock import Clock
from countersign.domain.policy import Policy, Terms
from countersign.domain.requests import EXECUTION_MARGIN
from countersign.services.waits import Waits

if TYPE_CHECKING:
    from countersign.domain.questions import Correlation
    from countersign.ports import Cipher, Directory, HandOff, Ledger, PaymentLooks


@dataclass(frozen=True)
class Runtime:
    """The ports of one workflow function.

    Attributes:
        workflow: The workflow's name.
        execution_timeout: How long Lambda lets an execution live.
        ledger: The ledger.
        hand_off: The hand-off bus.
        directory: The directory of people.
        clock: The time, read in steps only.
        callbacks_url: URL at which machines answer.
        key: Decrypts encrypted answers; None if the workflow has none.
        policy: Who approves which amount; None if requests say so. A version of the function has a fixed policy, so
            an execution keeps the policy under which it was started.
        operators: People who resolve held payments; empty in other workflows. Fixed in the version, too.
        audit_keep: How long the audit of a task is kept after its latest deadline; None for good.
        looks: The function that asks providers for payments; None if the workflow asks none.
        asked: The names of the providers that it asks.
    """

    workflow: str
    execution_timeout: timedelta
    ledger: Ledger
    hand_off: HandOff
    directory: Directory
    clock: Clock
    callbacks_url: str = ""
    key: Cipher | None = None
    policy: Policy | None = None
    operators: tuple[str, ...] = ()
    audit_keep: timedelta | None = None
    looks: PaymentLooks | None = None
    asked: tuple[str, ...] = ()

    @property
    def waits(self) -> Waits:
        """The bodies of this workflow's steps."""
        return Waits(
            self.ledger,
            self.hand_off,
            self.directory,
            self.clock,
            self.workflow,
            self.callbacks_url,
            self.audit_keep,
        )

    @property
    def cipher(self) -> Cipher:
        """Decrypts encrypted answers.

        Raises:
            LookupError: The function was deployed without a key.
        """
        if self.key is None:
            raise LookupError("the function has no ANSWERS_KEY; give its workflow `encrypted = true` in the settings")
        return self.key

    def look(self, payment: Correlation) -> dict[str, str]:
        """Ask the provider for a payment, and return what it said, or why it did not; the ledger has the effect."""
        # Imported here, because every cold start of a workflow would pay for it.
        from countersign.domain.errors import LookFailedError

        assert self.looks, "only a payment of an asked provider is looked at"
        try:
            return dict(self.looks.look(payment.provider, payment.external_id, payment.lookup_id))
        except LookFailedError as error:
            return {"failed": error.reason}

    def bounded(self, deadline_seconds: int) -> int:
        """Return a deadline in seconds from the start, cut so that the execution can act on it before its timeout."""
        return min(deadline_seconds, int((self.execution_timeout - EXECUTION_MARGIN).total_seconds()))

    def terms(self, amount: Decimal | None, currency: str) -> Terms:
        """Return the policy's terms for an amount; without a policy, terms that change nothing.

        Args:
            amount: In units of the currency; None for a request without an amount.
            currency: ISO 4217 code.

        Raises:
            UncoveredAmountError: There is a policy, and it does not cover the amount, or a request without one.
        """
        return self.policy.terms(amount, currency) if self.policy else Terms()


@once
def current(ports: Ports) -> Runtime:
    """Return this function's runtime, for example for `current().terms(amount, currency)`.

    Raises:
        MissingSettingError: The environment lacks a variable, or the function a table.
    """
    environment = ports.environment
    return Runtime(
        workflow=environment.text("WORKFLOW"),
        execution_timeout=environment.seconds("EXECUTION_TIMEOUT_SECONDS"),
        ledger=ports.ledger,
        hand_off=ports.hand_off,
        directory=ports.directory,
        clock=ports.clock,
        key=ports.cipher,
        callbacks_url=f"{environment.base_url}/callbacks",
        policy=Policy.from_document(rows) if (rows := environment.table("policy")) else None,
        operators=tuple(environment.table("operators")),
        looks=ports.looks if (asked := environment.text("LOOKS_PROVIDERS", "")) else None,
        asked=tuple(asked.split(",")),
        audit_keep=timedelta(days=int(days)) if (days := environment.text("AUDIT_KEEP_DAYS", "")) else None,
    )
