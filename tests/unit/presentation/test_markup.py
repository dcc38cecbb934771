"""HTML whose values are text."""

from datetime import datetime, timedelta, timezone

from countersign.domain.questions import Person
from countersign.presentation import markup, words


def test_a_value_becomes_visible_text_and_html_stays_as_it_is() -> None:
    inner = markup.html("<b>{text}</b>", text='{outer} & \u202e"x"')
    assert markup.html('<p title="{text}">{inner}</p>', text="\"'<", inner=inner) == (
        '<p title="&quot;&#x27;&lt;"><b>{outer} &amp; \ufffd&quot;x&quot;</b></p>'
    )


def test_a_text_of_the_catalogue_isolates_its_values() -> None:
    assert markup.say("mail.instead_of", person="<otto>").count("<bdi>&lt;otto&gt;</bdi>") == 1


def test_the_machine_readable_time_is_utc() -> None:
    at = datetime(2025, 11, 21, 16, 30, tzinfo=timezone(timedelta(hours=2)))
    assert markup.time(at).startswith('<time datetime="2025-11-21T14:30:00Z">Friday')


def test_an_amount_keeps_its_direction_and_cannot_break() -> None:
    assert markup.money("1234.5 EUR") == '<bdi class="money" dir="ltr">1,234.50\u00a0EUR</bdi>'


def test_a_persons_name_and_address_are_isolated_from_each_other() -> None:
    assert markup.person("<li>@example.com") == "<bdi>&lt;li&gt;@example.com</bdi>"
    with words.reading():
        words.turn_to("", {"omar@example.com": Person(name="عمر <b>")})
        expected = "<bdi>عمر &lt;b&gt;</bdi> (<bdi>omar@example.com</bdi>)"
        assert markup.person("omar@example.com") == expected
