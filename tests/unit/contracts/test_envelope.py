"""The hand-off envelope: one document for every channel, checked on both sides."""

import json
from typing import Any

import pytest

from countersign.contracts import envelope
from countersign.domain.errors import ContractError
from countersign.domain.questions import Attachment
from countersign.domain.rules import Decision
from countersign.domain.tasks import Vote
from countersign.testing.builders import (
    APPROVER,
    ATTACHMENTS,
    CALLBACK_ID,
    DETAILS,
    NOW,
    REQUESTER,
    TITLE,
    any_envelope,
    any_task,
    any_token,
)


def test_an_envelope_has_question_recipients_and_deadline() -> None:
    assert envelope.requested(any_task()) == {
        "version": 1,
        "kind": "approval.requested",
        "task_id": "order-1001.approval",
        "request_id": "order-1001",
        "workflow": "order-approval",
        "expires_at": "2026-03-01T10:00:00.000000Z",
        "attempt": 1,
        "task": {
            "title": TITLE,
            "details": [{"label": label, "value": value} for label, value in DETAILS],
            "requester": REQUESTER,
            "recipients": [APPROVER],
        },
    }


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


def test_an_envelope_for_people_holds_neither_callback_nor_token() -> None:
    written = json.dumps(envelope.requested(any_task()))
    assert CALLBACK_ID not in written
    assert "callback" not in envelope.requested(any_task())
    assert any_token() not in written


def test_an_envelope_parses_to_itself() -> None:
    written = envelope.requested(any_task())
    assert envelope.read(json.loads(json.dumps(written))) == written


def test_a_task_without_a_valid_envelope_is_not_handed_off() -> None:
    with pytest.raises(ContractError):
        envelope.requested(any_task(kind="Not A Kind"))


@pytest.mark.parametrize("document", [None, [], {}, any_envelope(version=2), any_envelope(callback={"token": "t"})])
def test_a_document_that_is_not_an_envelope_is_refused(document: Any) -> None:
    with pytest.raises(ContractError):
        envelope.read(document)
