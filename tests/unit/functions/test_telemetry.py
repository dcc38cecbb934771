"""Metrics: their form in the log, and their number of lines."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from countersign.functions.telemetry import NO_STAGE, count, in_one_line, took


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_STAGE", "countersign-dev")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Countersign")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_metrics_of_a_block_are_one_line_even_if_it_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with suppress(LookupError), in_one_line():
        for seconds in (1, 2):
            count("TaskDecided")
            count("RequestsFailed", 0)
            took("TimeToDecision", timedelta(seconds=seconds))
        raise LookupError
    (line,) = lines(capsys)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Countersign", [["service", "stage"]])
    assert directive["Metrics"] == [
        {"Name": "TaskDecided", "Unit": "Count"},
        {"Name": "TimeToDecision", "Unit": "Seconds"},
    ]
    assert (line["TaskDecided"], line["TimeToDecision"], line["stage"]) == ([2], [1.0, 2.0], "countersign-dev")


def test_a_block_without_metrics_writes_nothing_and_outside_of_blocks_each_metric_is_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with in_one_line():
        pass
    assert lines(capsys) == []
    count("MailsSent", 3)
    count("MailsSent")
    assert [line["MailsSent"] for line in lines(capsys)] == [[3], [1]]


def test_a_block_within_another_writes_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with in_one_line():
        with in_one_line():
            pass  # empty, as the outer one still is
        count("MailsSent")
    assert [line["MailsSent"] for line in lines(capsys)] == [[1]]


def test_a_function_outside_a_stage_counts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("METRICS_STAGE")
    count("MailsSent")
    assert [line["stage"] for line in lines(capsys)] == [NO_STAGE]
