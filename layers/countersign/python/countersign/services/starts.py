"""Starts of workflows: idempotent, whichever part of the kit retries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from countersign.domain.requests import Request

if TYPE_CHECKING:
    from countersign.ports import RequestLedger, WorkflowStarter

OWN_IDS = "held-"
"""Prefix of the ids of the kit's own requests; callers may not use it."""


@dataclass(frozen=True)
class Starts:
    """Starts the workflows of requests."""

    ledger: RequestLedger
    starter: WorkflowStarter

    def start(self, request: Request) -> None:
        """Start a request's workflow under the request's id, and record that Lambda has accepted it.

        Idempotent: Lambda treats the same name and payload as the same execution.

        Args:
            request: The request as the ledger has it, not started.

        Raises:
            UnknownWorkflowError: No workflow of this name is deployed.
            RequestConflictError: An execution of this name has another payload.
            StartFailedError: Lambda did not accept the start; try again.
            LedgerUnavailableError: The ledger did not answer; try again.
        """
        payload = {
            "request_id": request.request_id,
            "workflow": request.workflow,
            "submitted_by": request.submitted_by,
            # From the first submission: a retry must have the same payload.
            "input": {"deadline_seconds": request.deadline_seconds, **(request.input or {})},
        }
        self.ledger.started(request.request_id, self.starter.start(request.workflow, request.request_id, payload))
