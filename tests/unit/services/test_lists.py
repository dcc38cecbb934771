"""Lists of requests: summaries, filters and cursors."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain.clock import to_text
from countersign.domain.errors import ContractError
from countersign.domain.requests import Request, RequestStatus
from countersign.services.lists import Lists
from countersign.testing.builders import NOW, REQUESTER, WORKFLOW
from countersign.testing.fakes import MemoryLedger

SHOP, OTHER = (f"arn:aws:iam::111122223333:role/{name}" for name in ("shop", "other"))
SESSION = "arn:aws:sts::111122223333:assumed-role/shop/i-0abc"
FAILED = RequestStatus.FAILED


def lists_of(count: int, **special: dict[str, Any]) -> Lists:
    """Return the use case over requests `r-000`, `r-001`, …, each a second newer; some with other fields."""
    ledger = MemoryLedger()
    for number in range(count):
        name = f"r-{number:03}"
        fields: dict[str, Any] = {"status": RequestStatus.RUNNING, "submitted_by": OTHER, "workflow": WORKFLOW}
        fields |= {"created_at": NOW + timedelta(seconds=number), "result": {"by": REQUESTER}, "input": {}}
        ledger.asked[name] = Request(name, **fields | special.get(name, {}))
    return Lists(ledger, (WORKFLOW, "payment"))


def ids(page: dict[str, Any]) -> list[str]:
    return [each["request_id"] for each in page["requests"]]


def pages(lists: Lists, query: dict[str, str], role: str = "") -> list[list[str]]:
    """Return the ids of all pages."""
    found = [lists.page(query, role)]
    while cursor := found[-1]["cursor"]:
        found.append(lists.page({**query, "cursor": cursor}, role))
    return list(map(ids, found))


def test_a_summary_has_no_input_no_result_and_no_people() -> None:
    ended = {"status": FAILED, "error": "timed_out", "ended_at": NOW}
    assert lists_of(1, **{"r-000": ended}).page({}) == {
        "requests": [
            {
                "request_id": "r-000",
                "workflow": WORKFLOW,
                "status": "failed",
                "error": {"code": "timed_out", "message": "the execution of the workflow reached its time-out"},
                "created_at": to_text(NOW),
                "ended_at": to_text(NOW),
            }
        ],
        "cursor": None,
    }


def test_the_newest_come_first_a_hundred_on_a_page_and_none_twice() -> None:
    found = pages(lists_of(250), {})
    assert [len(page) for page in found] == [100, 100, 50]
    assert [name for page in found for name in page] == [f"r-{number:03}" for number in range(249, -1, -1)]


@pytest.mark.parametrize(
    ("query", "role", "names"),
    [
        ({"status": "failed"}, "", ["r-003", "r-001"]),
        ({"status": "running", "workflow": "payment"}, "", ["r-002"]),
        ({"since": "2026-03-01T09:00:03Z"}, "", ["r-004", "r-003"]),
        ({"since": "2026-03-01T10:00:03.000+01:00", "status": "failed"}, "", ["r-003"]),
        ({}, SHOP, ["r-003"]),
    ],
)
def test_filters_leave_out_the_others(query: dict[str, str], role: str, names: list[str]) -> None:
    of_shop = {"status": FAILED, "submitted_by": SESSION}
    others: dict[str, dict[str, Any]] = {"r-001": {"status": FAILED}, "r-002": {"workflow": "payment"}}
    assert ids(lists_of(5, **others, **{"r-003": of_shop}).page(query, role)) == names


def test_a_page_looks_at_a_bounded_number_of_requests_and_its_cursor_goes_on() -> None:
    assert pages(lists_of(1_150, **{"r-005": {"status": FAILED}}), {"status": "failed"}) == [[], ["r-005"]]


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ({"status": "open", "workflow": "", "limit": "5"}, {"", "/status", "/workflow"}),
        ({"workflow": "paiment"}, {"/workflow"}),
        *(({"since": text}, {"/since"}) for text in ("yesterday", "2026-03-01", "2026-02-30T09:00:00Z", "")),
        ({"since": "0001-01-01T00:00:00+14:00"}, {"/since"}),
        *(({"cursor": text}, {"/cursor"}) for text in ("", "!", "bnVsbA", "ä", "x" * 401)),
    ],
)
def test_every_problem_of_a_query_is_named(query: dict[str, str], pointers: set[str]) -> None:
    with pytest.raises(ContractError) as error:
        lists_of(1).page(query)
    assert {problem.pointer for problem in error.value.problems} == pointers


def test_a_cursor_belongs_to_its_filters_and_its_role_and_a_forged_one_shows_no_more() -> None:
    lists = lists_of(201, **{"r-000": {"submitted_by": SHOP}})
    cursor = lists.page({})["cursor"]
    for query, role in (({"status": "running"}, ""), ({"since": "2026-03-01T09:00:00Z"}, ""), ({}, SHOP)):
        with pytest.raises(ContractError) as error:
            lists.page({**query, "cursor": cursor}, role)
        assert error.value.pointer == "/cursor"
    _, _, bound = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    for at, request_id in (("now", "r-000"), (to_text(NOW), "r/0"), (0, "r-000"), (to_text(NOW), ["r-000"])):
        forged = base64.urlsafe_b64encode(json.dumps([at, request_id, bound]).encode()).decode()
        with pytest.raises(ContractError):
            lists.page({"cursor": forged})
