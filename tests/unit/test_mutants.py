"""`make mutants`: the sample of mutants, and the lowest score."""

import sys
from pathlib import Path

import pytest

from tools import mutants

NAMES = [f"countersign.domain.rules.x_rule__mutmut_{number}" for number in range(20)]


def test_the_sample_depends_only_on_the_seed() -> None:
    chosen = mutants.sample(NAMES, 5, seed=1)
    assert len(set(chosen)) == 5
    assert mutants.sample(NAMES[::-1], 5, seed=1) == chosen != mutants.sample(NAMES, 5, seed=2)
    assert sorted(mutants.sample(NAMES, 400, seed=1)) == sorted(NAMES)


@pytest.mark.parametrize(("survivors", "status"), [(4, 0), (5, 1)])
def test_a_fifth_may_survive_and_each_survivor_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], survivors: int, status: int
) -> None:
    monkeypatch.setattr(mutants, "WORK", tmp_path)
    monkeypatch.setattr(mutants, "_copy", lambda: None)
    monkeypatch.setattr(mutants, "_hide_progress", lambda: None)
    monkeypatch.setattr(mutants, "_make", lambda: NAMES)
    ends = ["survived"] * (survivors - 1) + ["no tests"] + ["killed"] * 19 + ["timeout"]
    monkeypatch.setattr(mutants, "_run", lambda names: dict(zip(names, ends, strict=False)))
    monkeypatch.setattr(mutants, "_difference", lambda name: f"- of {name}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert mutants.main(count=20) == status
    printed = capsys.readouterr().out
    assert printed.count("- of countersign.domain.rules.x_rule") == survivors
    assert f"{100 - 5 * survivors:.1f} % of 20 noticed" in printed
