"""Where the code of functions and layers is, and what of it goes into an asset.

Own code and locked dependencies are separate assets, so that a change of one does not upload the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk import aws_lambda as lambda_

from countersign.providers.base import schemes

_BYTECODE = ["__pycache__", "*.pyc"]
"""Written by whoever imported the code last: it would give every machine another asset hash."""


class MissingSourceError(FileNotFoundError):
    """Code that is to be deployed is not there."""


@dataclass(frozen=True)
class Sources:
    """The folders that assets are made of.

    Attributes:
        functions: Holds one folder for each function, each with its `handler.py`.
        code_layer: Our own library, below `python/`.
        vendor_layer: The locked dependencies, below `python/`; made by `make layer`.
    """

    functions: Path
    code_layer: Path
    vendor_layer: Path

    @classmethod
    def of_checkout(cls) -> Sources:
        """Return the folders of the checkout that this file is in."""
        root = Path(__file__).resolve().parents[3]
        return cls(
            functions=root / "lambdas",
            code_layer=root / "layers" / "countersign",
            vendor_layer=root / "build" / "vendor-layer",
        )

    def function(self, folder: str, module: str) -> lambda_.Code:
        """Return the code of one function: `<folder>/**`, importable under the folder's name.

        Raises:
            MissingSourceError: The folder has no such module.
        """
        handler = self.functions / folder / f"{module}.py"
        if not handler.is_file():
            raise MissingSourceError(
                f"{handler} does not exist; write it, or correct the name of the function's folder"
            )
        return _asset(self.functions, only=folder)

    def contract(self, name: str) -> str:
        """Return the name of a workflow's input contract, once it is known to be in our library.

        Raises:
            MissingSourceError: Our library has no such schema.
        """
        schema = self.code_layer / "python" / "countersign" / "contracts" / "schemas" / f"{name}.input.json"
        if not schema.is_file():
            raise MissingSourceError(
                f'{schema} does not exist; write it, or name another workflow\'s: contract = "<name>"'
                " in the workflow's settings"
            )
        return name

    def scheme(self, name: str) -> str:
        """Return the name of a provider's scheme, once its module is known to be in our library.

        Raises:
            MissingSourceError: Our library has no such module; names those that there are.
        """
        folder = self.code_layer / "python" / "countersign" / "providers"
        if name not in schemes():
            raise MissingSourceError(
                f"{folder / name}.py does not exist; write it, or name one of these as the provider's scheme in the"
                f" settings: {', '.join(schemes())}"
            )
        return name

    def layer_of_our_code(self) -> lambda_.Code:
        """Return the code of our library."""
        return _asset(self.code_layer, only="python")

    def layer_of_dependencies(self) -> lambda_.Code:
        """Return the locked dependencies.

        Raises:
            MissingSourceError: They were not built.
        """
        if not (self.vendor_layer / "python").is_dir():
            raise MissingSourceError(f"{self.vendor_layer}/python does not exist; run `make layer`, which builds it")
        return _asset(self.vendor_layer, only="python")


def _asset(folder: Path, *, only: str) -> lambda_.Code:
    return lambda_.Code.from_asset(
        str(folder),
        exclude=["/*", f"!/{only}", *_BYTECODE],
        ignore_mode=IgnoreMode.GIT,
    )
