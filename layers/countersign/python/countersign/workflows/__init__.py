"""Write a workflow: ask somebody outside, suspend without compute, continue with the answer.

    from countersign.workflows import Approval, Approved, DurableContext, request_approval, workflow

    @workflow
    def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
        asked = Approval(
            title=f"Refund {document['order_id']}",
            details=(("Reason", document["reason"]),),
            requester=document["requester"],
            approvers=("finance@example.com",),
            deadline_seconds=document["deadline_seconds"],
        )
        decision = request_approval(context, "approval", asked)
        return {"status": "refunded" if isinstance(decision, Approved) else "kept"}

`request_approval` asks people and returns `Approved`, `Rejected` or `Expired`. `await_result` asks a machine (a worker,
a service, a provider) and returns `Answered`, `Failed`, `Expired` or `WorkerLost`. `ask` is the primitive below both.

Lambda replays the handler from its start after every wait. So a clock, a random number and a side effect belong into a
named step (`context.step`), and the name of a wait or a step never changes once it is deployed. Everything that this
module exports keeps these rules.
"""

import countersign.functions  # noqa: F401  it stops the search for garbage, before the import of the large SDK

# isort: split
from aws_durable_execution_sdk_python import DurableContext

from countersign.domain.clock import to_text
from countersign.domain.errors import (
    BodyTooLargeError,
    ContractError,
    DuplicateCorrelationError,
    DuplicateTaskNameError,
    HandOffFailedError,
    IdleRingsError,
    TaskWithdrawnError,
    UncoveredAmountError,
    UnsoundDecisionError,
    WorkflowError,
)
from countersign.domain.policy import Escalation
from countersign.domain.questions import Attachment, Collecting, Correlation, Question
from countersign.domain.rules import Rule
from countersign.domain.tokens import idempotency_key
from countersign.services.waits import Report
from countersign.workflows.approval import (
    Approval,
    ApprovalResult,
    Approved,
    Ballot,
    Rejected,
    request_approval,
    result_of,
)
from countersign.workflows.ask import Expired, Schedule, ask, withdraw
from countersign.workflows.external import (
    Answered,
    ExternalResult,
    ExternalTask,
    Failed,
    WorkerLost,
    await_result,
    open_answer,
)
from countersign.workflows.runtime import current
from countersign.workflows.workflow import workflow

__all__ = [
    "Answered",
    "Approval",
    "ApprovalResult",
    "Approved",
    "Attachment",
    "Ballot",
    "BodyTooLargeError",
    "Collecting",
    "ContractError",
    "Correlation",
    "DuplicateCorrelationError",
    "DuplicateTaskNameError",
    "DurableContext",
    "Escalation",
    "Expired",
    "ExternalResult",
    "ExternalTask",
    "Failed",
    "HandOffFailedError",
    "IdleRingsError",
    "Question",
    "Rejected",
    "Report",
    "Rule",
    "Schedule",
    "TaskWithdrawnError",
    "UncoveredAmountError",
    "UnsoundDecisionError",
    "WorkerLost",
    "WorkflowError",
    "ask",
    "await_result",
    "current",
    "idempotency_key",
    "open_answer",
    "request_approval",
    "result_of",
    "to_text",
    "withdraw",
    "workflow",
]
