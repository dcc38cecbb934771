"""`python -m countersign`: what an operator may do, and what the audit says of it."""

from datetime import timedelta

import pytest

from countersign import __main__ as program
from countersign.domain.clock import to_text
from tests.builders import TASK_ID
from tests.integration.conftest import TABLE, Kit


def extend(*, by: int, task_id: str = TASK_ID) -> int:
    return program.main(["extend", task_id, "--by", str(by), "--table", TABLE])


def test_an_operator_extends_a_deadline_and_the_audit_names_them(kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    before = kit.open_task()
    assert extend(by=3600) == 0
    after = kit.task()
    assert after.expires_at == before.expires_at + timedelta(hours=1)
    assert capsys.readouterr().out == f"{TASK_ID} is open until {to_text(after.expires_at)}\n"
    entry = kit.audit()[-1].event
    assert (entry.event, entry.identified_by) == ("extended", "iam")
    assert entry.actor.startswith("arn:aws:")
    assert after.callback_id == before.callback_id


def test_a_deadline_is_not_moved_past_the_life_of_the_execution(kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    before = kit.open_task()
    assert extend(by=30 * 86400) == 1
    assert "at the latest" in capsys.readouterr().err
    assert kit.task() == before


def test_a_task_that_is_decided_or_unknown_is_not_extended(kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    assert extend(by=60) == 1
    assert "there is no task" in capsys.readouterr().err
    kit.open_task()
    kit.decide()
    assert extend(by=60) == 1
    assert "not open any more" in capsys.readouterr().err
