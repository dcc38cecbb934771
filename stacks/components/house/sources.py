"""The code of functions and layers, and the assets that are made of it.

Own code and locked dependencies are separate assets, so that a change of one does not upload the other.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aws_cdk import IgnoreMode
from aws_cdk import aws_lambda as lambda_

from countersign.functions.environment import TABLES_FILE

_BYTECODE = ["__pycache__", "*.pyc"]
"""Bytecode differs from machine to machine, and would change the asset hash."""


class MissingSourceError(FileNotFoundError):
    """Code to deploy is missing."""


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
            code = _asset(self.extensions.parent, only=place, but=["tests"], tables=tables)
            return Entry(code, f"{place.replace('/', '.')}.{module}.handler", f"{place}/{module}.py")
        code = _asset(self.functions, only=folder, tables=tables)
        return Entry(code, f"{folder}.{module}.handler", f"lambdas/{folder}/{module}.py")

    def layer_of_our_code(self) -> lambda_.Code:
        """Return the code of our library, without the `testing` module."""
        return _asset(self.code_layer, only="python", but=["/python/countersign/testing"])

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
        return _asset(self._copy_of_extensions, only="python") if self._copy_of_extensions else None

    def layer_of_dependencies(self) -> lambda_.Code:
        """Return the locked dependencies.

        Raises:
            MissingSourceError: `make layer` has not been run.
        """
        if not (self.vendor_layer / "python").is_dir():
            raise MissingSourceError(f"{self.vendor_layer}/python does not exist; run `make layer`, which builds it")
        return _asset(self.vendor_layer, only="python")


def _asset(
    folder: Path, *, only: str, but: Sequence[str] = (), tables: Mapping[str, Any] | None = None
) -> lambda_.Code:
    if tables is not None:
        copy = _folder_until_the_end()
        shutil.copytree(folder / only, copy / only, ignore=shutil.ignore_patterns(*_BYTECODE, *but))
        (copy / TABLES_FILE).write_text(json.dumps(tables, separators=(",", ":")), encoding="utf-8")
        return lambda_.Code.from_asset(str(copy))
    parents = [str(parent) for parent in Path(only).parents][-2::-1]
    inside = [pattern for parent in parents for pattern in (f"!/{parent}", f"/{parent}/*")]
    return lambda_.Code.from_asset(
        str(folder), exclude=["/*", *inside, f"!/{only}", *_BYTECODE, *but], ignore_mode=IgnoreMode.GIT
    )


def _folder_until_the_end() -> Path:
    """Return a new folder, removed when the process ends. The CDK copies an asset when its construct is created."""
    folder = Path(tempfile.mkdtemp(prefix="countersign-asset-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
