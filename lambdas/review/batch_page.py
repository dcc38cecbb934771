"""The page after a decision about several tasks at once: each with its result."""

from countersign.domain.errors import UnknownLinkError
from countersign.presentation import words
from countersign.presentation.markup import Html, html, joined
from countersign.services.batches import Item
from countersign.services.reviews import REASONS, Review
from review import notices, parts
from review.parts import Key

_EXPLAINED = frozenset({"decided_otherwise", "closed", "handed_on", "details_changed", "returned"})
"""The refusals with words of their own. About the others, the task's own page says more."""


def batch_page(items: list[Item], recipient: str, token: str) -> str:
    """Return the page that lists the result of each task of a batch.

    Args:
        items: The result of each task, in the order of the form.
        recipient: The owner of the inbox.
        token: The token of its link.
    """
    is_whole = all(map(_counts, items))
    lead = "batch.all" if is_whole else "batch.some" if any(map(_counts, items)) else "batch.none"
    heading = words.say("batch")
    main = html(
        """\
{result}<ul class="inbox">
{items}</ul>
<p><a href="inbox?{query}">{back}</a></p>
{owner}""",
        result=notices.result("approved" if is_whole else "closed", heading, words.say(lead)),
        items=joined(_item(item, token) for item in items),
        query=Key(token).query,
        back=words.say("batch.back"),
        owner=parts.owner("decided.owner", recipient=recipient),
    )
    return notices.page(heading, main)


def _counts(item: Item) -> bool:
    return bool(item.review and item.review.refusal is None and not item.review.unconfirmed)


def _item(item: Item, token: str) -> Html:
    review = item.review
    said = html("<p>{text}</p>\n", text=words.say(f"batch.{_result(item)}"))
    if review is None:
        return html("<li>\n{said}</li>\n", said=said)
    link = parts.review_link(review.task, token)
    return html("<li>\n{link}\n{said}</li>\n", link=link, said=said)


def _result(item: Item) -> str:
    """Return the key of a task's result."""
    if item.review:
        return _refused(item.review) if not _counts(item) else _recorded(item.review)
    return "unknown" if isinstance(item.error, UnknownLinkError) else "later"


def _recorded(review: Review) -> str:
    if review.task.outcome and review.task.decided_at:
        return f"decided.{review.task.outcome}"
    vote = review.task.vote_of(review.recipient)
    return f"voted.{vote.decision}" if vote else "open"


def _refused(review: Review) -> str:
    reason = REASONS.get(type(review.refusal), "") if review.refusal else ""
    return reason if reason in _EXPLAINED else "open"
