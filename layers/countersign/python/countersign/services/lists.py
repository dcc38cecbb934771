"""Lists of requests: summaries, the newest first."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from countersign.contracts import validation
from countersign.contracts.validation import Rule
from countersign.domain.clock import from_text, moment_of, to_text
from countersign.domain.errors import ContractError
from countersign.domain.identity import role_of
from countersign.domain.requests import REQUEST_ID, Position, Request
from countersign.domain.strict_json import digest

if TYPE_CHECKING:
    from countersign.ports import RequestLedger

MOST = 100
"""The most requests of a page."""

MOST_READS = 10
"""How often a page reads on because a filter leaves requests out: at most 1,000 requests are looked at."""


@dataclass(frozen=True)
class Lists:
    """Lists requests.

    Attributes:
        workflows: The names of the stage's workflows.
    """

    ledger: RequestLedger
    workflows: Collection[str]

    def page(self, query: Mapping[str, str], role: str = "") -> dict[str, Any]:
        """Return the body of `GET /requests`.

        Args:
            query: The query: `status`, `workflow`, `since` and `cursor`, each optional.
            role: The role whose requests alone are listed, as `role_of` returns it; empty for all.

        Raises:
            ContractError: The query breaks its contract, or the cursor is that of another query; has all problems.
            LedgerUnavailableError: The ledger did not answer.
        """
        filters = {**query, "role": role}
        cursor = filters.pop("cursor", "")
        self._check(query, filters)
        since = _since(query)
        position = _position(cursor, filters) if cursor else None
        found: list[Request] = []
        for _ in range(MOST_READS):
            read, position = self.ledger.listed(since, position, MOST - len(found))
            found += (request for request in read if _is_wanted(request, filters))
            if position is None or len(found) == MOST:
                break
        return {"requests": list(map(_summary, found)), "cursor": position and _cursor(position, filters)}

    def _check(self, query: Mapping[str, str], filters: Mapping[str, str]) -> None:
        found = validation.problems("requests.query", query)
        rules = (
            Rule(("workflow",), self._is_known),
            Rule(("since",), _is_time),
            Rule(("since", "cursor"), lambda query, _: _continues(query, filters)),
        )
        validation.refuse(found + validation.broken_rules(rules, query, "", found))

    def _is_known(self, query: Mapping[str, Any], _: str) -> Iterator[ContractError]:
        if query.get("workflow", "") not in ("", *self.workflows):
            yield ContractError(f"must be a workflow of this stage: {', '.join(sorted(self.workflows))}", "/workflow")


def _is_time(query: Mapping[str, Any], _: str) -> Iterator[ContractError]:
    if "since" in query and _since(query) is None:
        yield ContractError("must be a time of RFC 3339, such as 2026-03-01T09:00:00Z", "/since")


def _since(query: Mapping[str, Any]) -> datetime | None:
    """Return the earliest time of a query; None if it has none, or one that is no time."""
    try:
        return moment_of(query["since"])
    except (LookupError, OverflowError, ValueError):
        return None


def _continues(query: Mapping[str, Any], filters: Mapping[str, str]) -> Iterator[ContractError]:
    if "cursor" in query and _position(query["cursor"], filters) is None:
        yield ContractError("must be the cursor of an answer to the same status, workflow and since", "/cursor")


def _cursor(position: Position, filters: Mapping[str, str]) -> str:
    """Return a position as a text for the caller, bound to the filters."""
    return urlsafe_b64encode(json.dumps([*position, digest(filters)]).encode()).decode().rstrip("=")


def _position(cursor: str, filters: Mapping[str, str]) -> Position | None:
    """Return the position of a cursor; None if it is malformed, or bound to other filters.

    A forged cursor only begins elsewhere: the filters apply to whatever is read.
    """
    try:
        at, request_id, bound = json.loads(urlsafe_b64decode(f"{cursor}=="))
        since, moment = _since(filters), from_text(at)
        is_place = REQUEST_ID.fullmatch(request_id) is not None and (since is None or since <= moment)
    except (AttributeError, OverflowError, TypeError, ValueError):
        return None
    return Position(at, request_id) if is_place and bound == digest(filters) else None


def _is_wanted(request: Request, filters: Mapping[str, str]) -> bool:
    facts = {"status": request.reported_status, "workflow": request.workflow, "role": role_of(request.submitted_by)}
    return all(filters.get(name) in (None, "", fact) for name, fact in facts.items())


def _summary(request: Request) -> dict[str, Any]:
    return {
        "request_id": request.request_id,
        "workflow": request.workflow,
        "status": request.reported_status,
        "error": request.reported_error,
        "created_at": request.created_at and to_text(request.created_at),
        "ended_at": request.ended_at and to_text(request.ended_at),
    }
