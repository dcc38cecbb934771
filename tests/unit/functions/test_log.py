"""Log lines: their form, which queries and log filters read."""

import json

import pytest

from countersign.functions.log import logger
from countersign.functions.telemetry import about


def test_a_line_has_fields_of_powertools(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "review")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
    about(task_id="order-1001.approval")
    logger.warning("page refused", status=404, reason=None, kind=ValueError)
    about()
    line = json.loads(capsys.readouterr().out)
    assert line.pop("location").startswith("test_a_line_has_fields_of_powertools:")
    assert len(line.pop("timestamp")) == len("2026-03-01 09:00:00,000+0000")
    assert list(line.items()) == [
        ("level", "WARNING"),
        ("message", "page refused"),
        ("service", "review"),
        ("request_id", "order-1001"),
        ("task_id", "order-1001.approval"),
        ("status", 404),
        ("kind", "<class 'ValueError'>"),
        ("xray_trace_id", "1-5759e988-bd862e3fe1be46a994272793"),
    ]


def test_a_line_has_no_trace_that_nobody_can_look_up(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0")
    logger.info("clicked")
    assert "xray_trace_id" not in json.loads(capsys.readouterr().out)
