"""Bring changed code onto the embedded cloud without the CDK: `python -m local watch`, which is `make watch`.

It does what `cdk deploy` does for code: it updates a function's code, or publishes a new version of a layer, and moves
the alias of a durable function to a new version. Running executions keep the version with which they started. Before
an upload, a separate process imports the changed modules.
"""

from __future__ import annotations

import functools
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.request import ProxyHandler, build_opener

from botocore.exceptions import BotoCoreError, ClientError
from watchfiles import watch

from countersign.functions.environment import TABLES_FILE
from local.deploy import VENDOR_LAYER
from operate.embedded import aws
from operate.embedded.cloud import ROOT, Cloud
from operate.terminal import Terminal
from tools.bytecode import FUNCTIONS_AT, LAYERS_AT, add_bytecode

WATCHED = ("app.py", "cdk.json", "extensions", "lambdas", "layers", "settings", "stacks")

_LIBRARY = "layers/countersign/"
_NOT_DEPLOYED = re.compile(r"extensions/(tests/.*|[^/]*)|.*/(tests|testing|__pycache__)/.*|.*\.md")

_TRIAL = """
import importlib, json, pathlib, sys
files, modules = (words.split() for words in sys.argv[1:])
for file in map(pathlib.Path, files):
    if file.suffix == ".py":
        compile(file.read_bytes(), file, "exec")
    if file.suffix == ".json":
        try:
            json.loads(file.read_bytes())
        except ValueError as error:
            sys.exit(f'  File "{file}", line {getattr(error, "lineno", 1)}\\n{type(error).__name__}: {error}')
for module in modules:
    importlib.import_module(module)
"""
"""On a failure, prints the file and the line as a traceback does, the last place last."""


class WatchError(Exception):
    """Code cannot be imported, and is not live if it has changed; the message has the place and the error."""


@dataclass(frozen=True)
class Function:
    """A deployed function.

    Attributes:
        name: Its name.
        module: The module of its handler.
        layers: The ARNs of its layers' versions.
    """

    name: str
    module: str
    layers: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Its folder in the checkout, with a slash at the end."""
        folder = "/".join(self.module.split(".")[:-1])
        return f"{folder}/" if folder.startswith("extensions/") else f"lambdas/{folder}/"

    @property
    def file(self) -> str:
        """The file of its module in the checkout."""
        return f"{self.folder}{self.module.rpartition('.')[2]}.py"


@dataclass(frozen=True)
class Layer:
    """A layer that functions run on.

    Attributes:
        name: Its name.
        files: The deployed files without bytecode, as paths in the layer.
    """

    name: str
    files: frozenset[str]

    @property
    def is_library(self) -> bool:
        """Whether it is the kit's library, of which every file is deployed."""
        return "python/countersign/__init__.py" in self.files

    def has(self, file: str) -> bool:
        """Tell whether a file of the checkout is deployed in it."""
        return file.startswith(_LIBRARY) if self.is_library else f"python/{file}" in self.files

    def sources(self, root: Path) -> dict[str, Path]:
        """Return the checkout's files for it, by their paths in the layer."""
        if self.is_library:
            return _files(root / _LIBRARY, root / _LIBRARY)
        return {file: root / file.removeprefix("python/") for file in sorted(self.files)}


