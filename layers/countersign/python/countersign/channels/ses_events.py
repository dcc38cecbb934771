"""Amazon SES's events about mails, and the message tags by which they name their task.

The contents of the events:
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from countersign.domain.identity import normalise
from countersign.domain.mails import MailReport
from countersign.domain.tasks import task_id_of
from countersign.providers.documents import Document

SOURCE = "aws.ses"
"""The `source` of the events. AWS refuses events of others with this source."""

DETAIL_TYPES = ("Email Bounced", "Email Complaint Received", "Email Rejected", "Email Delivery Delayed")
"""The events that `read` understands."""

_REQUEST, _WAIT = "countersign_request", "countersign_wait"

_LONGEST_ADDRESS = 320

_CODE = re.compile(r"[A-Za-z0-9 ._-]{1,40}")
"""A code of SES or of a mail server. It is shorter than a token, so no token can pass for a code."""

_READ: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "Bounce": ("bounced", "/bounce/bounceType", ("/bounce/bounceSubType", "/bounce/bouncedRecipients")),
    "Complaint": ("complained", "/complaint/complaintFeedbackType", ("/complaint/complaintSubType",)),
    "Reject": ("mail_rejected", "", ("/reject/reason",)),
    "DeliveryDelay": ("delayed", "/deliveryDelay/delayType", ("/deliveryDelay/delayedRecipients",)),
}
"""For each type of event: its audit entry, the pointer to its kind, and the pointers to its codes."""


def tags_of(task_id: str) -> list[dict[str, str]]:
    """Return the tags of a mail about a task.

    SES accepts at most 256 letters, digits, `_` and `-` as a value. A request id fits; the name of a wait is encoded as
    base64url.
    """
    request_id, _, name = task_id.partition(".")
    encoded = urlsafe_b64encode(name.encode()).decode().rstrip("=")
    return [{"Name": _REQUEST, "Value": request_id}, {"Name": _WAIT, "Value": encoded}]


def read(detail: Document) -> MailReport | None:
    """Return the report in an event; None for another type of event, or for mail that is not the kit's.

    The kit's mail is about a task and goes to one person. Anybody with the right to send mail can set the tags.

    Raises:
        ContractError: The event does not have the form that SES documents.
    """
    event, kind, codes = _READ.get(detail.text("/eventType"), ("", "", ()))
    request_id, wait = (_tag(detail, name) for name in (_REQUEST, _WAIT))
    # The mail's own recipient: a mail server that forwards it reports another address.
    people = detail.each("/mail/destination")
    if not (event and request_id and wait and len(people) == 1):
        return None
    return MailReport(
        event=event,
        task_id=task_id_of(request_id, wait),
        recipient=normalise(people[0].text("", _LONGEST_ADDRESS)),
        message_id=detail.text("/mail/messageId"),
        kind=_code(detail, kind).lower(),
        reason=" ".join(filter(None, (_code(detail, pointer) for pointer in codes))),
    )


def _tag(detail: Document, name: str) -> str:
    """Return the value of a tag, decoded; empty without one."""
    found = detail.find(f"/mail/tags/{name}")
    value = found[0] if isinstance(found, list) and found and isinstance(found[0], str) else ""
    if name == _REQUEST:
        return value
    try:
        return urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    except ValueError as error:
        raise detail.refusal("must be base64url", f"/mail/tags/{name}") from error


def _code(detail: Document, pointer: str) -> str:
    """Return the code at a pointer, or the status of the first recipient in a list; empty if it is not a code."""
    found = detail.find(pointer) if pointer else None
    if isinstance(found, list):
        found = found[0].get("status") if found and isinstance(found[0], dict) else None
    return found if isinstance(found, str) and _CODE.fullmatch(found) else ""
