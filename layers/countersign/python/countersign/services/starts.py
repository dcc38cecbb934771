"""Starting workflows: the same start however often it is tried, and by whomever."""

from dataclasses import dataclass

from countersign.domain.requests import Request
from countersign.ports import RequestLedger, WorkflowStarter

OWN_IDS = "held-"
"""How the ids begin of requests that the kit itself starts; a caller may not take one first."""


@dataclass(frozen=True)
class Starts:
    """Starts what was asked for."""

    ledger: RequestLedger
    starter: WorkflowStarter

    def start(self, request: Request) -> None:
        """Start a request's workflow under its id, and put on record that Lambda has it.

        Safe to do again: Lambda takes the same name and payload for the same execution.

        Args:
            request: As it stands in the ledger, not started.

        Raises:
            UnknownWorkflowError: No workflow of that name is deployed.
            RequestConflictError: An execution of that name has another payload.
            StartFailedError: Lambda did not take it; the same start may be tried again.
            LedgerUnavailableError: The ledger did not answer; the same start may be tried again.
        """
        payload = {
            "request_id": request.request_id,
            "workflow": request.workflow,
            "submitted_by": request.submitted_by,
            # All as it was when the request first came: a start that is tried again must be the same start.
            "input": {"deadline_seconds": request.deadline_seconds, **(request.input or {})},
        }
        self.ledger.started(request.request_id, self.starter.start(request.workflow, request.request_id, payload))
