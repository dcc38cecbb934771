"""Pages about a task in other hands: confirm a colleague's address, delegated, taken back, and no longer asked."""

from datetime import datetime

from countersign.domain.identity import normalise
from countersign.domain.replacements import has_answered, may_take_back
from countersign.domain.tasks import Delegation, Replacement
from countersign.presentation import display, words
from countersign.presentation.markup import NOTHING, Html, html, joined, say
from countersign.services.reviews import Click, Review
from review import notices, parts
from review.form import TAKE_BACK
from review.parts import Key


def address_page(review: Review, click: Click) -> str:
    """Return the page that repeats the colleague's address before the task is delegated."""
    key, colleague = Key(click.token, click.task_id), normalise(click.colleague)
    fields = (parts.key_fields(key), parts.hidden("colleague", colleague), parts.hidden("confirmed", "yes"))
    main = html(
        """\
<form method="post" action="delegate">
<h1>{heading}</h1>
<p class="lead">{lead}</p>
{asked}<dl>
{address}</dl>
<div class="actions">
{fields}<button class="plain" type="submit">{action}</button>
{back}</div>
</form>
""",
        heading=words.say("delegate.confirm"),
        lead=words.say("delegate.confirm.text"),
        asked=parts.asked(review.task.question),
        address=parts.row(words.say("delegate.colleague"), parts.address(colleague)),
        fields=joined(fields),
        action=words.say("delegate.action"),
        back=_review_link(key, "delegate.back"),
    )
    return notices.page(words.say("delegate.confirm"), main)


def taken_back_page(review: Review, key: Key) -> str:
    """Return the page for a person who has taken the task back just now."""
    lead = say("taken_back.text", person=parts.address(review.task.replaced[-1].by))
    link = _review_link(key, "taken_back.action")
    return _notice("taken_back", display.title(review.task.question), lead, words.say("taken_back.next"), link)


def other_hands_page(review: Review, key: Key, now: datetime) -> str:
    """Return the page of a person who is not asked any more: they delegated the task, or were replaced."""
    task, recipient = review.task, review.recipient
    if made := task.handed_on_by(recipient):
        back = key if may_take_back(task, made, now) else None
        return _delegated_page(display.title(task.question), made, back, answered=has_answered(task, made.to))
    if replaced := task.replacement_of(recipient):
        return _replaced_page(display.title(task.question), replaced)
    return notices.problem_page("unknown_link")  # they were removed otherwise


def _delegated_page(title: str, made: Delegation, back: Key | None, *, answered: bool) -> str:
    """Return the page for a person who has delegated the task; without `back`, they cannot take it back."""
    lead = notices.lead("handed_over", made.at, made.to)
    then = words.say("handed_over.answered" if answered else "handed_over.back" if back else "handed_over.next")
    return _notice("handed_over", title, lead, then, _back_form(back) if back else NOTHING)


def _replaced_page(title: str, made: Replacement) -> str:
    text = "reassigned" if made.because else "replaced"
    lead = notices.lead(text, made.at, made.to)
    return notices.notice(text, "closed", title=title, lead=lead, because=made.because)


def _notice(text: str, title: str, lead: Html, then: str, more: Html) -> str:
    heading = words.say(text)
    main = html(
        "{result}{title}<p>{then}</p>\n{more}",
        result=notices.result("closed", heading, lead),
        title=parts.title(title),
        then=then,
        more=more,
    )
    return notices.page(heading, main)


def _back_form(key: Key) -> Html:
    return html(
        """\
<form method="post" action="delegate">
{key}<button class="plain" type="submit" name="action" value="{value}">{action}</button>
</form>
""",
        key=parts.key_fields(key),
        value=TAKE_BACK,
        action=words.say("handed_over.action"),
    )


def _review_link(key: Key, text: str) -> Html:
    return html('<a class="back" href="review?{query}">{text}</a>\n', query=key.query, text=words.say(text))
