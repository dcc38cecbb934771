"""Set up the checkout. `make` runs these steps first, and again when a lock changes.

    python3 -m tools.setup python     .venv with the locked packages
    python3 -m tools.setup cloud      .local/ministack-venv, the embedded cloud's own environment
    python3 -m tools.setup audit      .local/audit-venv, the tools of `make audit` and `make mutants`
    python3 -m tools.setup node       node_modules with the CDK's command line

It runs under the system's Python with the standard library alone, and keeps to the syntax of Python 3.8, so that it can
tell an older Python that it is too old. Everything is installed inside the checkout. The environments are made with the
functions' Python, wherever it is on this machine; `PYTHON=` names another.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from shlex import quote

ROOT = Path(__file__).resolve().parent.parent
PYTHON_FLOOR = (3, 11)
RUNTIME = (3, 13)
"""The Python that the functions run on Lambda. Bytecode is of one minor version: only this one compiles it for them."""

VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.txt"
BESIDE = {
    "cloud": (".local/ministack-venv", "local/requirements.txt", "the embedded cloud"),
    "audit": (".local/audit-venv", "tools/requirements.txt", "the tools of make audit and make mutants"),
}
"""The environments beside `.venv`: each with its folder, its lock and what it holds."""

FOREIGN_VARIABLES = (
    *("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "UV_PYTHON", "UV_SYSTEM_PYTHON"),
    *("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"),
)
"""Variables of the caller's shell that would send packages, or Python itself, to another place."""

NETWORK_ADVICE = """\
  The reason stands above. Without network only what a cache holds can be installed. Behind a proxy set HTTPS_PROXY;
  with a mirror set PIP_INDEX_URL (for npm: npm_config_registry); with a company's certificate set SSL_CERT_FILE
  (for npm: NODE_EXTRA_CA_CERTS)."""

NODE_ADVICE = "  The CDK needs Node.js 20 or newer, with npm: https://nodejs.org (macOS: brew install node)."


class SetupError(Exception):
    """A requirement is missing; the message names it and says how to get it."""


def check_python(version: tuple[int, ...] = sys.version_info[:3], executable: str = sys.executable) -> None:
    """Refuse a Python that is too old, or that cannot make environments."""
    if version[:2] < PYTHON_FLOOR:
        message = (
            f"Python {_dotted(version)} ({executable}) is too old: Countersign needs {_dotted(PYTHON_FLOOR)} or newer."
        )
        raise SetupError(f"{message}\n{_newer_python_advice()}")
    missing = [module for module in ("venv", "ensurepip") if find_spec(module) is None]
    if missing:
        raise SetupError(
            f"{executable} lacks {' and '.join(missing)}, the part of Python that makes environments.\n"
            f"  Debian, Ubuntu: apt-get install python{_dotted(version[:2])}-venv"
        )


def set_up_python() -> None:
    """Make `.venv`, if possible of the functions' Python, and bring it to exactly what the lock says."""
    say("Python packages into .venv")
    named = os.environ.get("PYTHON")
    found = None if named else runtime_python()
    if found is None:
        check_python()
    _make_venv(found or sys.executable)
    if found is None and not named and sys.version_info[:2] != RUNTIME:
        installed = _installed_by_uv()
        if installed:
            _make_venv(installed)
    python = _python_of(VENV)
    _synchronise(python, LOCK)
    _install_kit(python)
    if _version(python) != RUNTIME:
        print(other_python_warning(_version(python) or PYTHON_FLOOR), file=sys.stderr, flush=True)