class Live:
    """The deployed code of a running cloud.

    Attributes:
        root: The checkout.
    """

    def __init__(self, endpoint_url: str, root: Path = ROOT) -> None:
        self.root = root
        self._layers: dict[str, Layer] = {}
        self._versions: dict[str, str] = {}
        self._endpoint_url = endpoint_url
        self._lambda = aws.client("lambda", endpoint_url)

    def bring(self, changed: Iterable[str]) -> tuple[list[str], list[str]]:
        """Make changed files live.

        Args:
            changed: Their paths in the checkout.

        Returns:
            The modules that now run new code, and the changed files that need a deploy.

        Raises:
            WatchError: A file cannot be read or imported; no part of the change is live.
        """
        files = sorted(file for file in changed if not _NOT_DEPLOYED.fullmatch(file))
        functions = self._functions()
        layers = [layer for layer in self._layers_of(functions) if any(map(layer.has, files))]
        on_them = {layer.name for layer in layers}
        own = [function for function in functions if any(file.startswith(function.folder) for file in files)]
        stale = [function for function in functions if function in own or on_them & set(map(_name, function.layers))]
        self._try(files, stale)
        versions = {layer.name: self._publish(layer) for layer in layers}
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda function: self._update(function, versions, with_code=function in own), stale))
        folders = tuple(function.folder for function in own)
        rest = [file for file in files if not file.startswith(folders) and not any(layer.has(file) for layer in layers)]
        return sorted({function.module for function in stale}), rest

    def check(self) -> None:
        """Import the module of every function, as Lambda does before its first invocation.

        Raises:
            WatchError: A module cannot be imported.
        """
        self._try((), self._functions())

    def _functions(self) -> list[Function]:
        """Return the functions whose modules the checkout has."""
        pages = self._lambda.get_paginator("list_functions").paginate()
        found = [
            Function(
                each["FunctionName"],
                each["Handler"].rpartition(".")[0],
                tuple(layer["Arn"] for layer in each.get("Layers", ())),
            )
            for page in pages
            for each in page["Functions"]
        ]
        return [function for function in found if (self.root / function.file).is_file()]

    def _layers_of(self, functions: Sequence[Function]) -> Collection[Layer]:
        for name, arn in {_name(arn): arn for function in functions for arn in function.layers}.items():
            if self._versions.get(name) != arn:  # a deploy may have added files
                with _unpacked(self._lambda.get_layer_version_by_arn(Arn=arn)["Content"]["Location"]) as archive:
                    files = (each for each in archive.namelist() if not each.endswith(("/", ".pyc")))
                    self._layers[name] = Layer(name, frozenset(files))
                self._versions[name] = arn
        return self._layers.values()

    def _try(self, files: Sequence[str], functions: Sequence[Function]) -> None:
        """Import the changed modules with the deployed libraries."""
        there = [file for file in files if (self.root / file).is_file()]
        command = [sys.executable, "-S", "-c", _TRIAL, "\n".join(there), "\n".join(f.module for f in functions)]
        places = (self.root / "lambdas", self.root / _LIBRARY / "python", VENDOR_LAYER, self.root)
        environment = aws.variables(self._endpoint_url) | {"PYTHONPATH": os.pathsep.join(map(str, places))}
        tried = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return
        problem = tried.stderr.strip().rpartition("\n")[2]
        for file, line in reversed(re.findall(r'File "(.+?)", line (\d+)', tried.stderr)):
            place = self.root / file
            if place.is_file() and place.is_relative_to(self.root) and VENDOR_LAYER not in place.parents:
                problem = f"{place.relative_to(self.root)}:{line}: {problem}"
                break
        raise WatchError(problem)

    def _publish(self, layer: Layer) -> str:
        content = {"ZipFile": _zipped(layer.sources(self.root), LAYERS_AT)}
        arn: str = self._lambda.publish_layer_version(LayerName=layer.name, Content=content)["LayerVersionArn"]
        self._versions[layer.name] = arn
        return arn

    def _tables(self, name: str) -> dict[str, bytes]:
        """Return the deployed tables of a function, which the stage's settings make and the checkout lacks."""
        with _unpacked(self._lambda.get_function(FunctionName=name)["Code"]["Location"]) as archive:
            return {TABLES_FILE: archive.read(TABLES_FILE)} if TABLES_FILE in archive.namelist() else {}

    def _update(self, function: Function, versions: Mapping[str, str], *, with_code: bool) -> None:
        name = function.name
        if with_code:
            base = self.root / "lambdas" if function.folder.startswith("lambdas/") else self.root
            code = _zipped(_files(self.root / function.folder, base), FUNCTIONS_AT, self._tables(name))
            self._lambda.update_function_code(FunctionName=name, ZipFile=code)
        if versions:
            layers = [versions.get(_name(arn), arn) for arn in function.layers]
            self._lambda.update_function_configuration(FunctionName=name, Layers=layers)
        for alias in self._lambda.list_aliases(FunctionName=name)["Aliases"]:
            version = self._lambda.publish_version(FunctionName=name)["Version"]
            self._lambda.update_alias(FunctionName=name, Name=alias["Name"], FunctionVersion=version)


