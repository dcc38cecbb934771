"""GitHub: the example of its documentation, and the statuses of check runs."""

import hashlib

import pytest

from countersign.domain.provider_events import EventStatus
from countersign.providers.base import Verified, WebhookRequest
from countersign.testing.deliveries import DELIVERY_ID, GITHUB, any_check_run, told

EXAMPLE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_the_example_of_the_github_documentation_is_verified() -> None:
    headers = {"X-Hub-Signature-256": EXAMPLE, "X-GitHub-Delivery": DELIVERY_ID}
    assert GITHUB.verify(WebhookRequest(headers, b"Hello, World!")) == Verified(b"Hello, World!")


@pytest.mark.parametrize(
    ("conclusion", "status"),
    [
        ("success", EventStatus.PAID),
        ("failure", EventStatus.FAILED),
        ("cancelled", EventStatus.FAILED),
        ("startup_failure", EventStatus.FAILED),
        ("timed_out", EventStatus.EXPIRED),
        ("stale", EventStatus.EXPIRED),
        ("action_required", EventStatus.PENDING),
        ("neutral", EventStatus.UNKNOWN),
        ("skipped", EventStatus.UNKNOWN),
        ("teleported", EventStatus.UNKNOWN),
    ],
)
def test_the_conclusion_of_a_completed_run_is_the_status(conclusion: str, status: EventStatus) -> None:
    body = any_check_run(conclusion=conclusion)
    (event,) = GITHUB.translate(body)
    assert told(event) == (hashlib.sha256(body).hexdigest(), "build-1001", status, None, None)
    assert event.reason == conclusion


@pytest.mark.parametrize("status", ["queued", "in_progress", "waiting", "requested", "pending"])
def test_a_run_that_is_not_completed_is_pending(status: str) -> None:
    for conclusion in (None, "success"):
        (event,) = GITHUB.translate(any_check_run("created", status=status, conclusion=conclusion))
        assert event.status is EventStatus.PENDING


@pytest.mark.parametrize(
    "body",
    [
        b'{"zen":"Keep it logically awesome.","hook_id":1}',
        b'{"action":"completed","check_suite":{"id":1}}',
        *(any_check_run("rerequested"), any_check_run("requested_action"), any_check_run(external_id="")),
        any_check_run(external_id=None),
    ],
    ids=["ping", "a check suite", "asked again", "an action asked", "no external id", "a null external id"],
)
def test_an_event_without_a_result_of_a_run_is_ignored(body: bytes) -> None:
    assert GITHUB.translate(body) == ()
