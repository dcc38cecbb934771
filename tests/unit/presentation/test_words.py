"""The catalog: every text is used, and pages and mails have no other texts."""

import re
from collections.abc import Iterator, Mapping
from html import unescape

import pytest

from countersign.presentation import words
from countersign.presentation.brand import PLAIN
from tests.views import ATTACHMENTS, COMMENT, ROWS, TITLE, UNLINKED, every_mail, every_page

ENGLISH = words.TEXTS


class Recorded(Mapping[str, str]):
    """A catalog that records the texts in use."""

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


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """The catalog with marked texts. Text outside the marks does not come from it."""
    plain = ("language", "direction")
    recorded = Recorded({key: text if key in plain else f"⟦{text}⟧" for key, text in ENGLISH.items()})
    monkeypatch.setattr(words, "TEXTS", recorded)
    return recorded


def test_every_text_is_used_by_a_page_or_a_mail(catalog: Recorded) -> None:
    every_page()
    every_mail()
    assert set(ENGLISH) - catalog.used == set()


def test_pages_and_mails_contain_only_texts_of_the_catalog(catalog: Recorded) -> None:
    documents = {**every_page(), **{name: mail.html for name, mail in every_mail().items()}}
    names = (attachment.name for attachment in (*ATTACHMENTS, UNLINKED))
    ours = {f"{TITLE} · {PLAIN['name']}", COMMENT, *names, *(part for row in ROWS for part in row)}
    for name, document in documents.items():
        body = re.sub(r"<style>.*?</style>|<textarea.*?</textarea>", "", document, flags=re.DOTALL)
        words = _outside_marks(unescape(re.sub(r"<[^>]*>", "\n", body)))
        assert [word for word in words if word and not _is_value(word, ours)] == [], name


def test_no_text_contains_markup() -> None:
    assert [key for key, text in ENGLISH.items() if set("<>&") & set(text)] == []


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
