"""Commands about payments: payment look."""

from __future__ import annotations

import typer

from countersign.adapters.looks import LambdaLooks
from countersign.domain.errors import LookFailedError
from countersign.domain.provider_events import Handling
from operate.context import Context
from operate.errors import OperateError, Status
from operate.parsing import TaskId

_DID = {
    Handling.RECORDED: "the ledger has the answer",
    Handling.DUPLICATE: "the ledger had this answer already",
    Handling.HELD: "the answer is held, and the operators of [payments] are asked",
    Handling.CONFLICT: "another answer with this status came before, and this one is not applied",
    Handling.IGNORED: "the answer has no effect",
}
_KEY = "Store an API key of this account and mode: docs/payments.md."
_ADVICE = {
    "AccessDeniedException": "You need lambda:InvokeFunction on the function: docs/operations.md.",
    "ResourceNotFoundException": "Deploy the stage: its function `looks` is missing.",
    "no_key": _KEY,
    "denied": _KEY,
    "not_found": _KEY,
    "other_payment": "The request's lookup_id, or the API key, is of another payment or account: docs/payments.md.",
    "unaskable": "The API of this provider knows no such id: requests need a lookup_id, see docs/payments.md.",
}
_TRY_AGAIN = frozenset({"slow", "down"})


def look(call: typer.Context, task_id: TaskId) -> None:
    """Ask the provider how a payment stands. A paid answer counts like the provider's own event."""
    context: Context = call.obj
    payment, settings = context.stage.ledger.present(task_id).question.correlation, context.stage.settings
    if payment is None:
        raise OperateError(f"{task_id} does not wait for a provider", f"`show {task_id}` shows the task.")
    name = payment.provider
    if name not in settings.providers or not settings.providers[name].look:
        raise OperateError(
            f"the stage does not ask the provider {name}",
            f"Write look = true under [providers.{name}], deploy, and store its API key: docs/payments.md.",
        )
    looks = LambdaLooks(context.stage.client("lambda", attempts=1), settings.looks_function)
    try:
        said = looks.look(name, payment.external_id, payment.lookup_id)
    except LookFailedError as error:
        why, status = error.reason, Status.TRY_AGAIN if error.reason in _TRY_AGAIN else Status.REFUSED
        advice = _ADVICE.get(why, "The log of the function `looks` says more.")
        raise OperateError(f"{name} did not say how the payment stands: {why}", advice, status) from error
    reason = f" ({said['reason']})" if "reason" in said else ""
    did = _DID.get(Handling(said["handling"]), said["handling"])
    context.terminal.result(f"{task_id}: {name} says {said['status']}{reason}; {did}", {"task_id": task_id, **said})
