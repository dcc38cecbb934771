"""What set-up says when something is missing, and that it runs where it must: under any system's Python."""

import ast
from pathlib import Path

import pytest

from tools import setup

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH; programs are added by `install`."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(machine: Path, name: str, answer: str, *, status: int = 0) -> None:
    program = machine / name
    program.write_text(f"#!/bin/sh\necho '{answer}'\nexit {status}\n")
    program.chmod(0o755)


def test_it_reads_under_a_python_that_is_too_old() -> None:
    for name in ("__init__.py", "setup.py"):
        ast.parse((ROOT / "tools" / name).read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("version", [(3, 8, 18), (3, 10, 14)])
def test_a_python_that_is_too_old_is_refused_with_a_newer_one_that_is_there(
    machine: Path, version: tuple[int, ...]
) -> None:
    install(machine, "python3.12", "Python 3.12.1")
    with pytest.raises(setup.SetupError, match=r"(?s)too old: .* 3\.11 or newer.*PYTHON=python3\.12"):
        setup.check_python(version)


def test_a_newer_python_that_does_not_run_is_not_offered(machine: Path) -> None:
    install(machine, "python3.13", "pyenv: python3.13: command not found", status=127)
    with pytest.raises(setup.SetupError, match="apt-get install python3"):
        setup.check_python((3, 9, 2))


def test_this_python_will_do() -> None:
    setup.check_python()


def test_a_python_without_the_module_venv_is_refused_with_the_package_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(setup, "find_spec", lambda module: None if module == "ensurepip" else object())
    with pytest.raises(setup.SetupError, match=r"lacks ensurepip(?s:.*)apt-get install python3\.12-venv"):
        setup.check_python((3, 12, 1))


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ({}, "node is missing"),
        ({"node": "v22.1.0"}, "npm is missing"),
        ({"node": "v18.20.1", "npm": "10"}, r"node v18\.20\.1 is too old: .* 20 or newer"),
        ({"node": "?", "npm": "10"}, r"node \? is too old"),
    ],
)
def test_a_machine_without_a_node_for_the_cdk_is_refused(machine: Path, programs: dict[str, str], said: str) -> None:
    for name, answer in programs.items():
        install(machine, name, answer)
    with pytest.raises(setup.SetupError, match=said + r"(?s:.*)https://nodejs\.org"):
        setup.check_node()


@pytest.mark.parametrize("version", ["v20.0.0", "v24.11.0"])
def test_a_node_that_is_new_enough_will_do(machine: Path, version: str) -> None:
    install(machine, "node", version)
    install(machine, "npm", "11.0.0")
    setup.check_node()


def test_the_locked_installer_is_taken_from_the_lock_with_its_hashes_alone() -> None:
    first, *rest = setup.locked_entry(setup.LOCK, "uv").rstrip("\n").split("\n")
    assert first.startswith("uv==")
    assert len(rest) > 1
    assert all(line.strip().startswith("--hash=sha256:") for line in rest)
    assert not rest[-1].endswith("\\")


def test_a_lock_without_the_installer_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("uvloop==1.0 --hash=sha256:00\n")
    with pytest.raises(setup.SetupError, match=r"requirements\.txt has no uv: .*make lock"):
        setup.locked_entry(lock, "uv")


def test_an_unknown_step_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert setup.main(["everything"]) == 2
    assert "python | cloud | audit | node" in capsys.readouterr().err


def test_a_step_that_fails_ends_the_set_up_with_its_reason(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert setup.main(["node"]) == 1
    assert capsys.readouterr().err.startswith("error: node is missing")


def test_variables_of_the_caller_that_send_packages_elsewhere_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    environment = setup._environment()
    assert "PIP_TARGET" not in environment
    assert environment["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
