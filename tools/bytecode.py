"""The bytecode of deployed modules.

The folders of functions and layers are read-only on Lambda: it compiles a module without bytecode at every cold start.
The bytecode is of the functions' minor version of Python, with unchecked hashes: it contains no times, and Python runs
it without a look at the source. So it is byte-identical when made twice, and must be made again when a source changes.
"""

import subprocess
import sys
from pathlib import Path

from tools.setup import RUNTIME, other_python_warning

LAYERS_AT = "/opt"
FUNCTIONS_AT = "/var/task"
"""Where Lambda unpacks a layer and a function's code: tracebacks name the files there."""


class BytecodeError(Exception):
    """A module cannot be compiled; the message names it."""


def missing_runtime() -> str:
    """Return a warning if this Python cannot make the functions' bytecode; otherwise an empty text."""
    version = sys.version_info[:2]
    return "" if version == RUNTIME else other_python_warning(version)


def add_bytecode(folder: Path, deployed_at: str) -> None:
    """Compile every module of a folder, if this is the functions' Python; otherwise leave the folder as it is.

    Args:
        folder: The folder; bytecode goes into its `__pycache__` folders.
        deployed_at: The folder's place on Lambda.

    Raises:
        BytecodeError: A module has a syntax error.
    """
    if missing_runtime():
        return
    # In a process of its own: what else a process holds changes how bytecode shares its constants, and so its bytes.
    command = [sys.executable, "-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    ended = subprocess.run(
        [*command, "-s", str(folder), "-p", deployed_at, str(folder)], check=False, stdout=subprocess.PIPE, text=True
    )
    if ended.returncode:
        raise BytecodeError(f"a module cannot be compiled: {ended.stdout.strip()}")


def without_bytecode(folder: Path) -> list[Path]:
    """Return the modules of a folder that have no bytecode of the functions' Python."""
    tag = "cpython-{}{}".format(*RUNTIME)
    modules = folder.rglob("*.py")
    return [path for path in modules if not (path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc").is_file()]