def runtime_python() -> str | None:
    """Return a Python of the functions' minor version: this one, one on PATH, or pyenv's newest; None without one."""
    name = "python" + _dotted(RUNTIME)
    roots = [os.environ.get("PYENV_ROOT"), Path.home() / ".pyenv"]
    pattern = f"versions/{_dotted(RUNTIME)}.*/bin/{name}"
    versions = [path for root in roots if root for path in Path(root).glob(pattern)]
    newest = sorted(versions, key=lambda path: [int(part) for part in re.findall(r"\d+", path.parts[-3])], reverse=True)
    for candidate in [sys.executable, shutil.which(name), *map(str, newest)]:
        if candidate and _version(Path(candidate)) == RUNTIME and _answers(Path(candidate), "import venv, ensurepip"):
            return candidate
    return None


def other_python_warning(version: Sequence[int]) -> str:
    """Return what differs where the environment has another Python than the functions, and how to change it."""
    own, runtime = _dotted(version), _dotted(RUNTIME)
    return (
        f"warning: this checkout uses Python {own}; the functions run Python {runtime}. Everything works, but:\n"
        f"  - the tests and the embedded cloud run Python {own};\n"
        "  - the functions are deployed without bytecode: each cold start compiles them and takes four times as long.\n"
        f"  Before you deploy, install Python {runtime} on your PATH (or: pyenv install {runtime}), then run:\n"
        "  rm -r .venv && make setup"
    )


def _make_venv(base: str) -> None:
    """Make `.venv` with uv, unless it is there and of the same minor version."""
    python = _python_of(VENV)
    if _version(python) != _version(Path(base)) or not _answers(python, "import pip"):
        _run([base, "-m", "venv", "--clear", str(VENV)], "the environment .venv could not be made.")
    _install_uv(python)


def _installed_by_uv() -> str | None:
    """Have uv install the functions' Python into `.local/python`, and return it; None where it cannot."""
    wanted = _dotted(RUNTIME)
    say(f"Python {wanted} into .local/python")
    environment = {**_environment(), "UV_PYTHON_INSTALL_DIR": str(ROOT / ".local" / "python")}
    for command in (["install", "--no-bin", wanted], ["find", "--managed-python", wanted]):
        ended = subprocess.run([*_uv(), "python", *command], env=environment, stdout=subprocess.PIPE, check=False)
        if ended.returncode:
            return None
    return ended.stdout.decode().strip()


def _install_kit(python: Path) -> None:
    """Put the library on the environment's path, and add the operators' tool as `.venv/bin/countersign`."""
    script = python.parent / "countersign"
    script.write_text(console_script(python), encoding="utf-8")
    script.chmod(0o755)
    for packages in VENV.glob("lib/python*/site-packages"):
        library = ROOT / "layers" / "countersign" / "python"
        (packages / "countersign.pth").write_text(str(library) + "\n", encoding="utf-8")


def console_script(python: Path) -> str:
    """Return the script `countersign`. A shell runs it: a `#!` line takes no path that is long or has spaces."""
    code = f"import sys; sys.path.append({str(ROOT)!r}); from operate.program import main; sys.exit(main())"
    return f'#!/bin/sh\nexec {quote(str(python))} -P -c {quote(code)} "$@"\n'


def set_up_beside(name: str) -> None:
    """Make an environment beside `.venv`, of the same Python, and bring it to exactly what its lock says."""
    environment, lock, what = BESIDE[name]
    say(f"{what} into {environment}")
    python = _python_of(ROOT / environment)
    if _version(python) != _version(_python_of(VENV)):
        command = [*_uv(), "venv", "--quiet", "--clear", "--python", str(_python_of(VENV)), environment]
        _run(command, f"the environment {environment} could not be made.")
    _synchronise(python, ROOT / lock)


def set_up_node() -> None:
    """Install the CDK's command line as the lock says. npm refuses a Node.js that package.json does not allow."""
    for command in ("node", "npm"):
        if shutil.which(command) is None:
            raise SetupError(f"{command} is missing; the AWS CDK runs on it.\n{NODE_ADVICE}")
    say("the AWS CDK's command line into node_modules")
    failure = f"npm could not install the CDK's command line.\n{NETWORK_ADVICE}\n{NODE_ADVICE}"
    _run(["npm", "ci", "--ignore-scripts", "--loglevel=error"], failure)


