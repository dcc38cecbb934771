"""Requests: the workflows that callers start, and their results."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

EXECUTION_MARGIN = timedelta(hours=1)
"""Minimum time between a task's deadline and the time-out of its execution, in which the workflow can end."""


class RequestStatus(StrEnum):
    """The states of a request."""

    SUBMITTED = "submitted"
    """Its start is not recorded yet."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class Request:
    """A caller's request to run a workflow.

    Attributes:
        request_id: Chosen by the caller; the name of the execution.
        workflow: Name of the workflow.
        input_digest: SHA-256 of the canonical input, in hex.
        submitted_by: IAM ARN of the caller.
        deadline_seconds: The workflow's default deadline at the first submission.
        execution_arn: The durable execution; empty before its start is recorded.
        result: The workflow's result.
        input: The workflow's input; kept until the start is recorded.
        swept_at: When the sweeper started it again; None if it never did.
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
        """Whether its execution has ended."""
        return self.status in (RequestStatus.SUCCEEDED, RequestStatus.FAILED)
