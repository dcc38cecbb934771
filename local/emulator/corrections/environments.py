"""What an execution environment of a function that dies while it starts takes with it."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from typing import Any

from ministack.core import lambda_runtime


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
            return {"status": "error", "error": str(error)}
        return answer

    lambda_runtime.Worker.invoke = invoke_alone
