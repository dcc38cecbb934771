"""The processes of this machine, as far as it takes to find and end those of an emulator."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process.

    Attributes:
        pid: Its id.
        group: The id of its process group, which is the id of the process that leads the group.
        command: Its command line, with spaces between the arguments; empty when it has ended and nobody has asked how.
    """

    pid: int
    group: int
    command: str


def group_members(group: int) -> list[Process]:
    """Return the living processes of a process group."""
    everyone = _from_proc() if (_PROC / "self" / "stat").exists() else _from_ps()
    return [process for process in everyone if process.group == group and process.command]


def _from_proc() -> Iterator[Process]:
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # The name, in parentheses, may hold anything: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:  # it ended while we looked
            continue
        yield Process(int(folder.name), int(fields[2]), command)


def _from_ps() -> Iterator[Process]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,pgid=,command="], check=True, capture_output=True, text=True, env={"PATH": os.defpath}
    ).stdout
    for line in listing.splitlines():
        pid, group, command = line.split(maxsplit=2)
        yield Process(int(pid), int(group), "" if command == "<defunct>" else command)
