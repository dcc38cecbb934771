"""Requests: what callers start, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

EXECUTION_MARGIN = timedelta(hours=1)
"""How long before its execution times out a task's deadline must have passed, so that the workflow can still end."""


class RequestStatus(StrEnum):
    """How far a request is."""

    SUBMITTED = "submitted"
    """It is not known to have reached Lambda."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class Request:
    """What somebody asked a workflow to do.

    Attributes:
        request_id: Chosen by the caller; the name of the execution.
        workflow: Name of the workflow.
        input_digest: SHA-256 of the canonical input, in hex.
        submitted_by: IAM ARN of the caller.
        deadline_seconds: The workflow's default deadline when the request first came.
        execution_arn: The durable execution, once Lambda has told.
        result: What the workflow returned.
        input: What was asked for; kept until Lambda has it.
        swept_at: When the sweeper started it again, once; None while that was not needed.
    """

    request_id: str
    workflow: str
    input_digest: str = ""
    submitted_by: str = ""
    deadline_seconds: int = 0
    status: RequestStatus = RequestStatus.SUBMITTED
    execution_arn: str = ""
    result: Any = None
    input: Mapping[str, Any] | None = None
    swept_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether its execution is over."""
        return self.status in (RequestStatus.SUCCEEDED, RequestStatus.FAILED)
