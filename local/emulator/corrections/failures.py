"""Errors of functions: their class and their place, as Lambda's runtime for Python reports them."""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

import re
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.emulator.corrections.operations import Record

_WITHOUT_A_TRACE = '"error": str(e)})'
"""The end of the worker's report that it could not import the handler's module."""
_WITH_A_TRACE = '"error": traceback.format_exc()})'

_STARTING = "Worker init failed: "
_TRACEBACK = "Traceback (most recent call last):\n"
_FRAME = re.compile(r'^  File "(.+?)", line (\d+)(.*)$', re.MULTILINE)
_ERROR = re.compile(r"^([A-Za-z_][\w.]*)(?:: (.*))?$", re.MULTILINE)
_DEPLOYED = re.compile(r"^.*/ministack-lambda-[^/]+/code/")
_OF_IMPORTS = {
    **dict.fromkeys(("ImportError", "ModuleNotFoundError"), "Runtime.ImportModuleError"),
    **dict.fromkeys(("SyntaxError", "IndentationError"), "Runtime.UserCodeSyntaxError"),
}
"""The runtime's own types of errors that keep it from importing a module."""


def tell_class_and_place() -> None:
    """Report the class and the frames of a function's error, and the traceback of a failed import in the log.

    Upstream names every error `RuntimeError` or `Runtime.HandlerError`, and loses the traceback of an import. On AWS
    the type is the error's class, or the runtime's own for an import
    (https://github.com/aws/aws-lambda-python-runtime-interface-client, awslambdaric/bootstrap.py).
    """
    worker, execute = lambda_runtime._PYTHON_WORKER_SCRIPT, lambda_svc._execute_function_warm
    lambda_runtime._PYTHON_WORKER_SCRIPT = worker.replace(_WITHOUT_A_TRACE, _WITH_A_TRACE)

    def execute_and_tell(*args: Any) -> Record:
        result: Record = execute(*args)
        before, traceback, trace = result.get("log", "").rpartition(_TRACEBACK)
        if result.get("error") and traceback and (error := _ERROR.search(trace)):
            kind, message = error.groups(default="")
            kind = _OF_IMPORTS.get(kind, kind) if before.endswith(_STARTING) else kind
            result["body"] = {"errorType": kind, "errorMessage": message, "stackTrace": _frames(trace)}
        return result

    lambda_svc._execute_function_warm = execute_and_tell


def _frames(trace: str) -> list[str]:
    return [
        f'  File "{_DEPLOYED.sub("/var/task/", file)}", line {line}{more}' for file, line, more in _FRAME.findall(trace)
    ]
