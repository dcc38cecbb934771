"""The emulator: one corrected MiniStack, in its own interpreter, environment, session and folder, on loopback only."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from operate.embedded import http
from operate.embedded.cloud import HOME

INTERPRETER = HOME / "ministack-venv" / "bin" / "python"
_LAUNCHER = Path(__file__).parent / "corrected_ministack.py"

_START_SECONDS = 30
_STOP_SECONDS = 10
_LOOK_SECONDS = 0.05
_TAIL_LINES = 15

_started: dict[int, subprocess.Popen[bytes]] = {}
"""The emulators that this process has started and not stopped: it must wait for the end of its children."""


class EmulatorError(Exception):
    """The emulator could not be started; the message says why, and what to do."""


@dataclass(frozen=True)
class Emulator:
    """A MiniStack and the processes of its functions, which are one process group.

    Attributes:
        home: Its folder.
        pid: The id of its process, and of the group.
        port: The port on 127.0.0.1.
        persists: Whether it keeps its state in its folder when it is stopped.
        parent: The process with which it ends; None if it outlives the process that started it.
    """

    home: Path
    pid: int
    port: int
    persists: bool = False
    parent: int | None = None

    @property
    def endpoint_url(self) -> str:
        """The URL of AWS's APIs."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """The log of MiniStack and of its functions."""
        return self.home / "emulator.log"

    def is_serving(self) -> bool:
        """Whether it answers."""
        if not self._processes():
            return False
        try:
            return http.get(f"{self.endpoint_url}/_ministack/ready").status == 200
        except OSError:
            return False

    def stop(self) -> bool:
        """End it and its functions, and remove its temporary files and its record.

        Returns:
            Whether it was running.
        """
        was_there = bool(self._processes())
        if self.persists:
            self._end_gently()
        while processes := self._processes():
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(_LOOK_SECONDS)
        if started := _started.pop(self.pid, None):
            started.wait()
        shutil.rmtree(_temporary(self.home), ignore_errors=True)
        _note(self.home).unlink(missing_ok=True)
        return was_there

    def _end_gently(self) -> None:
        """Let it save its state, which it does on SIGTERM while no request is in flight."""
        for process in self._processes():
            if process.pid == self.pid:
                process.terminate()
                psutil.wait_procs([process], timeout=_STOP_SECONDS)

    def _processes(self) -> list[psutil.Process]:
        # The system may reuse the id of an empty group, so the command line must fit too: it names the launcher, or for
        # functions MiniStack's folder of their code.
        return [process for process in group_members(self.pid) if "ministack" in " ".join(process.info["cmdline"])]


def start(
    home: Path = HOME,
    *,
    with_parent: bool = False,
    corrected: bool = True,
    port: int | None = None,
    variables: Mapping[str, str] | None = None,
) -> Emulator:
    """Start an emulator and wait until it serves. Stop one first that a crash has left in this folder.

    Args:
        home: Its folder.
        with_parent: Whether it ends with this process, even when this process is killed.
        corrected: Whether to apply the corrections.
        port: The port to listen on; a free one by default.
        variables: Further settings of MiniStack, such as PERSIST_STATE.

    Raises:
        EmulatorError: It is not installed, or did not start.
    """
    if not INTERPRETER.exists():
        raise EmulatorError(f"the emulator is not installed: {INTERPRETER} is missing; `make setup` installs it")
    if leftover := recorded(home):
        leftover.stop()
    _temporary(home).mkdir(parents=True, exist_ok=True)
    port = _free_port(port or 0)
    extra = dict(variables or {})
    command = [str(INTERPRETER), str(_LAUNCHER)]
    command += [] if corrected else ["--uncorrected"]
    parent = os.getpid() if with_parent else None
    command += ["--with-parent", str(parent)] if parent else []
    with (home / "emulator.log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=_environment(home, port) | extra,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    persists = extra.get("PERSIST_STATE") == "1"
    emulator = Emulator(home, process.pid, port, persists=persists, parent=parent)
    _started[process.pid] = process
    _record(emulator)
    try:
        _wait_until_serving(emulator)
    except BaseException:
        emulator.stop()
        raise
    return emulator


def recorded(home: Path = HOME) -> Emulator | None:
    """Return the emulator that was last started in a folder and not stopped; it may have ended since."""
    try:
        note = json.loads(_note(home).read_text())
        return Emulator(home, note["pid"], note["port"], note["persists"], note["parent"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def serving(home: Path = HOME) -> Emulator | None:
    """Return the emulator of a folder; None if it does not answer."""
    emulator = recorded(home)
    return emulator if emulator and emulator.is_serving() else None


def group_members(group: int) -> list[psutil.Process]:
    """Return the living processes of a process group, with their command lines."""
    members = []
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            # A process that has ended, and whose parent has not waited for it, has no command line.
            if os.getpgid(process.pid) == group and process.info["cmdline"]:
                members.append(process)
    return members


def _environment(home: Path, port: int) -> dict[str, str]:
    """Return the environment of MiniStack and its functions; they see nothing else of this machine's environment."""
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "TMPDIR": str(_temporary(home)),
        "STATE_DIR": str(home / "state"),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        # These would listen on every interface.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
    }


def _free_port(wanted: int) -> int:
    """Return a free port: the wanted one, or any for 0."""
    try:
        with socket.create_server(("127.0.0.1", wanted)) as listener:
            port: int = listener.getsockname()[1]
    except OSError as error:
        raise EmulatorError(f"port {wanted} cannot be used: {error.strerror}; name another, or none") from error
    return port


def _wait_until_serving(emulator: Emulator) -> None:
    process = _started[emulator.pid]
    deadline = time.monotonic() + _START_SECONDS
    while not emulator.is_serving():
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            how = f"ended ({process.returncode})" if ended else f"did not answer within {_START_SECONDS} seconds"
            raise EmulatorError(f"the emulator {how}; its log, {emulator.log}, ends with:\n{_tail(emulator.log)}")
        time.sleep(_LOOK_SECONDS)


def _tail(log: Path) -> str:
    return "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])


def _record(emulator: Emulator) -> None:
    note = {name: getattr(emulator, name) for name in ("pid", "port", "persists", "parent")}
    _note(emulator.home).write_text(json.dumps(note))


def _note(home: Path) -> Path:
    return home / "emulator.json"


def _temporary(home: Path) -> Path:
    return home / "tmp"
