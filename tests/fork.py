"""The guide for forks, performed: what `docs/fork-for-payments.md` says, done to a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from operate.embedded.cloud import ROOT
from tests import SETTINGS

GUIDE = ROOT / "docs" / "fork-for-payments.md"

_FILE = re.compile(
    r"^(New file|At the end of|Below `\[mail\]` in) `([^`]+)`[^\n]*:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_WORKER = re.compile(r"^\.venv/bin/python docs/examples/worker\.py .*$", re.MULTILINE)
_COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ENVIRONMENTS = (".venv", "node_modules", ".local/ministack-venv")
"""Set up by `make`, which looks at a stamp in each; a copy shares what is in them."""


@dataclass(frozen=True)
class Block:
    """What the guide puts into one file.

    Attributes:
        path: The file, in the repository.
        text: What goes into it.
        where: Where in the file: "New file", "At the end of" or "Below `[mail]` in".
    """

    path: str
    text: str
    where: str = "New file"

    @property
    def is_new(self) -> bool:
        """Whether the guide makes the file."""
        return self.where == "New file"


def blocks() -> list[Block]:
    """Return what the guide puts into files, in order."""
    found = _FILE.findall(GUIDE.read_text("utf-8"))
    return [Block(path, text, where) for where, path, text in found]


def commands() -> list[str]:
    """Return the guide's blocks of shell commands, in order."""
    return _COMMANDS.findall(GUIDE.read_text("utf-8"))


def worker() -> str:
    """Return the guide's command that runs a worker, in a shell that knows the embedded cloud."""
    (command,) = _WORKER.findall(GUIDE.read_text("utf-8"))
    return f'eval "$(.venv/bin/countersign env --local)"; exec {command}'


@dataclass(frozen=True)
class Fork:
    """A copy of the repository, for a test to change.

    Attributes:
        root: Where it is.
    """

    root: Path

    @classmethod
    def of_checkout(cls, root: Path) -> Fork:
        """Copy every file of the repository, with the tests' own stages, and link what is set up in it."""
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, root / name)
        shutil.copytree(SETTINGS, root / "settings", dirs_exist_ok=True)
        for name in _ENVIRONMENTS:
            _link_members(ROOT / name, root / name)
        shutil.copytree(ROOT / "build", root / "build")
        for stamp in (*(root / name / ".stamp" for name in _ENVIRONMENTS), root / "build" / "vendor-layer.stamp"):
            stamp.unlink(missing_ok=True)
            stamp.touch()
        return cls(root)

    def follow(self, block: Block) -> None:
        """Do to a file what the guide says."""
        path = self.root / block.path
        path.parent.mkdir(parents=True, exist_ok=True)
        written = "" if block.is_new else path.read_text("utf-8")
        if block.where.startswith("Below"):
            path.write_text(written.replace("[mail]\n", f"[mail]\n{block.text}"), "utf-8")
        else:
            path.write_text(f"{written}\n{block.text}" if written else block.text, "utf-8")

    def run(self, command: str) -> str:
        """Run a block of shell commands in it, as somebody in a terminal does, and return what they print."""
        running = self.start(command)
        printed, _ = running.communicate()
        assert running.returncode == 0, f"{command}\n{printed}"
        return printed

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a block of shell commands in it; what they print is in `stdout`."""
        foreign = ("PYTEST", "COVERAGE", "VIRTUAL_ENV", "PYTHONPATH", "MAKE")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        # Before the checkout's own code, which the linked environment has installed.
        own = (self.root, self.root / "lambdas", self.root / "layers" / "countersign" / "python")
        environment["PYTHONPATH"] = os.pathsep.join(map(str, own))
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def _link_members(folder: Path, copy: Path) -> None:
    copy.mkdir(parents=True)
    for member in folder.iterdir():
        (copy / member.name).symlink_to(member.resolve())
