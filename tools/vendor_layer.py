"""Build the vendor layer: the functions' third-party libraries, locked, pure Python, cut to what is used.

The layer is built without Docker from wheels for the Lambda platform, into `build/vendor-layer/python`. It holds no
machine code, so that one build serves arm64, x86 and the laptop; and it holds bytecode, if this is the functions'
Python. It is byte-identical whenever it is built from the same inputs: the lock, the list of services and this file.

Run `python -m tools.vendor_layer`.
"""

import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tools.bytecode import LAYERS_AT, add_bytecode
from tools.setup import RUNTIME

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "layers" / "vendor" / "requirements.txt"
SERVICES = ROOT / "layers" / "vendor" / "services.txt"
LAYER = ROOT / "build" / "vendor-layer"

SIZE_LIMIT_BYTES = 12_000_000
ZIPPED_LIMIT_BYTES = 4_000_000
"""The largest sizes of the layer: a cold start fetches and unpacks it."""

COMPILED = (".so", ".pyd", ".dylib")

_LAMBDA_PLATFORM = ("--python-platform", "aarch64-manylinux2014", "--python-version", "{}.{}".format(*RUNTIME))

_UNUSED = (
    # Compiled: no library in use needs such a part.
    *(f"**/*{suffix}" for suffix in COMPILED),
    "**/*.c",
    # Left behind by the installation. RECORD lists files that were removed here.
    "bin",
    ".lock",
    "**/.gitignore",
    "**/__pycache__",
    *(f"*.dist-info/{name}" for name in ("RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json", "zip-safe")),
    # For type checkers and readers, not for programs.
    "**/*.pyi",
    "**/py.typed",
    "boto3/examples",
    "botocore/data/*/*/examples-1.json",
)


class LayerError(Exception):
    """The layer cannot be built; the message says why and what to do."""


def listed_services(path: Path = SERVICES) -> frozenset[str]:
    """Return the services of the allow-list, by botocore's names: one a line, `#` starts a comment."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(line for line in lines if line)


def build(target: Path) -> None:
    """Build the layer into a directory, replacing it as a whole or not at all.

    Args:
        target: The layer's directory; the libraries go into its `python` folder, where Lambda expects them.

    Raises:
        LayerError: The libraries could not be installed, or the allow-list names a service that botocore does not have.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        layer = Path(scratch) / "new"
        libraries = layer / "python"
        _install(libraries)
        _cut(libraries, listed_services())
        add_bytecode(layer, LAYERS_AT)
        _normalise(layer)
        if target.exists():
            target.rename(Path(scratch) / "old")
        layer.rename(target)


def size(directory: Path) -> int:
    """Return the total size of a directory's files, in bytes."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def zipped_size(directory: Path) -> int:
    """Return the size of a directory's files as a zip archive, in bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        return Path(shutil.make_archive(f"{scratch}/layer", "zip", directory)).stat().st_size


def _install(libraries: Path) -> None:
    command = [
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-config", "--require-hashes"),
        *("--only-binary", ":all:", *_LAMBDA_PLATFORM),
        # uv would link files from its cache, and the cut below would then change the cache.
        *("--link-mode", "copy", "--target", str(libraries), "--requirement", str(LOCK)),
    ]
    if subprocess.run(command, check=False).returncode:
        raise LayerError(
            "the vendor layer could not be installed: the reason stands above; uv needs network or its cache"
        )


def _cut(libraries: Path, services: frozenset[str]) -> None:
    for pattern in _UNUSED:
        for path in list(libraries.glob(pattern)):
            _remove(path)
    models = libraries / "botocore" / "data"
    if unknown := sorted(services - {path.name for path in models.iterdir()}):
        raise LayerError(f"{SERVICES.name} lists {', '.join(unknown)}; allowed are botocore's names, such as sesv2")
    _cut_models(models, services)
    _cut_models(libraries / "boto3" / "data", services)
    _cut_endpoints(models, services)


def _cut_models(data: Path, services: frozenset[str]) -> None:
    """Keep the newest model of each service in use, which is the one that botocore loads.

    The kept models are unpacked and lose their documentation: a client is then made a quarter sooner than from a
    gzipped model, for 0.2 MB more (1.7 MB more with the documentation).
    """
    for service in [path for path in data.iterdir() if path.is_dir()]:
        versions = sorted(service.iterdir())
        for unused in versions[:-1] if service.name in services else [service]:
            _remove(unused)
    for packed in list(data.rglob("*.json.gz")):
        model = json.loads(gzip.decompress(packed.read_bytes()))
        _write_json(packed.with_suffix(""), without_documentation(model))
        packed.unlink()


def without_documentation(model: Any) -> Any:
    """Return a service model, or a part of one, without its texts for people.

    The texts of a client's parameters stay: botocore reads them at the first call of the client.
    """
    if isinstance(model, dict):
        texts = {key for key, value in model.items() if key == "documentation" and isinstance(value, str)}
        return {
            key: value if key == "clientContextParams" else without_documentation(value)
            for key, value in model.items()
            if key not in texts
        }
    if isinstance(model, list):
        return [without_documentation(part) for part in model]
    return model


def _cut_endpoints(models: Path, services: frozenset[str]) -> None:
    """Cut the table of endpoints to the services in use.

    botocore parses the whole table, 1.2 MB for 300 services, before a process has its first client: cut, that client is
    made in half the time. A service without a row would get its partition's default form of host name.
    """
    path = models / "endpoints.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    prefixes = set(_endpoint_prefixes(models, services))
    for partition in table["partitions"]:
        partition["services"] = {name: row for name, row in partition["services"].items() if name in prefixes}
    _write_json(path, table)


def _endpoint_prefixes(models: Path, services: Iterable[str]) -> Iterator[str]:
    for service in services:
        (model,) = (models / service).glob("*/service-2.json")
        yield json.loads(model.read_text(encoding="utf-8"))["metadata"]["endpointPrefix"]


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")


def _normalise(layer: Path) -> None:
    """Give every file the same mode, whatever the builder's umask and the wheels say."""
    for path in layer.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def main() -> int:
    """Build the layer, and print its size."""
    try:
        build(LAYER)
    except LayerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    sizes = f"{size(LAYER) / 1e6:.1f} MB, {zipped_size(LAYER) / 1e6:.1f} MB zipped"
    print(f"vendor layer: {sizes}, in {LAYER.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
