"""The class and the place of an error in a workflow, without anything that the error says."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import PurePath
from typing import NamedTuple

from aws_durable_execution_sdk_python.exceptions import DurableOperationError


class Failed(NamedTuple):
    """A workflow that raised. The error's message is left out: it may hold money and people.

    Attributes:
        name: The name of the error's class.
        at: The innermost line in the workflow's own code, `<file>:<line>`; empty if no frame is in it.
        trace: The frames in the workflow's own code, in the form of Python's tracebacks, and then the name.
    """

    name: str
    at: str
    trace: list[str]

    @classmethod
    def of(cls, error: BaseException, module: str) -> Failed:
        """Look at an error of a workflow. An error in a step is the one that the step raised, if it ran just now.

        Args:
            error: The error.
            module: The workflow's module. Its own code is the modules of the same top-level package.
        """
        origin = error
        while isinstance(origin, DurableOperationError) and origin.__context__ is not None:
            origin = origin.__context__
        kind = origin.error_type if isinstance(origin, DurableOperationError) else type(origin).__qualname__
        name = kind.rpartition(".")[2]
        frames = list(_frames(error, module))
        if origin is not error:
            frames += _frames(origin, module)
        at = f"{frames[-1][0]}:{frames[-1][1]}" if frames else ""
        return cls(name, at, [*(f'  File "{file}", line {line}, in {code}' for file, line, code in frames), name])


def _frames(error: BaseException, module: str) -> Iterator[tuple[str, int, str]]:
    """Yield the file, the line and the function of each frame in the workflow's own code, the innermost last."""
    package = module.partition(".")[0]
    for frame, line in traceback.walk_tb(error.__traceback__):
        name: str = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] == package:
            yield _deployed(frame.f_code.co_filename, name), line, frame.f_code.co_name


def _deployed(file: str, module: str) -> str:
    """Return the path of a module's file from the folder of its top-level package, as it is deployed."""
    path = PurePath(file)
    depth = len(module.split(".")) + (path.stem == "__init__")
    return "/".join(path.parts[-depth:])
