"""The hand-off envelope: one document for every channel, checked on both sides."""

from typing import Any

import pytest

from countersign.contracts import envelope
from countersign.domain.errors import ContractError
from countersign.domain.questions import Attachment
from countersign.domain.rules import Decision
from countersign.domain.tasks import Vote
from countersign.testing.builders import APPROVER, ATTACHMENTS, DETAILS, NOW, REQUESTER, TITLE, any_envelope, any_task


def test_an_envelope_has_question_recipients_and_deadline() -> None:
    task = {
        "title": TITLE,
        "details": [{"label": label, "value": value} for label, value in DETAILS],
        "requester": REQUESTER,
        "recipients": [APPROVER],
    }
    assert envelope.requested(any_task()) == any_envelope(task=task)


def test_an_envelope_has_the_attachments_of_its_task() -> None:
    task = any_task(attachments=ATTACHMENTS)
    documents = [{"name": attachment.name, "url": attachment.url} for attachment in ATTACHMENTS]
    for handed_off in (envelope.requested(task), envelope.reminder(task), envelope.escalated(task, (APPROVER,))):
        assert handed_off["task"]["attachments"] == documents
    assert "attachments" not in envelope.requested(any_task())["task"]


def test_an_attachment_without_an_https_url_is_not_handed_off() -> None:
    with pytest.raises(ContractError):
        envelope.requested(any_task(attachments=(Attachment("Offer.pdf", "javascript:alert(1)"),)))


def test_a_reminder_goes_to_voters_without_a_vote() -> None:
    voted = any_task(
        audience=("a@example.com", "b@example.com", REQUESTER), votes={"a@example.com": Vote(Decision.APPROVE, "", NOW)}
    )
    assert envelope.reminder(voted)["task"]["recipients"] == ["b@example.com"]


@pytest.mark.parametrize("document", [None, [], {}, any_envelope(version=2), any_envelope(callback={"token": "t"})])
def test_a_document_that_is_not_an_envelope_is_refused(document: Any) -> None:
    with pytest.raises(ContractError):
        envelope.read(document)
