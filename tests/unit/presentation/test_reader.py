"""The reader: whose language and time zone a page or a message has."""

import pytest

from countersign.domain.questions import Person
from countersign.presentation import words
from countersign.presentation.words import READER


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"),
        ("de-AT,en;q=0.8", "de"),
        ("fr-FR,fr;q=0.9,ar;q=0.7,en;q=0.6", "ar"),
        ("en;q=0.3, DE;Q=0.5", "de"),
        ("en ; q=0.5 , de", "de"),
        ("en,de", "en"),
        ("de;q=0", ""),
        ("de;q=2,en;q=1.5,ar;q=x", ""),
        ("de;q=²,en;q=.,ar;q=nan", ""),
        ("*", ""),
        ("", ""),
        ("fr,it", ""),
        (", ;q=1,,de", "de"),
        ("xx," * 20 + "de", ""),
        ("x" * 1_000_000 + ",de", ""),
    ],
    ids=lambda value: value[:40],
)
def test_a_browsers_first_language_with_a_catalogue_counts(header: str, language: str) -> None:
    assert words.accepted(header) == language


def test_the_directory_comes_before_all_else_as_far_as_it_says_something() -> None:
    people = {
        "maria@example.com": Person(language="de", time_zone="Europe/Rome"),
        "li@example.com": Person(name="Li", language="xx", time_zone="Europe/Atlantis"),
    }
    with words.reading("ar", "Asia/Dubai"):
        words.turn_to("li@example.com", people)
        assert (READER.language, READER.time_zone) == ("ar", "Asia/Dubai"), "unknown ones count for nothing"
        words.turn_to("Maria@example.com", people)
        assert (READER.language, READER.time_zone, READER.people) == ("de", "Europe/Rome", people)
    assert (READER.language, READER.time_zone, READER.people) == ("en", "UTC", {})


def test_what_is_not_chosen_stays_as_it_is() -> None:
    with words.reading("de"), words.reading("", "Europe/Rome"):
        assert (READER.language, READER.time_zone) == ("de", "Europe/Rome")
