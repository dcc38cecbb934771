"""Find and check a fork's own code: the modules of `extensions/` that the settings of a stage name.

Other files of that folder are not read, imported or deployed. A name of the kit's own is refused, so that a release of
the kit never changes which code runs.
"""

from __future__ import annotations

import ast
import contextlib
import json
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from countersign.channels.base import KIT as CHANNELS
from countersign.channels.base import Channel
from countersign.providers.base import Provider, load, schemes

FOLDER = Path(__file__).resolve().parents[2] / "extensions"
"""Its parent is on the import path: the code's name, `extensions.providers.…`, is the same here and deployed."""

_SUCH_AS = {frozenset: 'frozenset({"url"})', bool: "True"}

_KIT = FOLDER.parent
_SCHEMAS = _KIT / "layers" / "countersign" / "python" / "countersign" / "contracts" / "schemas"


class ExtensionError(ValueError):
    """An extension cannot be deployed.

    Attributes:
        file: The file, or the folder.
        line: The line in it; 0 for the whole file.
        problem: The mistake.
        fix: The correction.
    """

    def __init__(self, file: Path, problem: str, fix: str, line: int = 0) -> None:
        self.file, self.line, self.problem, self.fix = file, line, problem, fix
        super().__init__(f"{file}{f':{line}' if line else ''}: {problem}; fix: {fix}")


@dataclass(frozen=True)
class Extensions:
    """The extensions of a stage.

    Attributes:
        providers: The modules of schemes.
        workflows: The folders of workflows.
        channels: The modules of channels.
    """

    providers: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    @classmethod
    def named(
        cls, *, schemes: Iterable[str], functions: Iterable[tuple[str, str]], channels: Iterable[str]
    ) -> Extensions:
        """Find and check the extensions that settings name; leave out the kit's own names.

        Args:
            schemes: The schemes of providers.
            functions: Folder and module of each workflow's function.
            channels: The channels of messages.

        Raises:
            ExtensionError: An extension cannot be deployed.
        """
        return cls(
            tuple(sorted({name for name in schemes if _provider(name)})),
            tuple(sorted({name for name, module in functions if _workflow(name, module)})),
            tuple(sorted(name for name in channels if channel(name))),
        )

    @property
    def files(self) -> list[Path]:
        """The files of the extensions' layer: providers, channels, and the schemas of workflows."""
        schemas = (file for name in self.workflows for file in sorted((FOLDER / "workflows" / name).glob("*.json")))
        modules = (("providers", self.providers), ("channels", self.channels))
        return [*(FOLDER / folder / f"{name}.py" for folder, names in modules for name in names), *schemas]


NO_EXTENSIONS = Extensions()


def provider(scheme: str) -> Provider | None:
    """Return the provider of a scheme, from the kit or an extension; None if neither has it.

    Raises:
        ExtensionError: The extension cannot be deployed.
    """
    return _provider(scheme) or (load(scheme) if scheme in schemes() else None)


def has_function(folder: str, module: str) -> bool:
    """Tell whether a workflow's function exists, in the kit or in an extension. It is not imported."""
    return any((each / folder / f"{module}.py").is_file() for each in (_KIT / "lambdas", FOLDER / "workflows"))


def has_contract(name: str) -> bool:
    """Tell whether an input's schema exists, in the kit or in an extension."""
    own = FOLDER / "workflows" / name.replace("-", "_") / "input.json"
    return own.is_file() or (_SCHEMAS / f"{name}.input.json").is_file()


def channel(name: str) -> Channel | None:
    """Return an extension's channel; None if no extension has this name.

    Raises:
        ExtensionError: The extension cannot be deployed.
    """
    found: Channel | None = _instance(Channel, FOLDER / "channels" / f"{name}.py", taken=name in CHANNELS)
    return found


def _provider(scheme: str) -> Provider | None:
    found: Provider | None = _instance(Provider, FOLDER / "providers" / f"{scheme}.py", taken=scheme in schemes())
    return found


def _instance(kind: type, file: Path, *, taken: bool) -> Any:
    """Return the instance of a door's class that a module exports under the class's name in capitals."""
    if not _is_there(file, taken=taken):
        return None
    name = kind.__name__
    found = _export(file, name.upper(), lambda value: isinstance(value, kind), f"an instance of {name}")
    for attribute, allowed in (("settings", frozenset), ("has_secret", bool)):
        value: Any = getattr(found, attribute, allowed())
        if not isinstance(value, allowed):
            problem = f"`{attribute}` of its `{name.upper()}` is {value!r}"
            raise ExtensionError(file, problem, f"let it be a {allowed.__name__}, such as {_SUCH_AS[allowed]}")
    return found


