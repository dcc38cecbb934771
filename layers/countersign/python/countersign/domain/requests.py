"""Requests: the workflows that callers start, and their results."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

REQUEST_ID = re.compile("[A-Za-z0-9_-]{1,64}", re.ASCII)
"""The form of the contract `request`. No other id was ever submitted, and the ledger refuses longer keys."""

EXECUTION_MARGIN = timedelta(hours=1)
"""Minimum time between a task's deadline and the time-out of its execution, in which the workflow can end."""


class RequestStatus(StrEnum):
    """The states of a request."""

    SUBMITTED = "submitted"
    """Its start is not recorded yet."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """It was withdrawn, by a caller, an operator or the requester."""


WITHDRAWN, STOPPED, TIMED_OUT = "withdrawn", "stopped", "timed_out"
HAND_OFF_FAILED, UNSOUND, FAILED = "hand_off_failed", "unsound", "failed"

ERRORS = {
    WITHDRAWN: "the request was withdrawn before it was answered",
    STOPPED: "somebody stopped the execution of the workflow",
    TIMED_OUT: "the execution of the workflow reached its time-out",
    HAND_OFF_FAILED: "a question could not be handed off to those who should answer it",
    UNSOUND: "the recorded votes do not make the recorded decision; nothing acts on it",
    FAILED: "the workflow failed; its operators find the cause in its log",
}
"""Why requests end without a result: the message of each error code."""


class Cancelling(NamedTuple):
    """A caller's withdrawal of a request whose workflow may still run.

    Attributes:
        reason: The caller's reason.
        by: ARN of the caller's role.
        at: When, in UTC.
    """

    reason: str
    by: str
    at: datetime


class Raised(NamedTuple):
    """The error that a workflow, or its import, raised, without its message, which may hold money and people.

    Attributes:
        kind: The name of its class, or Lambda's type of an error that is none of Python's, such as
            `Runtime.OutOfMemory`; empty if Lambda has neither.
        at: The innermost line in the workflow's own code, `<file>:<line>`; empty if Lambda has none.
    """

    kind: str
    at: str


class Position(NamedTuple):
    """A place in the list of requests, the newest first.

    Attributes:
        at: The time of the request there, as the list is sorted by it.
        request_id: The request there.
    """

    at: str
    request_id: str


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
        created_at: When it was submitted, in UTC; None if it was not submitted.
        ended_at: When it ended, in UTC; None while it runs.
        error: Why it ended without a result, a key of `ERRORS`; empty while it runs, or if it succeeded.
        raised: What its workflow raised, if that is why; None if Lambda did not tell.
        cancelling: The caller's withdrawal; None without one.
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
    created_at: datetime | None = None
    ended_at: datetime | None = None
    error: str = ""
    raised: Raised | None = None
    cancelling: Cancelling | None = None

    @property
    def reported_status(self) -> RequestStatus:
        """The status as callers read it: a start that is not recorded yet is repeated, so the request runs."""
        return RequestStatus.RUNNING if self.status is RequestStatus.SUBMITTED else self.status

    @property
    def reported_error(self) -> dict[str, str] | None:
        """The error as callers read it; None while it runs, or if it succeeded."""
        return {"code": self.error, "message": ERRORS[self.error]} if self.error else None

    @property
    def ended(self) -> bool:
        """Whether its execution has ended."""
        return self.status not in (RequestStatus.SUBMITTED, RequestStatus.RUNNING)
