"""What is next after a vote, as a part of the result page: the next request, and how many more wait."""

from countersign.domain.links import MOST_NEXT
from countersign.presentation import words
from countersign.presentation.markup import Html, html
from countersign.services.reviews import Review
from review import parts
from review.parts import Key


def following(review: Review, key: Key) -> Html:
    """Return what else waits for the person.

    The link of one review may have been forwarded: it shows how many wait, and mails the list to its owner. The link of
    an inbox leads to the next one.
    """
    few = len(review.waiting) < MOST_NEXT
    count = words.say_count("next.waiting", len(review.waiting)) if few else words.say("next.many")
    if not key.task_id:
        return html('<div class="following">\n{form}</div>\n', form=parts.inbox_form(key, count))
    return html(
        '<div class="following">\n<p>{label} {link}</p>\n<p><a href="inbox?{query}">{count}</a></p>\n</div>\n',
        label=words.say("next"),
        link=parts.review_link(review.waiting[0], key.token),
        query=Key(key.token).query,
        count=count,
    )
