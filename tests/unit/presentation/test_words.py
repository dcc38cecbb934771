"""The catalogues: every language has every text, every text is used, and pages and mails have no other texts."""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from string import Formatter

import pytest
from babel import Locale

from countersign.domain.questions import Person
from countersign.presentation import display, words
from countersign.presentation.brand import PLAIN
from tools.views import ATTACHMENTS, COMMENT, REFUND_ROWS, ROWS, TITLE, UNLINKED, every_chat, every_mail, every_page

LANGUAGES = sorted(words.languages())

COUNTED = {"left.days": range(2, 400), "left.hours": range(2, 48), "left.minutes": range(1, 120)} | {
    "problem.too_many.next": range(1, 61),
    "recorded.missing": range(1, 100),
    "next.waiting": range(1, 20),
}
"""The counts with which each counted text is said."""


class Recorded(Mapping[str, str]):
    """A catalogue that records the texts in use."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self.used: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.used.add(key)
        return self._texts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


@pytest.fixture(params=LANGUAGES)
def catalogue(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """Each catalogue with marked texts. Text outside the marks does not come from it."""
    plain = ("language", "direction")
    with words.reading(request.param):
        texts = words.catalogue()
        recorded = Recorded({key: text if key in plain else f"⟦{text}⟧" for key, text in texts.items()})
        dates = {**words.formats(), "moment": f"⟦{words.formats()['moment']}⟧"}
        monkeypatch.setattr(words, "catalogue", lambda: recorded)
        monkeypatch.setattr(words, "formats", lambda: dates)
        words.turn_to("", {"maria@example.com": Person(name="Maria Rossi")})
        yield recorded


def test_every_text_is_used_by_a_page_or_a_message(catalogue: Recorded) -> None:
    every_page()
    every_mail()
    every_chat()
    for key, counts in COUNTED.items():
        for count in counts:
            words.say_count(key, count)
    assert set(catalogue) - catalogue.used == set()


def test_pages_and_mails_contain_only_texts_of_the_catalogue(catalogue: Recorded) -> None:
    documents = {**every_page(), **{name: mail.html for name, mail in every_mail().items()}}
    names = (text for each in (*ATTACHMENTS, UNLINKED) for text in (each.name, each.url))
    ours = {
        f"{TITLE} · {PLAIN['name']}",
        COMMENT,
        *names,
        *(display.money(part) for row in (*ROWS, *REFUND_ROWS) for part in row),
    }
    for name, document in documents.items():
        body = re.sub(r"<style>.*?</style>|<textarea.*?</textarea>", "", document, flags=re.DOTALL)
        texts = _outside_marks(unescape(re.sub(r"<[^>]*>|&zwnj;", "\n", body)))
        assert [text for text in texts if text and not _is_value(text, ours)] == [], name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_texts_of_english_with_the_same_values(language: str) -> None:
    assert _values_by_text(language) == _values_by_text(words.ENGLISH)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_contains_markup(language: str) -> None:
    with words.reading(language):
        assert [key for key, text in words.catalogue().items() if set("<>&") & set(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_says_its_language_and_direction(language: str) -> None:
    with words.reading(language):
        assert (words.say("language"), words.say("direction")) == (language, Locale.parse(language).text_direction)


def _values_by_text(language: str) -> Mapping[str, set[str | None]]:
    """Return the names in braces by text; all categories of a count together, since `one` need not repeat it."""
    found: dict[str, set[str | None]] = {}
    with words.reading(language):
        for key, text in words.catalogue().items():
            counted = next((name for name in COUNTED if key.startswith(f"{name}.")), key)
            found.setdefault(counted, set()).update(name for _, name, _, _ in Formatter().parse(text) if name)
    return found


def _outside_marks(text: str) -> list[str]:
    """Return the lines outside all marks. Marks may be nested."""
    depth, kept = 0, []
    for character in text:
        depth += (character == "⟦") - (character == "⟧")
        kept.append(character if depth == 0 and character != "⟧" else "")
    return [line.strip() for line in "".join(kept).splitlines()]


def _is_value(word: str, ours: set[str]) -> bool:
    known = any(word in value or word == " ".join(value.split()) for value in ours)
    return known or "@" in word or word.startswith("WWW") or word.replace("\u200c", "") in {"Note", "Long"}
