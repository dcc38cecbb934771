"""Record a release: `make release VERSION=0.1.0` writes `tests/compat/<version>/`, which never changes afterwards.

The folder has what later code must understand, and what must understand later code:

- `samples.json`: ledgers and envelopes that the release wrote, and the facts that it reads in them;
- `histories/`: the operations of each workflow, for `make upgrade-check`;
- the library as a wheel, and `reader.py`, which reads a sample with it;
- `functions.zip`: the folder `lambdas`, which the rolling test deploys with that library;
- `SHA256SUMS`.
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.soak.samples import sampled
from operate.terminal import Terminal
from tests.compat import reader
from tools import histories
from tools.sealed import seal

ROOT = Path(__file__).resolve().parents[1]
RELEASES = ROOT / "tests" / "compat"
LIBRARY = ROOT / "layers" / "countersign" / "python"

_VERSION = re.compile(r"\d+\.\d+\.\d+")
_EPOCH = (1980, 1, 1, 0, 0, 0)


class ReleaseError(Exception):
    """The release cannot be recorded; the message says why, and what to do."""


def record(version: str, folder: Path) -> None:
    """Write everything of a release into a new folder."""
    folder.mkdir(parents=True)
    written = [todays(sample.items, sample.envelopes) for sample in sampled()[0]]
    (folder / "samples.json").write_text(json.dumps(written, sort_keys=True, separators=(",\n", ":")) + "\n", "utf-8")
    shutil.copyfile(reader.__file__, folder / "reader.py")
    histories.record_kit(folder / "histories")
    build_wheel(version, folder)
    pack_functions(folder)
    seal(folder)


def todays(items: list[dict[str, Any]], envelopes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a sample with the facts that today's code reads in it, as JSON has them."""
    said = reader.facts(items, envelopes)
    document: dict[str, Any] = json.loads(
        json.dumps({"items": items, "envelopes": envelopes, "facts": said}, default=str)
    )
    return document


def read_with(folder: Path, sample: dict[str, Any]) -> Any:
    """Return the facts that a release's library reads in a sample.

    Raises:
        subprocess.CalledProcessError: The library cannot read it; standard error says why.
    """
    (wheel,) = folder.glob("*.whl")
    with tempfile.TemporaryDirectory() as library:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(library)
        ended = subprocess.run(
            [sys.executable, str(folder / "reader.py"), library],
            input=json.dumps(sample),
            check=True,
            capture_output=True,
            text=True,
        )
    return json.loads(ended.stdout)


def build_wheel(version: str, folder: Path) -> Path:
    """Write the library, without its tools for tests, into a wheel.

    Callers install `countersign.client` from it, and with the extra `mcp` also `countersign.mcp`.
    https://packaging.python.org/specifications/binary-distribution-format/
    """
    info = f"countersign-{version}.dist-info"
    files = {
        str(file.relative_to(LIBRARY)): file.read_bytes()
        for file in sorted(LIBRARY.rglob("*"))
        if file.is_file() and not {"__pycache__", "testing"} & set(file.relative_to(LIBRARY).parts)
    }
    metadata = f"Metadata-Version: 2.1\nName: countersign\nVersion: {version}\nRequires-Dist: botocore\n"
    metadata += "Provides-Extra: mcp\nRequires-Dist: mcp (>=2.3,<3); extra == 'mcp'\n"
    files[f"{info}/METADATA"] = metadata.encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: countersign\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    lines = [f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items()]
    files[f"{info}/RECORD"] = "".join([*lines, f"{info}/RECORD,,\n"]).encode()
    return _packed(folder / f"countersign-{version}-py3-none-any.whl", files)


def pack_functions(folder: Path, root: Path = ROOT) -> Path:
    """Write the functions of a checkout into an archive."""
    files = {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in sorted((root / "lambdas").rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }
    return _packed(folder / "functions.zip", files)


def _packed(archive: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into an archive that has the same bytes each time."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return archive


def require_ready(version: str, root: Path = ROOT) -> None:
    """Check that the version is new, and that the documents describe it.

    Raises:
        ReleaseError: Something is missing.
    """
    if not _VERSION.fullmatch(version):
        raise ReleaseError(f"VERSION={version}: allowed are three numbers, such as VERSION=0.1.0")
    if (root / "tests" / "compat" / version).exists():
        raise ReleaseError(
            f"the release {version} is recorded already, and a release does not change: take a new number"
        )
    declared = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    if declared != version:
        raise ReleaseError(f'pyproject.toml has the version {declared}: write version = "{version}"')
    for name, heading in {"CHANGELOG.md": f"## [{version}] - ", "docs/upgrading.md": f"### {version}"}.items():
        if f"\n{heading}" not in (root / name).read_text("utf-8"):
            raise ReleaseError(
                f"{name} has no section of this release: add one that begins with `{heading.strip(' -')}`"
            )


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def main(version: str) -> int:
    """Record a release; return the exit status."""
    terminal, folder = Terminal(), RELEASES / version
    try:
        require_ready(version)
    except ReleaseError as error:
        terminal.error(str(error))
        return 1
    record(version, folder)
    terminal.say(f"Recorded {folder.relative_to(ROOT)}. Next: commit it, then git tag v{version}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
