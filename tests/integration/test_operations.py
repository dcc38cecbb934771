"""`countersign`: what an operator may do, and what the audit says of it."""

from datetime import UTC, datetime, timedelta

import pytest

from countersign.domain.clock import to_text
from countersign.domain.people import Absence, Entry
from countersign.functions.clients import client
from countersign.testing.builders import APPROVER, OTHER_APPROVER, TASK_ID
from operate import program
from tests.integration.conftest import DIRECTORY_TABLE, TABLE, Kit


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


# The directory

DATES = ("--since", "2026-08-01", "--until", "2026-08-15T12:00+02:00")


def keep(*arguments: str) -> int:
    return program.main([*arguments, "--table", DIRECTORY_TABLE])


def entry(kit: Kit, address: str) -> Entry:
    return kit.directory.entries([address])[address]


def test_an_operator_says_who_stands_in_and_that_somebody_is_back(kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    assert keep("away", APPROVER.upper(), "--to", f" {OTHER_APPROVER}", *DATES) == 0
    said = capsys.readouterr().out
    assert said == (
        f"{OTHER_APPROVER} stands in for {APPROVER}"
        " from 2026-08-01T00:00:00.000000Z until 2026-08-15T10:00:00.000000Z\n"
    )
    since, until = datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 15, 10, tzinfo=UTC)
    assert entry(kit, APPROVER).absences == (Absence(since, until, OTHER_APPROVER),)
    assert keep("away", APPROVER, "--back") == 0
    assert entry(kit, APPROVER).absences == ()


def test_an_operator_names_another_address_of_somebody(kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    assert keep("alias", "M.Lopez@example.com", "--of", APPROVER) == 0
    assert capsys.readouterr().out == f"m.lopez@example.com is {APPROVER}\n"
    assert entry(kit, "m.lopez@example.com").person == APPROVER


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("away", "maria", "--to", OTHER_APPROVER, *DATES), "must be an e-mail address, got: maria"),
        (("away", APPROVER, "--to", "otto", *DATES), "must be an e-mail address, got: otto"),
        (("away", APPROVER, "--to", APPROVER.upper(), *DATES), "cannot stand in for themselves"),
        (("away", APPROVER, "--to", "li@elsewhere.example", *DATES), "an address of the same domain"),
        (("away", APPROVER, "--to", OTHER_APPROVER), "needs --to, --since and --until"),
        (("away", APPROVER), "needs --to, --since and --until"),
        (("away", APPROVER, "--to", OTHER_APPROVER, "--since", "soon", "--until", "2026-08-01"), "got: soon"),
        (
            ("away", APPROVER, "--to", OTHER_APPROVER, "--since", "2026-08-02", "--until", "2026-08-01"),
            "--until must be after --since",
        ),
        (("alias", "maria", "--of", APPROVER), "must be an e-mail address, got: maria"),
        (("alias", "m@example.com", "--of", "x y@example.com"), "must be an e-mail address, got: x y@example.com"),
    ],
)
def test_what_makes_no_sense_is_refused_with_why_and_writes_nothing(
    kit: Kit, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], why: str
) -> None:
    assert keep(*arguments) == 1
    said = capsys.readouterr()
    assert why in said.err
    assert said.out == ""
    assert client("dynamodb").scan(TableName=DIRECTORY_TABLE)["Items"] == []
