"""The catalog: every text is used, every text that is used exists, and no page or mail has words of its own."""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from string import Formatter
from types import MappingProxyType

import pytest

from countersign.presentation import display, wording
from tests.views import ATTACHMENTS, COMMENT, ROWS, TITLE, UNLINKED, every_mail, every_page

ENGLISH = wording.CATALOGS["en"]


class Recorded(Mapping[str, str]):
    """A catalog that remembers which of its texts were asked for."""

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
def catalog(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """A second language, each text of which stands in marks: what has none was not taken from the catalog."""
    texts = {key: text if key == "direction" else f"⟦{text}⟧" for key, text in ENGLISH.items()}
    recorded = Recorded(texts)
    monkeypatch.setattr(wording, "CATALOGS", MappingProxyType({"en": ENGLISH, "xx": recorded}))
    monkeypatch.setattr(wording, "PLURALS", MappingProxyType({"xx": wording.PLURALS["en"]}))
    yield recorded
    display.environment.cache_clear()


def test_every_text_is_used_by_a_page_or_a_mail(catalog: Recorded) -> None:
    every_page("xx")
    every_mail("xx")
    assert set(ENGLISH) - catalog.used == set()


def test_pages_and_mails_have_no_words_of_their_own(catalog: Recorded) -> None:
    documents = {**every_page("xx"), **{name: mail.html for name, mail in every_mail("xx").items()}}
    names = (attachment.name for attachment in (*ATTACHMENTS, UNLINKED))
    ours = {TITLE, COMMENT, *names, *(part for row in ROWS for part in row)}
    for name, document in documents.items():
        body = re.sub(r"<style>.*?</style>|<textarea.*?</textarea>", "", document, flags=re.DOTALL)
        words = _outside_marks(unescape(re.sub(r"<[^>]*>", "\n", body)))
        assert [word for word in words if word and not _is_value(word, ours)] == [], name


def test_every_language_has_the_same_texts_with_the_same_values() -> None:
    for language, texts in wording.CATALOGS.items():
        assert _without_plurals(texts) == _without_plurals(ENGLISH), language
        assert language in wording.PLURALS
        for key in texts.keys() & ENGLISH.keys():
            assert _values(texts[key]) == _values(ENGLISH[key]), f"{language}: {key}"


def test_no_text_holds_markup() -> None:
    assert [key for texts in wording.CATALOGS.values() for key, text in texts.items() if set("<>&") & set(text)] == []


def test_an_unknown_language_is_refused_with_what_there_is() -> None:
    with pytest.raises(LookupError, match="no wording in language tlh; there is en"):
        wording.say("tlh", "product")


def _outside_marks(text: str) -> list[str]:
    """Return the lines that stand outside all marks; marks may be nested."""
    depth, kept = 0, []
    for character in text:
        depth += (character == "⟦") - (character == "⟧")
        kept.append(character if depth == 0 and character != "⟧" else "")
    return [line.strip() for line in "".join(kept).splitlines()]


def _is_value(word: str, ours: set[str]) -> bool:
    known = any(word in value or word == " ".join(value.split()) for value in ours)
    return known or "@" in word or word.startswith("WWW") or word.replace("\u200c", "") in {"Note", "Long"}


def _without_plurals(texts: Mapping[str, str]) -> set[str]:
    return {key for key in texts if not re.search(r"\.(zero|one|two|few|many|other)$", key) or key == "people.two"}


def _values(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
