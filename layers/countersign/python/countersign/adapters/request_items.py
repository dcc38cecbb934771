"""Requests as items of the ledger: names of keys and attributes, and both directions."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from countersign.adapters.keys import REQUEST, request_key
from countersign.adapters.task_items import NEVER_DUE, due
from countersign.domain.clock import from_text, to_text
from countersign.domain.requests import Request, RequestStatus

NOT_WAITING: Mapping[str, Any] = {"input": None, **NEVER_DUE}
"""What a request loses once it is known to have started: its input is with Lambda, and the sweeper need not look."""


def request_document(request: Request, at: datetime) -> dict[str, Any]:
    """Return a request that has just come, as the ledger keeps it."""
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
    """Return the request that a document of the ledger holds."""
    swept_at = document.get("swept_at")
    return Request(
        request_id=document["pk"].removeprefix(REQUEST),
        workflow=document.get("workflow", ""),
        input_digest=document.get("input_digest", ""),
        submitted_by=document.get("submitted_by", ""),
        deadline_seconds=document.get("deadline_seconds", 0),
        status=RequestStatus(document["status"]),
        execution_arn=document.get("execution_arn", ""),
        result=json.loads(document["result"]) if "result" in document else None,
        input=json.loads(document["input"]) if "input" in document else None,
        swept_at=from_text(swept_at) if swept_at else None,
    )
