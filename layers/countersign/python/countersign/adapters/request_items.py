"""Requests as items of the ledger: writes and reads their documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from countersign.adapters.keys import INDEX_PK, INDEX_SK, LISTED, REQUEST, request_key
from countersign.adapters.task_items import due, epoch_after
from countersign.domain.clock import from_text, to_text

if TYPE_CHECKING:
    from countersign.domain.requests import Raised, Request, RequestStatus

SUMMARY = ("workflow", "submitted_by", "submitted_at", "status", "ended_at", "error", "raised")
"""The attributes of a request that a list reads."""


def request_document(request: Request, at: datetime) -> dict[str, Any]:
    """Return the ledger's document of a new request."""
    return request_key(request.request_id) | {
        "workflow": request.workflow,
        "input_digest": request.input_digest,
        "input": None if request.input is None else json.dumps(request.input, ensure_ascii=False),
        "submitted_by": request.submitted_by,
        "deadline_seconds": request.deadline_seconds,
        "submitted_at": to_text(at),
        "status": request.status.value,
        **due(request.request_id, at),
    }


def request_of(document: Mapping[str, Any]) -> Request:
    """Read a request from its document."""
    # Imported here: pages and webhooks read no requests, and it would slow their cold starts.
    from countersign.domain.requests import Cancelling, Raised, Request

    cancelling, raised = document.get("cancelling"), document.get("raised")
    status, error = _end_of(document)
    return Request(
        request_id=document["pk"].removeprefix(REQUEST),
        workflow=document.get("workflow", ""),
        input_digest=document.get("input_digest", ""),
        submitted_by=document.get("submitted_by", ""),
        deadline_seconds=document.get("deadline_seconds", 0),
        status=status,
        execution_arn=document.get("execution_arn", ""),
        result=json.loads(document["result"]) if "result" in document else None,
        input=json.loads(document["input"]) if "input" in document else None,
        swept_at=_time(document, "swept_at"),
        created_at=_time(document, "submitted_at"),
        ended_at=_time(document, "ended_at"),
        error=error,
        raised=raised and Raised(raised["class"], raised["at"]),
        cancelling=cancelling and Cancelling(cancelling["reason"], cancelling["by"], from_text(cancelling["at"])),
    )


def started_fields(at: str) -> dict[str, Any]:
    """Return the attributes of a started request: Lambda has its input, the sweeper ignores it, and it is listed."""
    return {"input": None, INDEX_PK: LISTED, INDEX_SK: at}


def end_fields(status: RequestStatus, error: str, raised: Raised | None, at: datetime) -> dict[str, Any]:
    """Return the attributes of an ended request. Releases without `cancelled` read a withdrawn request as failed."""
    stored = "failed" if status == "cancelled" else status.value
    why = {"error": error or None, "raised": raised and {"class": raised.kind, "at": raised.at}}
    return {"status": stored, **why, "ended_at": to_text(at), "ttl": epoch_after(at)}


def _end_of(document: Mapping[str, Any]) -> tuple[RequestStatus, str]:
    """Return a request's status and its error code; requests of earlier releases failed without one."""
    from countersign.domain.requests import FAILED, WITHDRAWN, RequestStatus

    status = RequestStatus(document["status"])
    if status is not RequestStatus.FAILED:
        return status, ""
    error = document.get("error", FAILED)
    return RequestStatus.CANCELLED if error == WITHDRAWN else status, error


def _time(document: Mapping[str, Any], name: str) -> datetime | None:
    return from_text(document[name]) if name in document else None
