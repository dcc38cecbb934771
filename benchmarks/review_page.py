"""How large the review page is: the usual one, and one that uses every feature with texts as long as they may be."""

import sys
from pathlib import Path
from typing import Any

from countersign.contracts import validation
from countersign.domain.errors import CommentTooLongError
from countersign.domain.rules import Decision
from countersign.domain.tasks import MAX_COMMENT_CHARACTERS, Task, Vote
from countersign.services.reviews import Review
from countersign.testing.builders import APPROVER, NOW, any_click, any_input, any_rule, any_task, any_token

BOUND_BYTES = 40_000

_LAMBDAS = Path(__file__).parent.parent / "lambdas"
_VOTERS = 20
_VOTED = 15


def measure() -> bool:
    """Print the sizes; tell whether the largest page keeps the bound."""
    sys.path.append(str(_LAMBDAS))
    from review import views
    from review.pages import Key

    usual = views.of_look(Review(_task(any_input()), APPROVER), Key(any_token()), NOW)
    # As somebody sees it who has voted before, and whose comment is a character too long.
    task = _largest_task()
    click = any_click(comment="c" * (MAX_COMMENT_CHARACTERS + 1))
    largest = views.of_click(Review(task, task.audience[0], refusal=CommentTooLongError()), click, NOW)
    print("review page, before any compression:")
    print(f"  usual                                      {_kilobytes(usual.page):4.1f} kB")
    print(
        f"  every feature in use, the longest texts    {_kilobytes(largest.page):4.1f} kB"
        f" (at most {BOUND_BYTES / 1e3:.0f}), in ASCII"
    )
    return len(largest.page.encode()) <= BOUND_BYTES


def _largest_task() -> Task:
    """Return a task that twenty are asked, most of whom have voted, with all that the contract allows."""
    order = any_input(
        order_id="9" * 128,
        amount="9" * 15 + ".99",
        description="d" * 20_000,
        requester=_longest_address(_VOTERS),
        approvers=[_longest_address(number) for number in range(_VOTERS)],
    )
    votes = {person: Vote(Decision.APPROVE, "", NOW) for person in order["approvers"][:_VOTED]}
    return _task(order, rule=any_rule("all"), votes=votes)


def _longest_address(number: int) -> str:
    """Return one of 254 characters, as long as RFC 5321 lets an address be."""
    return f"{number:064}@{'d' * 63}.{'d' * 63}.{'d' * 61}"


def _task(order: dict[str, Any], **changes: Any) -> Task:
    """Return the task that the workflow opens for an order."""
    from order_approval.order import Order

    validation.check("order-approval.input", order)
    asked = Order.from_input(order | {"deadline_seconds": 3600}).approval()
    return any_task(
        title=asked.title, details=asked.details, requester=asked.requester, audience=asked.approvers, **changes
    )


def _kilobytes(page: str) -> float:
    return len(page.encode()) / 1e3
