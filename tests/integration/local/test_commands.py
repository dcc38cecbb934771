"""`python -m local`, which `make` runs, in a temporary folder."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import program
from local.emulator import emulator
from local.emulator.emulator import Emulator
from local.launch import take_down
from operate.embedded.cloud import ROOT
from tests.integration.local.clouds import until

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    take_down(tmp_path)


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command in this process, and returns its status and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        status = program.main(["--home", str(home), *arguments])
        return status, "".join(capsys.readouterr()).strip()

    return run


def test_without_a_cloud_every_command_reports_it(run: Run) -> None:
    assert run("down") == (0, "The embedded cloud was not running.")
    assert run("status") == (1, "The embedded cloud is not up; `make up` starts it.")
    for needing_one in ("mail", "sandbox"):
        status, printed = run(needing_one)
        assert status == 1
        assert "run `make up`" in printed


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("--answer perhaps", "'--answer': must be one of approve, expire, reject, got: perhaps"),
        ("--scenario lottery", "'--scenario': must be one of order-approval, approval, payment,"),
        ("--scenario payment --answer approve", "'--answer': must be one of bad-signature, burst,"),
    ],
)
def test_an_unknown_answer_or_scenario_is_refused_with_the_list(run: Run, options: str, error: str) -> None:
    status, printed = run("demo", *options.split())
    assert status == 2
    assert error in printed


def test_a_port_that_is_taken_is_refused(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        status, printed = run("up", "--port", str(port))
    assert status == 1
    assert f"port {port} cannot be used" in printed


def test_a_failure_names_the_log(home: Path, run: Run) -> None:
    (home / "lock").mkdir()  # where the lock file belongs
    (home / "emulator.log").touch()
    status, printed = run("up")
    assert (status, "\nerror: " in printed, str(home / "emulator.log") in printed) == (1, True, True)


@pytest.mark.parametrize(
    ("what", "number", "status"),
    [
        ("demo", signal.SIGINT, 130),
        ("up", signal.SIGTERM, 143),
        ("demo", signal.SIGKILL, -9),
    ],
)
def test_an_interrupted_command_leaves_nothing_running(home: Path, what: str, number: int, status: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "local", "--home", str(home), what],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        running: Emulator = until(lambda: emulator.serving(home))
        process.send_signal(number)
        _, errors = process.communicate()
    assert process.returncode == status
    assert b"Traceback" not in errors
    until(lambda: not emulator.group_members(running.pid) or None)
    assert not (home / "cloud.json").exists()


SWALLOWED = """
import os, runpy, signal, sys, time, types

def main():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except SystemExit:
        pass
    time.sleep(60)

sys.modules["local.program"] = types.SimpleNamespace(main=main)
runpy.run_module("local", run_name="__main__")
"""
"""A program that swallows the exception of a signal, as a callback of the interpreter does."""


def test_a_signal_whose_exception_is_swallowed_ends_a_command() -> None:
    assert subprocess.run([sys.executable, "-c", SWALLOWED], cwd=ROOT, check=False).returncode == 143


SIGNALLED = """
import os, runpy, sys

def hit(event, arguments):
    if event == "import" and arguments[0] == moment and moments:
        moments.clear()
        os.kill(os.getpid(), number)

moment, number = sys.argv[1], int(sys.argv[2])
moments = [moment]
sys.argv[1:] = sys.argv[3:]
sys.addaudithook(hit)
runpy.run_module("local", run_name="__main__")
"""
"""A program that sends `python -m local` a signal when it first imports a module."""


@pytest.mark.parametrize(
    ("moment", "number", "status"),
    [
        ("local.program", signal.SIGINT, 130),
        ("typer", signal.SIGTERM, 143),
        ("rich.console", signal.SIGHUP, 129),
        ("stacks.stage.settings", signal.SIGINT, 130),
    ],
)
def test_a_signal_during_the_imports_ends_a_command_with_the_status_of_the_signal(
    home: Path, moment: str, number: int, status: int
) -> None:
    words = [sys.executable, "-c", SIGNALLED, moment, str(int(number)), "--home", str(home), "status"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (status, "Stopped.", "")
