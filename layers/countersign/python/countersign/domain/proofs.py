"""Proofs: the requests and the links of `countersign prove`, which runs the product's claims against a stage.

A request whose id begins with `prove-` comes from one role only and asks addresses of SES's mailbox simulator only. For
its tasks the same role may write review links, whose fingerprints begin with `prove-` too.
"""

from collections.abc import Mapping
from typing import Any

from countersign.domain.links import Link, Purpose

PREFIX = "prove-"
"""The beginning of the ids of proofs' requests and tasks, and of the tokens and fingerprints of their links."""

PROVIDER = "prove"
"""The provider that `countersign prove` signs events for; proofs' requests wait for its events, and no others do."""

WORKFLOWS = ("order-approval", "payment")
"""The workflows of proofs. Any other may act on its answers, and those to a proof are the operator's own."""

SIMULATOR = "simulator.amazonses.com"
"""The domain of SES's mailbox simulator, which delivers to nobody:
https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html."""


def is_proof(document: Mapping[str, Any]) -> bool:
    """Tell whether the body of `POST /requests` has the id of a proof, from any sender."""
    return str(document.get("request_id", "")).startswith(PREFIX)


def is_simulated(address: str) -> bool:
    """Tell whether an address is one of SES's mailbox simulator."""
    return address.casefold().rpartition("@")[2] == SIMULATOR


def may_write_to(address: str, task_id: str) -> bool:
    """Tell whether mails about a task may go to an address: those about tasks of proofs go to the simulator only."""
    return is_simulated(address) or not task_id.startswith(PREFIX)


def may_open(link: Link) -> bool:
    """Tell whether a link may open its task: the link of a proof opens tasks of proofs only, and no inbox."""
    is_proof = link.fingerprint.startswith(PREFIX)
    return not is_proof or (link.purpose is Purpose.REVIEW and link.task_id.startswith(PREFIX))
