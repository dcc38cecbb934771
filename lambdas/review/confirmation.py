"""The page that asks a person to confirm their vote, which is not recorded yet."""

from countersign.presentation import markup, words
from countersign.presentation.markup import Html, html, joined
from countersign.services.reviews import Click, Review
from review import notices, parts
from review.parts import Key


def confirmation_page(review: Review, click: Click) -> str:
    """Return the page. It repeats what is asked, and sends the same form again, with `confirmed`."""
    heading = words.say(f"confirm.{click.decision}")
    key = Key(click.token, click.task_id)
    main = html(
        """\
<form class="review" method="post" action="review">
<h1>{heading}</h1>
<p class="lead">{lead}</p>
{asked}<dl>
{requester}{on_behalf_of}{rows}{comment}</dl>
{owner}<div class="actions">
{fields}<button class="{decision}" type="submit" name="decision" value="{decision}">{action}</button>
<a class="back" href="review?{query}">{back}</a>
</div>
</form>
""",
        heading=heading,
        lead=words.say("confirm.text"),
        asked=parts.asked(review.task.question),
        requester=parts.optional_row("review.requester", markup.asker(review.task.question)),
        on_behalf_of=parts.on_behalf_of(review.task.question),
        rows=parts.rows(review.task.question),
        comment=parts.optional_row("confirm.comment", click.comment),
        owner=parts.owner("review.owner", recipient=review.recipient),
        fields=_fields(key, click),
        decision=click.decision,
        action=words.say(f"confirm.{click.decision}.action"),
        query=key.query,
        back=words.say("confirm.back"),
    )
    return notices.page(heading, main)


def _fields(key: Key, click: Click) -> Html:
    hidden = {"shown": click.shown, "comment": click.comment, "confirmed": "yes"}
    return joined((parts.key_fields(key), *(parts.hidden(name, value) for name, value in hidden.items())))
