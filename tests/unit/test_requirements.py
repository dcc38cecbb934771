"""The locks: exact and hashed versions, consistent with each other, without a registry."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "layers/vendor"
LOCKS = [
    *(ROOT / "requirements.txt", VENDOR / "requirements.txt", ROOT / "local/requirements.txt"),
    ROOT / "tools/requirements.txt",
]
NPM_LOCK = ROOT / "package-lock.json"


def name_of(lock: Path) -> str:
    return str(lock.relative_to(ROOT))


def entries(lock: Path) -> list[str]:
    """Return the entries of a lock, with joined lines and without comments."""
    joined = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def pins(lock: Path) -> dict[str, set[str]]:
    """Return the versions of each package. Pythons and platforms may need different ones."""
    found: dict[str, set[str]] = {}
    for entry in entries(lock):
        requirement = Requirement(entry.partition("--hash")[0])
        found.setdefault(canonicalize_name(requirement.name), set()).add(str(requirement.specifier))
    return found


def wanted(source: Path) -> list[Requirement]:
    """Return the requirements of a list, including those of included lists."""
    found: list[Requirement] = []
    for line in source.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            found += wanted(ROOT / text.removeprefix("-r ").strip())
        elif text:
            found.append(Requirement(text))
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=name_of)
def test_every_entry_of_a_lock_is_exact_and_has_hashes(lock: Path) -> None:
    assert entries(lock)
    for entry in entries(lock):
        assert re.match(r"[a-z0-9.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize("lock", [*LOCKS, NPM_LOCK], ids=name_of)
def test_no_lock_names_a_registry(lock: Path) -> None:
    assert not re.findall(r"https?://\S+|--index-url|--find-links", lock.read_text(encoding="utf-8"))


@pytest.mark.parametrize("lock", LOCKS, ids=name_of)
def test_a_lock_satisfies_its_list_of_exact_pins_with_reasons(lock: Path) -> None:
    locked, source = pins(lock), lock.with_suffix(".in")
    for requirement in wanted(source):
        assert locked.get(canonicalize_name(requirement.name)) == {str(requirement.specifier)}, requirement
    for line in source.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            assert re.match(r"-r |[\w.\[\],-]+==[\w.]+\s", line), line
            assert line.partition("#")[2].strip(), f"{line}: a comment says why it is here"


def test_the_functions_are_tested_with_the_deployed_versions() -> None:
    tested, deployed = pins(LOCKS[0]), pins(VENDOR / "requirements.txt")
    assert {package: tested.get(package) for package in deployed} == deployed


def test_the_cdk_command_line_is_pinned_exactly() -> None:
    pinned = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]["aws-cdk"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", pinned)
    locked = json.loads(NPM_LOCK.read_text(encoding="utf-8"))["packages"]["node_modules/aws-cdk"]
    assert locked["version"] == pinned
    assert locked["integrity"].startswith("sha512-")


def test_mypy_follows_every_service_of_the_cdk_that_is_used() -> None:
    """Without an entry in pyproject.toml, a service has no types and mypy does not check its use."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]["overrides"]
    followed = {module for entry in overrides if entry.get("follow_imports") == "normal" for module in entry["module"]}
    sources = [ROOT / "app.py", *(ROOT / "stacks").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    code = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    used = set(
        re.findall(r"^\s*(?:from aws_cdk import|from aws_cdk\.|import aws_cdk\.)\s*(aws_\w+)", code, re.MULTILINE)
    )
    assert {f"aws_cdk.*.{service}.*" for service in used} <= followed
