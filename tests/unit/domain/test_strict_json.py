"""Strict JSON: documents with one meaning for every reader. Other bodies are refused by one of two errors."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.errors import BodyTooLargeError, MalformedBodyError
from countersign.domain.strict_json import MAX_BODY_BYTES, MAX_DEPTH, canonical, digest, read

texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
documents = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda children: st.lists(children) | st.dictionaries(texts, children),
    max_leaves=20,
)


def read_or_refuse(body: bytes) -> None:
    """Read a body. Any error except the two of the API fails the test."""
    with contextlib.suppress(MalformedBodyError, BodyTooLargeError):
        read(body)


@given(documents, st.integers(0), st.binary(max_size=8))
def test_a_document_with_changed_bytes_is_read_or_refused_by_one_of_two_errors(
    document: Any, place: int, bytes_there: bytes
) -> None:
    body = canonical(document)
    place %= len(body) + 1
    read_or_refuse(body[:place] + bytes_there + body[place:])
    read_or_refuse(body[:place] + body[place + len(bytes_there) :])


@given(st.text(alphabet='{}[]":,\\ud8/0123456789.eE+-truefalsn\ufeff\x00 \n', max_size=200))
def test_text_like_json_is_read_or_refused_by_one_of_two_errors(text: str) -> None:
    read_or_refuse(text.encode())


@given(documents)
def test_a_strict_json_document_parses_to_itself(document: Any) -> None:
    assert read(canonical(document)) == document


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a":1,"a":1}', id="the same key twice"),
        pytest.param(b'{"a":1,"\\u0061":2}', id="the same key twice, once escaped"),
        pytest.param(b'[{"b":{"a":1,"a":2}}]', id="the same key twice, deep inside"),
        *(pytest.param(b"NaN", id="NaN"), pytest.param(b'{"a":NaN}', id="NaN inside")),
        *(pytest.param(b"Infinity", id="Infinity"), pytest.param(b"[-Infinity]", id="-Infinity")),
        pytest.param(b"1e999", id="a float out of range"),
        pytest.param(b"[-1e999]", id="a negative float out of range"),
        pytest.param(b"1" * 5000 + b".0", id="a float of 5,000 digits"),
        pytest.param(b"1" * 5000, id="an integer of 5,000 digits"),
        pytest.param(b"-" + b"1" * 5000, id="a negative integer of 5,000 digits"),
        pytest.param(b'"\\ud800"', id="a lone high surrogate"),
        pytest.param(b'"\\udfff"', id="a lone low surrogate"),
        pytest.param(b'"\\uDBFF"', id="a lone surrogate in upper case"),
        pytest.param(b'"\\udc00\\ud800"', id="surrogates in the wrong order"),
        pytest.param(b'{"\\ud800":1}', id="a lone surrogate in a key"),
        pytest.param(b'[[["x\\ud800"]]]', id="a lone surrogate deep inside"),
        pytest.param(b'"\xed\xa0\x80"', id="a surrogate in UTF-8"),
        pytest.param(b'"\xc0\xaf"', id="overlong UTF-8"),
        pytest.param(b'"\xff"', id="a byte outside UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16 with a mark"),
        pytest.param('{"a":1}'.encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param('{"a":1}'.encode("utf-32"), id="UTF-32"),
        *(pytest.param(b"", id="nothing"), pytest.param(b" ", id="white space")),
        *(pytest.param(b"{", id="half a document"), pytest.param(b"{} {}", id="two documents")),
        *(pytest.param(b"{'a':1}", id="single quotes"), pytest.param(b"[1,]", id="a trailing comma")),
        *(pytest.param(b"01", id="a leading zero"), pytest.param(b"+1", id="a plus sign")),
        pytest.param(b"0x10", id="a hexadecimal number"),
        pytest.param(b'"\t"', id="a control character in a text"),
        pytest.param("１２".encode(), id="digits that are not ASCII"),
        pytest.param(b"/**/1", id="a comment"),
        pytest.param(b"\x001", id="a NUL"),
    ],
)
def test_a_body_that_is_not_strict_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        read(body)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 40_000 + b"1"])
def test_a_hundred_thousand_levels_are_refused(body: bytes) -> None:
    with pytest.raises(MalformedBodyError, match="64 levels"):
        read(body)


def test_many_containers_side_by_side_are_not_deep() -> None:
    assert len(read(b"[" + b",".join([b'{"a":[]}'] * 1000) + b"]")) == 1000


@given(st.integers(60, 68), st.text('[]{}\\":,u0041', max_size=30), st.integers(0, 70))
def test_brackets_in_strings_do_not_count_as_levels(depth: int, text: str, beside: int) -> None:
    document: Any = [text] * beside
    for _ in range(depth - 1):
        document = {text: document}
    body = json.dumps(document).encode()
    if depth <= MAX_DEPTH:
        assert read(body) == document
    else:
        with pytest.raises(MalformedBodyError, match="64 levels"):
            read(body)


@pytest.mark.parametrize("text", ["\\", '"', '\\"', '"\\', "[\\", '\\\\"[', '"]', "{", "\\u005b", '\\\\\\"'])
def test_strings_with_backslashes_and_quotes_do_not_change_the_depth(text: str) -> None:
    document: Any = [text] * 200
    for _ in range(MAX_DEPTH - 1):
        document = {text: document, "beside": []}
    body = json.dumps(document).encode()
    assert read(body) == document
    with pytest.raises(MalformedBodyError, match="64 levels"):
        read(b"[" + body + b"]")


@given(st.text(st.characters(categories=["Cs"]) | st.sampled_from("a\\ud8")), st.booleans())
def test_a_lone_surrogate_is_refused(text: str, in_a_key: bool) -> None:
    body = json.dumps({text: 1} if in_a_key else {"a": [text]}).encode()
    means = json.loads(json.dumps(text))
    if any("\ud800" <= character <= "\udfff" for character in means):
        with pytest.raises(MalformedBodyError, match="surrogate"):
            read(body)
    else:
        assert read(body) == ({means: 1} if in_a_key else {"a": [means]})


def test_a_surrogate_pair_is_one_character() -> None:
    assert read(b'"\\ud83d\\ude00"') == "😀"


def test_256_kib_are_read_and_one_byte_more_is_too_large() -> None:
    text = b'"' + b"a" * (MAX_BODY_BYTES - 2) + b'"'
    assert (len(text), len(read(text))) == (256 * 1024, MAX_BODY_BYTES - 2)
    with pytest.raises(BodyTooLargeError) as error:
        read(text + b" ")
    assert str(256 * 1024) in error.value.reason


def test_the_cap_counts_bytes_not_characters() -> None:
    with pytest.raises(BodyTooLargeError):
        read('"{}"'.format("ä" * (MAX_BODY_BYTES // 2)).encode())


@given(st.binary(min_size=4))
def test_a_refusal_never_quotes_the_body(rest: bytes) -> None:
    secret = b"s3cr3t-w0rd"
    with pytest.raises(MalformedBodyError) as error:
        read(b"{" + secret + rest)
    assert secret.decode() not in str(error.value)


@given(st.dictionaries(texts, documents))
def test_the_digest_does_not_depend_on_the_order_of_keys(document: dict[str, Any]) -> None:
    assert digest(document) == digest(dict(reversed(document.items())))


def test_different_documents_have_different_digests() -> None:
    variants: list[Any] = [None, False, 0, "", "0", [], {}, [[]], {"a": []}, {"a": {}}, {"a": None}, {"A": None}]
    assert len({digest(variant) for variant in variants}) == len(variants)


def test_the_digest_is_the_same_as_in_earlier_releases() -> None:
    assert canonical({"b": [1, "ä"], "a": None}) == '{"a":null,"b":[1,"ä"]}'.encode()
    assert digest({"b": [1, "ä"], "a": None}) == "5d4c789751acdad9ba305072d1a6ccdc5864fd7c7a1bcc0f38a794e5a4417e02"
