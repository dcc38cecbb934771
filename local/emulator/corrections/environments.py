"""Execution environments of functions: failures at their start, and shared layers."""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services.lambda_svc import _resolve_layer_zip


def die_alone() -> None:
    """Fail only the invocation whose environment dies at its start.

    Upstream then ends every environment of the function, even one that runs an invocation or starts. Each of these ends
    the others again, so that a busy function may never recover. On AWS environments are independent, and a failed start
    is an error of its own invocation
    (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, "Failures during the Init phase").
    """
    invoke = lambda_runtime.Worker.invoke

    def invoke_alone(worker: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = invoke(worker, *args, **kwargs)
        except (RuntimeError, OSError) as error:  # the start failed; the next invocation starts another environment
            worker.kill()  # it may still be ending, and must not be taken for a working one
            return {"status": "error", "error": str(error)}
        return answer

    lambda_runtime.Worker.invoke = invoke_alone


def share_layers() -> None:
    """Extract each layer once for all environments of all functions, which share its bytecode too.

    Upstream extracts every layer for each environment, which then compiles its imports.
    """
    spawn = lambda_runtime.Worker._spawn

    def spawn_with_shared_layers(worker: Any) -> None:
        config = worker.config
        folders = [_extracted(data) for layer in config.get("Layers", []) if (data := _resolve_layer_zip(layer))]
        variables = {**config.get("Environment", {}).get("Variables", {})}
        if folders:
            variables["_LAMBDA_LAYERS_DIRS"] = os.pathsep.join(folders)
        worker.config = {**config, "Layers": [], "Environment": {"Variables": variables}}
        try:
            spawn(worker)
        finally:
            worker.config = config

    lambda_runtime.Worker._spawn = spawn_with_shared_layers


_extracting = threading.Lock()


def _extracted(data: bytes) -> str:
    """Return the folder of a layer's content; extract the content if the folder is missing."""
    folder = Path(tempfile.gettempdir()) / f"ministack-layer-{hashlib.sha256(data).hexdigest()}"
    with _extracting:
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                zipfile.ZipFile(io.BytesIO(data)).extractall(Path(scratch) / "new")
                (Path(scratch) / "new").rename(folder)
    return str(folder)
