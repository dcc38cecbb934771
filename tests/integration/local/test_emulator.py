"""Starting and stopping the emulator: no process is left behind, and no other process is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local.emulator import emulator
from local.emulator.emulator import Emulator, EmulatorError
from local.launch import LaunchError, bring_up, take_down
from operate.embedded import aws
from operate.embedded.cloud import ROOT
from tests.integration.local.clouds import Cloud, until


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    take_down(tmp_path)


def busy_function(cloud: Cloud, marks: Path) -> None:
    """Run a function that works for a minute."""
    cloud.deploy()
    cloud.run("ask_and_work", seconds=60, marks=str(marks))
    until(lambda: marks.exists() or None)


def gone(group: int) -> bool:
    return until(lambda: not emulator.group_members(group) or None)


def test_stopping_ends_functions_that_are_running(home: Path) -> None:
    started = emulator.start(home)
    busy_function(Cloud(started, corrected=True), home / "marks")
    assert len(emulator.group_members(started.pid)) == 2

    assert started.stop()
    assert emulator.group_members(started.pid) == []
    assert emulator.recorded(home) is None
    assert not (home / "tmp").exists()
    assert not started.stop()


@pytest.fixture(scope="module")
def of_a_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator that ends with this process, started with variables of a shell."""
    home = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as shell:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "SECRET_OF_THE_SHELL", "PYTHONPATH", "HTTP_PROXY"):
            shell.setenv(name, "from the shell")
        started = emulator.start(home, with_parent=True)
    yield started
    take_down(home)


def test_its_functions_do_not_see_our_environment(of_a_demo: Emulator) -> None:
    cloud = Cloud(of_a_demo, corrected=True)
    cloud.deploy()
    seen = cloud.ended(cloud.run("environment"))["Result"]
    assert "AWS_LAMBDA_FUNCTION_NAME" in seen
    assert not any(name in seen for name in ("AWS_PROFILE", "SECRET_OF_THE_SHELL", "PYTHONPATH", "HTTP_PROXY"))


@pytest.fixture
def users_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a user with a real account."""
    for name in ("PROFILE", "ACCESS_KEY_ID", "SESSION_TOKEN", "CA_BUNDLE", "WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.setenv(f"AWS_{name}", "of the user")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://sts.example.com")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")


@pytest.mark.usefixtures("users_account")
def test_our_clients_call_the_emulator_in_every_environment(of_a_demo: Emulator) -> None:
    assert aws.client("sts", of_a_demo.endpoint_url).get_caller_identity()["Account"] == "000000000000"


@pytest.mark.usefixtures("users_account")
def test_a_deployment_has_no_credentials_of_the_user() -> None:
    environment = aws.environment("http://127.0.0.1:1")
    assert "of the user" not in environment.values()
    assert {name for name in environment if name.startswith("AWS_ENDPOINT_URL")} == {"AWS_ENDPOINT_URL"}
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


def test_it_listens_on_loopback_only(of_a_demo: Emulator) -> None:
    connections = psutil.Process(of_a_demo.pid).net_connections()
    listeners = [tuple(each.laddr) for each in connections if each.status == psutil.CONN_LISTEN]
    assert listeners == [("127.0.0.1", of_a_demo.port)]


@pytest.mark.parametrize("ended_by", [emulator.start, take_down], ids=["the next start", "taking down"])
def test_the_functions_of_a_killed_emulator_are_ended(home: Path, ended_by: Callable[[Path], object]) -> None:
    killed = emulator.start(home)
    busy_function(Cloud(killed, corrected=True), home / "marks")
    os.kill(killed.pid, signal.SIGKILL)
    assert not killed.is_serving()
    result = ended_by(home)
    assert result
    assert gone(killed.pid)
    assert emulator.serving(home) == (result if isinstance(result, Emulator) else None)


def test_it_ends_when_its_parent_is_killed(home: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from local.emulator import emulator;"
        "print(emulator.start(Path(sys.argv[1]), with_parent=True).pid, flush=True);"
        "sys.stdin.read(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(home)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        group = int(parent.stdout.readline())
        cloud = emulator.serving(home)
        assert cloud is not None
        busy_function(Cloud(cloud, corrected=True), home / "marks")
    assert parent.returncode == -signal.SIGKILL
    assert gone(group)


def test_another_process_with_the_recorded_id_is_not_ended(home: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        (home / "emulator.json").write_text(f'{{"pid": {stranger.pid}, "port": 1, "persists": true, "parent": null}}')
        assert emulator.serving(home) is None
        assert not take_down(home)
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", '{"pid": 1}'])
def test_an_unreadable_record_is_ignored(home: Path, note: str) -> None:
    (home / "emulator.json").write_text(note)
    assert emulator.recorded(home) is None
    assert not take_down(home)


def test_a_failed_start_names_the_log_and_leaves_nothing(home: Path) -> None:
    with pytest.raises(EmulatorError, match=r"ended.*emulator\.log(?s:.*)PERSIST"):
        emulator.start(home, variables={"GATEWAY_PORT": "PERSIST"})
    assert emulator.recorded(home) is None


def test_a_missing_emulator_is_an_error_with_the_command_that_installs_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator, "INTERPRETER", home / "nowhere")
    with pytest.raises(EmulatorError, match="make setup"):
        emulator.start(home)


def test_only_one_process_brings_a_cloud_up(home: Path) -> None:
    import fcntl

    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LaunchError, match="another process"):
            bring_up(home)


def test_make_up_does_not_use_the_cloud_of_a_demo(of_a_demo: Emulator) -> None:
    with pytest.raises(LaunchError, match=f"a demo, process {os.getpid()}"):
        bring_up(of_a_demo.home)


def test_a_failing_deployment_leaves_nothing_running(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.deploy.CDK", home / "nowhere")
    with pytest.raises(Exception, match="make setup"):
        bring_up(home)
    assert emulator.recorded(home) is None
    assert not (home / "cloud.json").exists()
