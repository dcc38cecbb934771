"""`make demo`, for each of its answers."""

from __future__ import annotations

import pytest

from local.demo import demo
from local.demo.demo import OUTCOMES, Approval, DemoError, Payment
from operate.embedded.cloud import Cloud


def test_the_demo_ends_as_it_was_answered(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(demo._DEADLINES, "expire", 8)  # by then, the first run has started every function
    for answer, end in (("approve", "decision"), ("expire", "deadline")):
        assert Approval(cloud=cloud, answer=answer, request_id=f"demo-{answer}").run()["status"] == OUTCOMES[answer]
        printed = capsys.readouterr().out
        steps = ["request", "task", "mail", "waiting", end, "resumed", "result"]
        assert [printed.index(f" {step} ") for step in steps] == sorted(printed.index(f" {step} ") for step in steps)


def test_the_demo_of_a_payment_shows_each_step(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    result = Payment(cloud=cloud, request_id="demo-payment").run()
    assert (result["status"], result["amount"]) == ("paid", "1249.90")
    printed = capsys.readouterr().out
    steps = ["request", "task", "hand-off", "waiting", "webhook", "decision", "resumed", "result"]
    assert [printed.index(f" {step} ") for step in steps] == sorted(printed.index(f" {step} ") for step in steps)
    assert "payment.pending → 202 pending" in printed
    assert "payment.paid → 200 recorded" in printed


def test_the_demo_fails_when_the_workflow_has_another_result(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OUTCOMES, "reject", "approved")
    with pytest.raises(DemoError, match="ended 'rejected'"):
        Approval(cloud=cloud, answer="reject", request_id="demo-otherwise").run()


def test_the_demo_reports_a_refusal_of_the_api(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Approval, "_input", lambda _: {})
    with pytest.raises(DemoError, match="POST /requests answered 400 contract"):
        Approval(cloud=cloud, answer="approve", request_id="demo-refused").run()