def _workflow(name: str, module: str) -> bool:
    folder = FOLDER / "workflows" / name
    contract = name.replace("_", "-")
    taken = (_KIT / "lambdas" / name).is_dir() or (_SCHEMAS / f"{contract}.input.json").is_file()
    if not _is_there(folder, taken=taken):
        return False
    file = folder / f"{module}.py"
    if not file.is_file():
        raise ExtensionError(file, "does not exist", "write it, or correct `module` in the workflow's settings")
    _export(file, "handler", lambda value: hasattr(value, "__wrapped__"), "a function with the decorator @workflow")
    for schema in sorted(folder.glob("*.json")):
        _check_schema(schema, contract)
    return True


def _is_there(place: Path, *, taken: bool) -> bool:
    """Tell whether an extension exists; refuse one with a name of the kit, symbolic links or foreign imports."""
    if not (place.exists() or place.is_symlink()):
        return False
    if taken:
        raise ExtensionError(place, "has a name that the kit has", "rename it, here and in the settings")
    for file in (FOLDER, place.parent, place, *place.rglob("*")):
        if file.is_symlink():
            raise ExtensionError(file, "is a symbolic link", "put a copy of the file in its place")
    for file in (place, *place.rglob("*.py")):
        _check_imports(file, place)
    return True


def _check_imports(file: Path, place: Path) -> None:
    """Refuse an import of another extension, which a stage may leave out."""
    if "tests" in file.relative_to(place).parts:  # never deployed
        return
    own = ".".join(place.relative_to(FOLDER.parent).with_suffix("").parts)
    for name, line in _imports_of(file):
        if name.startswith("extensions.") and not f"{name}.".startswith(f"{own}."):
            raise ExtensionError(file, f"imports {name}, another extension", f"move what it needs into {place}", line)


def _imports_of(file: Path) -> Iterator[tuple[str, int]]:
    """Yield the absolute names that a file imports, each with its line; nothing if it is not valid Python."""
    package = file.relative_to(FOLDER.parent).parent.parts
    with contextlib.suppress(SyntaxError, IsADirectoryError):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = [*package[: len(package) + 1 - node.level], node.module] if node.level else [node.module]
                yield from ((".".join(filter(None, [*base, alias.name])), node.lineno) for alias in node.names)


def _export(file: Path, name: str, fits: Callable[[Any], bool], meaning: str) -> Any:
    found = getattr(_imported(file), name, None)
    if not fits(found):
        kind = f"the class {found.__name__}" if isinstance(found, type) else f"of {type(found).__name__}"
        problem = f"has no `{name}`" if found is None else f"its `{name}` is {kind}"
        raise ExtensionError(file, problem, f"let `{name}` be {meaning}")
    return found


def _imported(file: Path) -> ModuleType:
    module = ".".join(file.relative_to(FOLDER.parent).with_suffix("").parts)
    try:
        return import_module(module)
    except Exception as error:
        place, line = _where_it_failed(error, file)
        problem = f"cannot be imported: {type(error).__name__}: {error}"
        fix = f"correct the line; `.venv/bin/python -c 'import {module}'` shows the traceback"
        raise ExtensionError(place, problem, fix, line) from error


def _where_it_failed(error: Exception, file: Path) -> tuple[Path, int]:
    """Return the innermost line of an error's traceback that is in an extension."""
    if isinstance(error, SyntaxError) and error.filename:
        return Path(error.filename), error.lineno or 0
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if FOLDER in Path(frame.filename).parents]
    return (Path(frames[-1].filename), frames[-1].lineno or 0) if frames else (file, 0)


def _check_schema(file: Path, contract: str) -> None:
    """Refuse an unreadable schema, and an input's schema without valid examples."""
    from countersign.contracts import validation

    try:
        schema = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ExtensionError(file, f"is not JSON: {error}", "correct it", getattr(error, "lineno", 0)) from error
    examples = schema.get("examples", []) if isinstance(schema, dict) else []
    if file.stem == "input" and not examples:
        raise ExtensionError(file, "has no `examples`", "add a list with at least one valid input")
    for number, example in enumerate(examples, start=1):
        try:
            problems = [str(each) for each in validation.problems(f"{contract}.{file.stem}", example)]
        except Exception as error:
            raise ExtensionError(file, f"is not a usable JSON Schema: {error}", "correct it") from error
        if problems:
            raise ExtensionError(file, f"example {number} breaks it: {problems[0]}", "correct the example or the rule")