def code() -> list[str]:
    """Return every file of the checkout that a function may use."""
    folders = ("lambdas", _LIBRARY, "extensions")
    files = (file for folder in folders for file in (ROOT / folder).rglob("*") if file.is_file())
    return [str(file.relative_to(ROOT)) for file in files]


_direct = build_opener(ProxyHandler({}))
"""Opens URLs of the embedded cloud, past any proxy."""

live = functools.cache(Live)
"""Returns the deployed code of the cloud at an endpoint; cached, because it knows the layers' content."""


def run(home: Path, terminal: Terminal) -> None:
    """Bring each change of the checkout onto the cloud until a signal comes; try failed changes again with the next."""
    pending: set[str] = set()
    bring(home, pending, terminal)  # reports a missing cloud, and reads the layers before the first change
    for changes in watch(*(ROOT / name for name in WATCHED), step=50):
        pending |= {str(Path(path).relative_to(ROOT)) for _, path in changes}
        if bring(home, pending, terminal):
            pending.clear()


def bring(home: Path, files: Collection[str], terminal: Terminal, root: Path = ROOT) -> bool:
    """Bring files onto the running cloud, and print the result.

    Args:
        home: The cloud's folder.
        files: Their paths in the checkout.
        terminal: Prints the result.
        root: The checkout.

    Returns:
        False if the files must be tried again.
    """
    began, what = time.monotonic(), _listed(files) or "the checkout"
    cloud = Cloud.read(home)
    if cloud is None:
        terminal.error(f"{what} is not live: the embedded cloud is not up", "Run `make up`.")
        return False
    try:
        modules, missing = live(cloud.endpoint_url, root).bring(files)
    except WatchError as error:
        terminal.error(str(error), "Correct the file and save it. Until then the cloud keeps its code.")
        return False
    except (BotoCoreError, ClientError, OSError) as error:
        terminal.error(f"{what} is not live: {error}", "If the embedded cloud has ended, run `make up`.")
        return False
    if modules:
        terminal.done("live", f"{_listed(modules)}, in {time.monotonic() - began:.1f} seconds")
    if missing:
        terminal.error(f"{_listed(missing)} changed: that needs a deploy", "Run `make up`.")
    return True


def _listed(names: Collection[str]) -> str:
    first = sorted(names)[:3]
    return ", ".join(first) + (f" and {len(names) - len(first)} more" if len(names) > len(first) else "")


def _name(layer_version_arn: str) -> str:
    return layer_version_arn.split(":")[6]


def _files(folder: Path, base: Path) -> dict[str, Path]:
    """Return the deployed files of a folder, by their paths below the asset's base."""
    files = {str(file.relative_to(base)): file for file in sorted(folder.rglob("*")) if file.is_file()}
    return {name: file for name, file in files.items() if not _NOT_DEPLOYED.fullmatch(f"/{name}")}


def _unpacked(url: str) -> zipfile.ZipFile:
    with _direct.open(url) as packed:
        return zipfile.ZipFile(io.BytesIO(packed.read()))


def _zipped(files: Mapping[str, Path], deployed_at: str, more: Mapping[str, bytes] = MappingProxyType({})) -> bytes:
    """Return files as an archive, with the bytecode of the modules among them."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "asset")
        for name, file in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / name)
        for name, content in more.items():
            (folder / name).write_bytes(content)
        add_bytecode(folder, deployed_at)
        return Path(shutil.make_archive(f"{scratch}/code", "zip", folder)).read_bytes()
