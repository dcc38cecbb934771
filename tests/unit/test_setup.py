"""The set-up: errors for missing tools, and its own requirements."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools import setup

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH. `install` adds programs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(machine: Path, name: str, answer: str, *, status: int = 0) -> None:
    program = machine / name
    program.write_text(f"#!/bin/sh\necho '{answer}'\nexit {status}\n")
    program.chmod(0o755)


def test_the_set_up_parses_under_an_old_python() -> None:
    for name in ("__init__.py", "setup.py"):
        ast.parse((ROOT / "tools" / name).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_an_old_python_is_refused_with_a_newer_installed_one(machine: Path) -> None:
    install(machine, "python3.13", "pyenv: python3.13: command not found", status=127)
    with pytest.raises(setup.SetupError, match="apt-get install python3"):
        setup.check_python((3, 8, 18))
    install(machine, "python3.12", "Python 3.12.1")
    with pytest.raises(setup.SetupError, match=r"(?s)too old: .* 3\.11 or newer.*PYTHON=python3\.12"):
        setup.check_python((3, 10, 14))


def test_a_python_without_venv_is_refused_with_the_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    setup.check_python()
    monkeypatch.setattr(setup, "find_spec", lambda module: None if module == "ensurepip" else object())
    with pytest.raises(setup.SetupError, match=r"lacks ensurepip(?s:.*)apt-get install python3\.12-venv"):
        setup.check_python((3, 12, 1))


def test_the_functions_python_is_on_path_or_the_newest_of_pyenv(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "RUNTIME", (3, 99))
    monkeypatch.setenv("HOME", str(machine))
    monkeypatch.setenv("PYENV_ROOT", str(machine / "pyenv"))
    install(machine, "python3.99", "pyenv: python3.99: command not found", status=127)
    assert setup.runtime_python() is None
    for version in ("3.99.2", "3.99.10", "3.98.1"):
        (machine / "pyenv" / "versions" / version / "bin").mkdir(parents=True)
        install(machine / "pyenv" / "versions" / version / "bin", "python3.99", version[:4].replace(".", " "))
    assert setup.runtime_python() == str(machine / "pyenv" / "versions" / "3.99.10" / "bin" / "python3.99")
    install(machine, "python3.99", "3 99")
    assert setup.runtime_python() == str(machine / "python3.99")


def test_another_python_is_used_with_a_warning_of_what_differs() -> None:
    warning = setup.other_python_warning((3, 11))
    assert "this checkout uses Python 3.11; the functions run Python 3.13" in warning
    assert "without bytecode" in warning
    assert warning.endswith("rm -r .venv && make setup")


@pytest.mark.parametrize("missing", ["node", "npm"])
def test_a_machine_without_node_or_npm_is_refused(machine: Path, missing: str) -> None:
    install(machine, "npm" if missing == "node" else "node", "10")
    with pytest.raises(setup.SetupError, match=rf"{missing} is missing(?s:.*)Node\.js 20 .*https://nodejs\.org"):
        setup.set_up_node()


def test_npm_refuses_an_old_node() -> None:
    assert "engine-strict=true" in (ROOT / ".npmrc").read_text().splitlines()
    assert json.loads((ROOT / "package.json").read_text())["engines"] == {"node": ">=20"}


def test_the_installer_comes_from_the_lock_with_its_hashes(tmp_path: Path) -> None:
    first, *rest = setup.locked_entry(setup.LOCK, "uv").rstrip("\n").split("\n")
    assert first.startswith("uv==")
    assert len(rest) > 1
    assert all(line.strip().startswith("--hash=sha256:") for line in rest)
    assert not rest[-1].endswith("\\")
    lock = tmp_path / "requirements.txt"
    lock.write_text("uvloop==1.0 --hash=sha256:00\n")
    with pytest.raises(setup.SetupError, match=r"requirements\.txt has no uv: .*make lock"):
        setup.locked_entry(lock, "uv")


@pytest.mark.parametrize(
    ("step", "status", "said"),
    [("everything", 2, "python | cloud | audit | node"), ("node", 1, "error: node is missing")],
)
def test_an_unknown_or_failing_step_ends_the_set_up_with_the_reason(
    machine: Path, capsys: pytest.CaptureFixture[str], step: str, status: int, said: str
) -> None:
    assert setup.main([step]) == status
    assert said in capsys.readouterr().err


def test_variables_that_redirect_packages_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    environment = setup._environment()
    assert "PIP_TARGET" not in environment
    assert environment["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"


def test_the_console_script_runs_from_any_folder_and_passes_its_arguments_on(tmp_path: Path) -> None:
    script = tmp_path / "countersign"
    script.write_text(setup.console_script(Path(sys.executable)))
    script.chmod(0o755)
    ended = subprocess.run([script, "no such command"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "no such command" in ended.stderr
