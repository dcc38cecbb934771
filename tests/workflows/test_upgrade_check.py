"""`make histories` and `make upgrade-check`: which changes executions in flight survive."""

import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aws_durable_execution_sdk_python import CallbackTimeoutError
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration

from countersign.workflows import DurableContext, workflow
from local.demo.scripts import Script
from stacks.stage.workflows import ON_THE_LEDGER, ON_THE_RAW_SDK
from tests.fork import blocks
from tools import histories, upgrade_check
from tools.rehearsal import Handler
from tools.sealed import seal
from tools.upgrade_check import check, check_folder

MINUTE = Duration.from_minutes(1)
Part = Callable[[DurableContext], Any]


def step(name: str, result: Any = "") -> Part:
    return lambda context: context.step(lambda _: result, name)


def pause(name: str) -> Part:
    return lambda context: context.wait(MINUTE, name)


def child(name: str) -> Part:
    return lambda context: context.run_in_child_context(lambda _: "", name)


def answer(*before: Part) -> Part:
    def ask(context: DurableContext) -> None:
        callback = context.create_callback("answer", CallbackConfig(timeout=MINUTE))
        for part in (step("hand out"), *before):
            part(context)
        with suppress(CallbackTimeoutError):
            callback.result()

    return ask


def planted(*parts: Part) -> Handler:
    @workflow
    def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
        return {"parts": [part(context) for part in parts]}

    return handler


def failing(context: DurableContext) -> None:
    step("number")(context)
    raise KeyError("amount")


RELEASED = (step("number"), pause("first"), pause("second"), answer())
HISTORY = histories.record("planted", planted(*RELEASED), {"happy": Script({}, {})})


def fatal(handler: Handler) -> list[str]:
    return [str(each) for each in check(HISTORY, handler) if each.is_fatal]


def test_a_history_has_every_wait() -> None:
    (run,) = HISTORY.runs.values()
    waits = [[each.name for each in moment.operations[1:]] for moment in run.moments if moment.waits]
    operations = ["number", "first", "second", "answer", "hand out"]
    assert waits == [operations[:2], operations[:3], operations]


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ((step("count"), *RELEASED[1:]), "operation 1 is `number` (Step); now it is `count` (Step) (recorded, "),
        ((RELEASED[0], RELEASED[2], RELEASED[1]), "operation 2 is `first` (Wait); now it is `second` (Wait)"),
        ((child("number"), *RELEASED[1:]), "operation 1 is `number` (Step); now it is `number` (RunInChildContext)"),
        ((*RELEASED[:2], answer()), "operation 3 is `second` (Wait); now it is `answer` (Callback)"),
        ((*RELEASED[:3], answer(step("log"))), "it waits behind `hand out` (Step); now `log` (Step) begins before"),
        ((RELEASED[0], failing), "operation 2 is `first` (Wait); now it is"),
        ((failing,), "it waits behind `first` (Wait); now it fails with KeyError: 'amount'"),
    ],
    ids=["renamed", "reordered", "other type", "removed", "added before a wait", "fails later", "fails"],
)
def test_a_change_that_ends_executions_in_flight_is_refused(parts: tuple[Part, ...], problem: str) -> None:
    (found,) = fatal(planted(*parts))
    assert found.startswith(f"planted: {problem}")


@pytest.mark.parametrize(
    "parts",
    [RELEASED, (step("number", "other text"), *RELEASED[1:]), (*RELEASED, step("tell"), pause("third"))],
    ids=["none", "other result", "new code behind the last wait"],
)
def test_a_harmless_change_passes(parts: tuple[Part, ...]) -> None:
    assert fatal(planted(*parts)) == []


def test_a_change_behind_the_last_wait_is_only_a_warning() -> None:
    (found,) = check(HISTORY, planted(*RELEASED, step("tell")))
    assert "`record result` (Step); now it is `tell` (Step) (recorded, happy, after its last wait)" in str(found)
    assert not found.is_fatal


def test_the_kit_records_all_of_its_workflows_the_same_each_time_and_continues_them(tmp_path: Path) -> None:
    for name in ("1", "2"):
        histories.record_kit(tmp_path / name)
    first, second = ({each.stem: each.read_bytes() for each in (tmp_path / name).iterdir()} for name in ("1", "2"))
    deployed = tomllib.loads((histories.ROOT / "stacks/stage/defaults.toml").read_text("utf-8"))["workflows"]
    assert first.keys() == {*deployed, *ON_THE_LEDGER, *ON_THE_RAW_SDK}
    assert first == second
    assert list(check_folder(tmp_path / "1", "now", histories.kit_handler)) == []


def test_executions_of_every_release_and_of_extensions_continue_on_this_code() -> None:
    found = (*upgrade_check.check_releases(), *upgrade_check.check_extensions())
    assert [str(each) for each in found if each.is_fatal] == []


@pytest.fixture
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of release 0.1.0, with the history of a workflow that the kit does not have any more."""
    monkeypatch.setattr(upgrade_check, "RELEASES", tmp_path)
    HISTORY.write(tmp_path / "0.1.0" / "histories")
    seal(tmp_path / "0.1.0")
    return tmp_path / "0.1.0"


def test_a_removed_workflow_is_refused_with_the_fix(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert upgrade_check.main([]) == 1
    errors = capsys.readouterr().err
    assert "error: planted: the workflow's code is gone: No module named 'planted'; fix: bring it back" in errors
    assert upgrade_check.WHY in errors


def test_an_unknown_release_and_an_edited_one_are_refused(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert upgrade_check.main(["0.9.0"]) == 2
    assert "FROM=0.9.0: there is no such release; allowed: one of 0.1.0" in capsys.readouterr().err
    (released / "histories" / "planted.json").write_text("{}")
    (released / "more.json").write_text("{}")
    assert upgrade_check.main(["0.1.0"]) == 2
    errors = capsys.readouterr().err
    assert "is not as it was recorded: histories/planted.json (changed), more.json (added)" in errors
    assert f"bring it back: git checkout -- {released}" in errors


def test_a_fork_records_its_workflows_and_is_told_what_it_forgets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(histories, "ROOT", tmp_path)
    monkeypatch.setattr(histories, "EXTENSIONS", tmp_path / "extensions/workflows")
    monkeypatch.setattr(histories, "OWN", own := tmp_path / "extensions/tests/histories")
    monkeypatch.syspath_prepend(tmp_path)
    for block in blocks():
        if "deposit" in block.path + block.text:
            (tmp_path / block.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.path).write_text(block.text)
    monkeypatch.setattr(upgrade_check, "RELEASES", tmp_path / "compat")
    assert upgrade_check.main([]) == 0
    assert "extensions/workflows has deposit, which no history records; fix: make histories" in capsys.readouterr().err
    assert histories.main() == 0
    run = histories.History.read(own / "deposit.json").runs["example 1, answered"]
    assert [moment.operations[-1].name for moment in run.moments] == [
        *("payment open 1", "approval open 1", "credit open 1", "record result")
    ]
    assert histories.main() == upgrade_check.main([]) == 0
    assert capsys.readouterr().out.endswith("1 histories: their executions continue on this code.\n")
    monkeypatch.setattr(histories, "extension_handler", lambda _: planted(*RELEASED))
    assert histories.main() == 1
    assert "nothing is recorded." in capsys.readouterr().err
