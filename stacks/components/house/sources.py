"""The code of functions and layers, and the assets that are made of it.

Own code and locked dependencies are separate assets, so that a change of one does not upload the other.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from aws_cdk import aws_lambda as lambda_

from countersign.functions.environment import TABLES_FILE
from tools.bytecode import FUNCTIONS_AT, LAYERS_AT, add_bytecode, missing_runtime, without_bytecode

_NEVER_DEPLOYED = shutil.ignore_patterns("__pycache__", "*.pyc", "tests", "testing")
"""Bytecode that this machine's imports have left, and code for tests."""

_OF_CALLERS = {"client.py", "mcp.py"}
"""The modules of our library that callers and agents run."""


class MissingSourceError(FileNotFoundError):
    """Code to deploy is missing, or was built for another Python."""


@dataclass(frozen=True)
class Entry:
    """The code and the entry point of a function.

    Attributes:
        code: The asset.
        handler: The entry point in Lambda's notation.
        file: Its file in the repository.
    """

    code: lambda_.Code
    handler: str
    file: str


@dataclass(frozen=True)
class Sources:
    """The folders that assets are made of.

    Attributes:
        functions: Holds one folder for each function, each with its `handler.py`.
        code_layer: Our own library, below `python/`.
        vendor_layer: The locked dependencies, below `python/`; made by `make layer`.
        extensions: The folder of extensions.
        extension_workflows: The folders of the workflows in it that the stage deploys.
        extension_files: The files in it that the layer of extensions contains.
    """

    functions: Path
    code_layer: Path
    vendor_layer: Path
    extensions: Path = Path("extensions")
    extension_workflows: tuple[str, ...] = ()
    extension_files: tuple[Path, ...] = ()

    @classmethod
    def of_checkout(cls) -> Sources:
        """Return the folders of the checkout that this file is in."""
        root = Path(__file__).resolve().parents[3]
        return cls(
            functions=root / "lambdas",
            code_layer=root / "layers" / "countersign",
            vendor_layer=root / "build" / "vendor-layer",
            extensions=root / "extensions",
        )

    def function(self, folder: str, module: str, tables: Mapping[str, Any] | None = None) -> Entry:
        """Return the code of one function: `<folder>/**`, importable under the folder's name, and its tables.

        The code of an extension is `extensions/workflows/<folder>/**`, importable under this path.
        """
        if folder in self.extension_workflows:
            place = f"extensions/workflows/{folder}"
            code = _code_of_function(self._compiled_extensions / folder, place, tables)
            return Entry(code, f"{place.replace('/', '.')}.{module}.handler", f"{place}/{module}.py")
        code = _code_of_function(self._compiled_functions / folder, folder, tables)
        return Entry(code, f"{folder}.{module}.handler", f"lambdas/{folder}/{module}.py")

    @cached_property
    def _compiled_functions(self) -> Path:
        """All functions with bytecode: one process for each would take longer than compiling them."""
        return _compiled(self.functions, FUNCTIONS_AT)

    @cached_property
    def _compiled_extensions(self) -> Path:
        """Likewise the workflows of the folder of extensions."""
        return _compiled(self.extensions / "workflows", f"{FUNCTIONS_AT}/extensions/workflows")

    def layer_of_our_code(self) -> lambda_.Code:
        """Return the code of our library, without the modules that no function runs."""
        return lambda_.Code.from_asset(str(_compiled(self.code_layer, LAYERS_AT)))

    @cached_property
    def _copy_of_extensions(self) -> Path | None:
        """A copy of the extension files, laid out as a layer; None without such files."""
        if not self.extension_files:
            return None
        copy = _folder_until_the_end()
        for file in self.extension_files:
            place = copy / "python" / file.relative_to(self.extensions.parent)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
        return copy

    def layer_of_extensions(self) -> lambda_.Code | None:
        """Return the providers, channels and schemas of the stage's extensions; None without any."""
        copy = self._copy_of_extensions
        return lambda_.Code.from_asset(str(_compiled(copy, LAYERS_AT))) if copy else None

    def layer_of_dependencies(self) -> lambda_.Code:
        """Return the locked dependencies.

        Raises:
            MissingSourceError: `make layer` has not been run, or was run by another Python.
        """
        libraries = self.vendor_layer / "python"
        if not libraries.is_dir():
            raise MissingSourceError(f"{libraries} does not exist; run `make layer`, which builds it")
        if not missing_runtime() and (bare := without_bytecode(libraries)):
            raise MissingSourceError(
                f"{libraries} was built by another Python: {len(bare)} modules, such as {bare[0].name}, "
                "have no bytecode for the functions; run `make layer`, which builds it again"
            )
        # Without bytecode of its own, the layer has only what imports on this machine have left.
        return lambda_.Code.from_asset(str(self.vendor_layer), exclude=["*.pyc"] if missing_runtime() else None)


def _code_of_function(folder: Path, place: str, tables: Mapping[str, Any] | None) -> lambda_.Code:
    """Return a folder with bytecode at its place in an asset of its own, with its tables."""
    written = None if tables is None else json.dumps(tables, separators=(",", ":"))
    return lambda_.Code.from_asset(str(_laid_out(folder, place, written)))


@cache
def _laid_out(folder: Path, place: str, tables: str | None) -> Path:
    copy = _folder_until_the_end()
    shutil.copytree(folder, copy / place)
    if tables is not None:
        (copy / TABLES_FILE).write_text(tables, encoding="utf-8")
    return copy


def _compiled(folder: Path, deployed_at: str) -> Path:
    """Return a copy of a folder with bytecode; the same one while no file of it has changed."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        digest.update(f"{file.relative_to(folder)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return _copy_with_bytecode(folder, deployed_at, digest.hexdigest())


@cache
def _copy_with_bytecode(folder: Path, deployed_at: str, _content: str) -> Path:
    copy = _folder_until_the_end() / folder.name
    shutil.copytree(folder, copy, ignore=_left_out)
    add_bytecode(copy, deployed_at)
    return copy


def _left_out(folder: str, names: list[str]) -> set[str]:
    of_callers = _OF_CALLERS & set(names) if folder.endswith("python/countersign") else set()
    return _NEVER_DEPLOYED(folder, names) | of_callers


def _folder_until_the_end() -> Path:
    """Return a new folder, removed when the process ends. The CDK copies an asset when its construct is created."""
    folder = Path(tempfile.mkdtemp(prefix="countersign-asset-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
