"""`countersign prove` on the embedded cloud, in its short form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operate.commands import proving
from operate.embedded.cloud import Cloud
from operate.prove import safe
from tests.e2e.scene import Scene, until
from tests.e2e.test_operate import Operate, operate, without_relay  # noqa: F401  a fixture

PATIENCE_SECONDS = 12


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "_LOCAL_PATIENCE_SECONDS", PATIENCE_SECONDS)


def verdicts(report: Path) -> dict[str, str]:
    document = json.loads(report.read_text())
    assert all(each["says"] and each["evidence"] for each in document["claims"])
    return {each["claim"]: each["verdict"] for each in document["claims"]}


def test_the_safe_claims_are_proved_and_an_interrupted_run_is_cleaned(
    cloud: Cloud,
    operate: Operate,  # noqa: F811
    tmp_path: Path,
) -> None:
    left = Scene(cloud, "prove-interrupted")
    left.submit(approvers=["success@simulator.amazonses.com"], requester="ooto@simulator.amazonses.com")
    until(lambda: "sent" in left.audit(), "the hand-off")
    status, printed = operate("prove", "--safe", "--report", str(tmp_path / "report"))
    found = verdicts(Path(printed["report"]))
    assert status == 0, printed
    assert found == dict.fromkeys(safe.SAFE | safe.AFTERWARDS, "proved") | {"bounce": "skipped"}
    assert (tmp_path / "report.md").read_text().count("| **proved** |") == len(found) - 1
    assert left.task()["status"] == "CANCELLED"


def test_a_claim_fails_while_the_relay_is_off(
    cloud: Cloud,
    operate: Operate,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proving, "SAFE", {"approval": safe.approval})
    monkeypatch.setattr(proving, "AFTERWARDS", {})
    monkeypatch.setattr(proving, "_LOCAL_PATIENCE_SECONDS", 3)
    with without_relay(cloud):
        status, printed = operate("prove", "--safe", "--report", str(tmp_path / "report"))
    assert (status, verdicts(Path(printed["report"]))) == (1, {"approval": "not proved"})
