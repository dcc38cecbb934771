"""`make demo`, for each of its answers."""

from __future__ import annotations

import pytest

from local.demo import demo
from local.demo.demo import OUTCOMES, DemoError, OrderApproval, Payment
from operate.embedded.cloud import Cloud
from operate.embedded.http import Answer


def test_the_demo_ends_as_it_was_answered(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(demo._DEADLINES, "expire", 8)  # by then, the first run has started every function
    for answer, end in (("approve", "decision"), ("expire", "deadline")):
        result = OrderApproval(cloud=cloud, answer=answer, request_id=f"demo-{answer}").run()
        assert result["status"] == OUTCOMES[answer]
        told = capsys.readouterr().out
        steps = ["request", "task", "mail", "waiting", end, "resumed", "result"]
        assert [told.index(f" {step} ") for step in steps] == sorted(told.index(f" {step} ") for step in steps)


def test_the_demo_of_a_payment_shows_it_settle(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    result = Payment(cloud=cloud, request_id="demo-payment").run()
    assert (result["status"], result["amount"]) == ("paid", "1249.90")
    told = capsys.readouterr().out
    steps = ["request", "task", "hand-off", "waiting", "webhook", "decision", "resumed", "result"]
    assert [told.index(f" {step} ") for step in steps] == sorted(told.index(f" {step} ") for step in steps)
    assert "payment.pending → 202 pending" in told
    assert "payment.paid → 200 recorded" in told


def test_the_demo_fails_when_the_workflow_ends_otherwise(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OUTCOMES, "reject", "approved")
    with pytest.raises(DemoError, match="ended 'rejected'"):
        OrderApproval(cloud=cloud, answer="reject", request_id="demo-otherwise").run()


def test_the_demo_tells_what_the_api_refused(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from email.message import Message

    refusal = Answer(503, Message(), "not today")
    monkeypatch.setattr("local.client.RequestsApi.submit", lambda *_: refusal)
    with pytest.raises(DemoError, match="503 instead of 202: not today"):
        OrderApproval(cloud=cloud, answer="approve", request_id="demo-refused").run()