def locked_entry(lock: Path, package: str) -> str:
    """Return one package's lines of a lock: its exact version and its hashes.

    Raises:
        SetupError: The lock does not have the package.
    """
    entry = re.search(rf"^{re.escape(package)}==.*(?:(?<=\\)\n.*)*", lock.read_text(encoding="utf-8"), re.MULTILINE)
    if entry is None:
        raise SetupError(f"{lock.name} has no {package}: restore the file, or compile it with make lock")
    return entry.group(0) + "\n"


def _install_uv(python: Path) -> None:
    """Put the locked uv into `.venv` by pip: it installs the rest ten times as fast."""
    pin = VENV / "uv.txt"
    pin.write_text(locked_entry(LOCK, "uv"), encoding="utf-8")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--require-hashes"]
    _run([*pip, "--requirement", str(pin)], "pip could not install uv.\n" + NETWORK_ADVICE)


def _synchronise(python: Path, lock: Path) -> None:
    # Without --compile-bytecode: all of aws_cdk would take 15 s and 350 MB; what is imported is compiled then, in 2 s.
    options = ["--quiet", "--require-hashes", "--python", str(python)]
    failure = f"the packages of {lock.relative_to(ROOT)} could not be installed.\n{NETWORK_ADVICE}"
    _run([*_uv(), "pip", "sync", *options, str(lock)], failure)


def _uv() -> list[str]:
    return [str(_python_of(VENV)), "-m", "uv"]


def _python_of(environment: Path) -> Path:
    return environment / "bin" / "python"


def _answers(python: Path, code: str) -> bool:
    """Tell whether an environment's Python runs this code: the Python that it was made from may be gone."""
    return _output(python, code) is not None


def _version(python: Path) -> tuple[int, ...] | None:
    """Return the minor version of a Python, such as (3, 13); None for one that does not run."""
    output = _output(python, "import sys; print(*sys.version_info[:2])")
    return tuple(int(part) for part in output.split()) if output else None


def _output(python: Path, code: str) -> str | None:
    if not python.exists():
        return None
    command = [str(python), "-c", code]
    ended = subprocess.run(command, check=False, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return ended.stdout.decode() if ended.returncode == 0 else None


def _run(command: Sequence[str], failure: str) -> None:
    # Only their errors matter here, and these go to stderr.
    finished = subprocess.run(command, cwd=str(ROOT), env=_environment(), stdout=subprocess.DEVNULL, check=False)
    if finished.returncode:
        raise SetupError(failure)


def _environment() -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
    if "PIP_INDEX_URL" in environment:
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
    return environment


def _newer_python_advice() -> str:
    for minor in range(20, PYTHON_FLOOR[1] - 1, -1):
        name = f"python3.{minor}"
        if (found := shutil.which(name)) and _answers(Path(found), ""):
            return f"  This machine has {name}: run make with PYTHON={name}"
    return (
        "  Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python; https://www.python.org\n"
        "  If it is not the python3 of your PATH, name it: make PYTHON=/path/to/python3"
    )


def _dotted(version: Sequence[int]) -> str:
    return ".".join(map(str, version))


def say(line: str) -> None:
    """Print a line of progress at once, ahead of what the next program prints."""
    print("setup: " + line, flush=True)


STEPS: dict[str, Callable[[], None]] = {
    "python": set_up_python,
    "cloud": partial(set_up_beside, "cloud"),
    "audit": partial(set_up_beside, "audit"),
    "node": set_up_node,
}


def main(arguments: Sequence[str]) -> int:
    """Run the named steps, and stop at the first that fails."""
    unknown = [name for name in arguments if name not in STEPS]
    if unknown or not arguments:
        print(f"usage: python3 -m tools.setup {' | '.join(STEPS)}", file=sys.stderr)
        return 2
    try:
        for name in arguments:
            STEPS[name]()
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
