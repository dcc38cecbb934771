"""A requester's acts: the contract of a revision, and the messages to the approvers."""

from dataclasses import replace
from typing import Any

import pytest

from countersign.contracts import envelope
from countersign.domain.errors import ContractError
from countersign.domain.tasks import Change
from countersign.domain.votes import resend_attempt
from countersign.presentation.display import visible
from countersign.services import rounds
from countersign.testing.builders import APPROVER, ATTACHMENTS, NOW, REQUESTER, any_exchange, any_task

RETURNED = any_task(send_back=True, amount="250.00 EUR", exchanges=(any_exchange(),), audit_seq=3)


def revised(document: dict[str, Any]) -> Change | None:
    return rounds.revised(RETURNED, REQUESTER, document, "", RETURNED.shown, "", NOW)


def test_every_approver_who_can_decide_gets_a_new_link_in_the_transaction_of_the_act() -> None:
    attempt = resend_attempt(RETURNED)
    answered = rounds.answered(RETURNED, REQUESTER, "The blue ones", RETURNED.shown, "", NOW)
    for change, kind in ((answered, "answered"), (revised({"title": "Chairs"}), "revised")):
        assert change
        sent = change.outbox[f"{kind}#{attempt}"]
        assert envelope.read(sent) == sent
        assert (sent["kind"], sent["attempt"], sent["task"]["recipients"]) == (f"approval.{kind}", attempt, [APPROVER])
        assert (sent["task"]["title"], change.events[0].data["attempt"]) == (change.after.question.title, attempt)


def test_absent_members_of_a_revision_stay_as_they_are() -> None:
    change = revised({"amount": "200"})
    assert change
    assert change.after.question == replace(
        RETURNED.question,
        amount="200.00 EUR",
        details=(("Order", "1001"), ("Amount", "200.00 EUR"), ("Description", "Twelve office chairs")),
    )


def test_a_revision_names_title_rows_and_attachments_as_a_request_does() -> None:
    documents = [{"name": attachment.name, "url": attachment.url} for attachment in ATTACHMENTS]
    change = revised({"title": "Chairs", "rows": [{"label": "Why", "value": "Backs"}], "attachments": documents})
    assert change
    question = change.after.question
    assert (question.title, question.details, question.attachments) == ("Chairs", (("Why", "Backs"),), ATTACHMENTS)
    assert question.amount == "250.00 EUR"


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        ({"title": " ", "amount": "0"}, ["/title", "/amount"]),
        ({"amount": "1.001"}, ["/amount"]),
        ({"rows": [{"label": "Why", "value": "x" * 20_000}] * 4}, [""]),
    ],
)
def test_a_revision_that_no_request_may_have_is_refused_by_place(document: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(ContractError) as caught:
        revised(document)
    assert [problem.pointer for problem in caught.value.problems] == pointers


def test_a_question_without_an_amount_gets_none() -> None:
    task = replace(RETURNED, question=replace(RETURNED.question, amount=""))
    with pytest.raises(ContractError, match="the question has no amount to lower"):
        rounds.revised(task, REQUESTER, {"amount": "1"}, "", task.shown, "", NOW)


@pytest.mark.parametrize("payee", ["Example GmbH\r\nBerlin", "شركة\u200f مثال", "A\tB", "Soft\u00adware"])
def test_a_fixed_row_comes_back_as_the_page_shows_it_and_stays_as_it_is(payee: str) -> None:
    details = (("Payee", payee), ("Why", "Backs"))
    task = any_task(send_back=True, exchanges=(any_exchange(),), details=details, fixed=("Payee",))
    rows = [{"label": "Payee", "value": visible(payee)}, {"label": "Why", "value": "Backs hurt"}]
    change = rounds.revised(task, REQUESTER, {"title": task.question.title, "rows": rows}, "", task.shown, "", NOW)
    assert change
    assert change.after.question.details == (("Payee", payee), ("Why", "Backs hurt"))
