"""The command line."""

import pytest
import typer

from operate.program import app, hoisted, main
from operate.replay import matches

DECIDED = {
    "eventName": ["MODIFY"],
    "dynamodb": {"Keys": {"sk": {"S": ["TASK"]}}, "NewImage": {"status": {"S": ["DECIDED", "APPLIED"]}}},
}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tasks --stage dev --json", "--stage dev --json tasks"),
        ("--stage=dev show a.b --local", "--stage=dev --local show a.b"),
        ("extend a.b --by 60 --table ledger", "--table ledger extend a.b --by 60"),
        ("show --profile", "--profile show"),
        ("show -- --json", "show -- --json"),
    ],
)
def test_global_options_may_stand_anywhere(typed: str, meant: str) -> None:
    assert hoisted(typed.split()) == meant.split()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Usage"),
        ("nonsense", "nonsense"),
        ("tasks --nonsense", "--nonsense"),
        ("show", "TASK"),
        ("extend a.b", "--by"),
        ("export file --format xml", "xml"),
    ],
)
def test_an_invalid_command_ends_with_status_two(typed: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed.split()) == 2
    said = capsys.readouterr()
    assert words in said.out + said.err


def test_the_help_lists_every_command_and_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        assert f"  {name} " in said
        assert command.help


def record(status: str, sk: str = "TASK", event: str = "MODIFY") -> dict[str, object]:
    return {"eventName": event, "dynamodb": {"Keys": {"sk": {"S": sk}}, "NewImage": {"status": {"S": status}}}}


def test_an_event_filter_matches_like_lambda() -> None:
    for status, passes in (("DECIDED", True), ("APPLIED", True), ("OPEN", False)):
        assert matches(DECIDED, record(status)) is passes
    assert not matches(DECIDED, record("DECIDED", sk="OTHER"))
    assert not matches(DECIDED, record("DECIDED", event="INSERT"))
    assert not matches(DECIDED, {"eventName": "MODIFY", "dynamodb": {"Keys": {"sk": {"S": "TASK"}}}})
    outbox = {"dynamodb": {"Keys": {"sk": {"S": [{"prefix": "OUTBOX#"}]}}}}
    assert matches(outbox, record("", sk="OUTBOX#1"))
    assert not matches(outbox, record("", sk="TASK"))
    bounced = {"dynamodb": {"OldImage": {"bounced": {"N": [{"exists": False}]}}}}
    assert matches(bounced, {"dynamodb": {"OldImage": {"status": {"S": "OPEN"}}}})
    assert not matches(bounced, {"dynamodb": {"OldImage": {"bounced": {"N": "1"}}}})
