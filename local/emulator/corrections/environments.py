"""Execution environments of functions: what one that dies while it starts takes with it, and what they share."""
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
    """Fail the one invocation whose environment dies while it starts.

    Upstream ends every environment of the function then, those in the middle of an invocation or of their own start
    with it; each of these does the same to the others, and so a busy function may not come to its senses again. On AWS
    environments know nothing of each other, and a failed start is an error of the one invocation that wanted it
    (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, "Failures during the Init phase").
    """
    invoke = lambda_runtime.Worker.invoke

    def invoke_alone(worker: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = invoke(worker, *args, **kwargs)
        except (RuntimeError, OSError) as error:  # of its start; the next invocation starts another
            worker.kill()  # it may be about to end still, and be taken for one that works
            return {"status": "error", "error": str(error)}
        return answer

    lambda_runtime.Worker.invoke = invoke_alone


def share_layers() -> None:
    """Extract each layer once, for all environments of all functions, which find its bytecode there too.

    Upstream extracts every layer anew for each environment, and each environment compiles whatever it imports.
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
    """Return the folder of a layer's content, which is extracted where it is not there yet."""
    folder = Path(tempfile.gettempdir()) / f"ministack-layer-{hashlib.sha256(data).hexdigest()}"
    with _extracting:
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                zipfile.ZipFile(io.BytesIO(data)).extractall(Path(scratch) / "new")
                (Path(scratch) / "new").rename(folder)
    return str(folder)
