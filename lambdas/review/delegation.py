"""The form that delegates a task."""

from countersign.presentation import words
from countersign.presentation.markup import NOTHING, Html, html
from review import parts
from review.parts import Key


def is_problem(problem: str) -> bool:
    """Tell whether a problem of a review page is one of this form."""
    return problem.startswith("delegation_")


def form(key: Key, colleague: str, problem: str) -> Html:
    """Return the form, opened if the problem of the page is in it."""
    wrong = is_problem(problem)
    return html(
        """\
<details class="colleague"{open}>
<summary>{heading}</summary>
<form method="post" action="delegate">
<p id="colleague-hint">{hint}</p>
{problem}{key}<label for="colleague">{label}</label>
<input type="email" id="colleague" name="colleague" value="{colleague}"
 maxlength="254" required autocomplete="off"{invalid}>
<button class="plain" type="submit">{action}</button>
</form>
</details>
""",
        open=" open" if wrong else "",
        heading=words.say("delegate.heading"),
        hint=words.say("delegate.hint"),
        problem=_problem(problem) if wrong else NOTHING,
        key=parts.key_fields(key),
        label=words.say("delegate.colleague"),
        colleague=colleague,
        invalid=parts.described("colleague-hint", invalid=wrong),
        action=words.say("delegate.action"),
    )


def _problem(problem: str) -> Html:
    return parts.problem(words.say("delegate.problem"), words.say(f"review.problem.{problem}"))
