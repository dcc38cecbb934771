"""The posts of the review page's form."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.errors import MalformedBodyError
from countersign.services.reviews import Click
from countersign.testing.builders import any_token, http_event
from review.form import click_of, ticked

FIELDS = {"t": any_token(), "decision": "approve", "comment": "Go ahead", "shown": "5" * 64}
comments = st.text(st.characters(exclude_categories=["Cs"]))


def posted(body: str | bytes, **headers: str) -> Click:
    return click_of(http_event("POST", "/review", body, headers=headers))


@pytest.mark.parametrize("body", [urlencode(FIELDS), urlencode(FIELDS).encode()], ids=["text", "base64"])
def test_the_fields_of_the_form_are_the_click(body: str | bytes) -> None:
    assert posted(body, **{"sec-fetch-site": "same-origin"}) == Click(
        any_token(), "approve", "Go ahead", "5" * 64, "same-origin", "203.0.113.0/24"
    )


def test_the_ticked_tasks_of_a_list_are_read_once_each_with_what_the_list_showed() -> None:
    ticks = ["order-1.a wait 55", "order-2.approval 66", "order-1.a wait 55", "no-digest"]
    event = http_event("POST", "/inbox", urlencode([("t", any_token()), *(("tick", tick) for tick in ticks)]))
    assert ticked(event) == [("order-1.a wait", "55"), ("order-2.approval", "66"), ("", "no-digest")]


@given(comments)
def test_every_comment_is_read_with_normalised_line_breaks(comment: str) -> None:
    assert posted(urlencode(FIELDS | {"comment": comment})).comment == comment.replace("\r\n", "\n")


@pytest.mark.parametrize("times", [0, 2], ids=["missing", "repeated"])
@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_or_repeated_field_is_empty(name: str, times: int) -> None:
    others = [(key, value) for key, value in FIELDS.items() if key != name]
    click = posted(urlencode([*others, *[(name, FIELDS[name])] * times]))
    read = {"t": click.token, "decision": click.decision, "comment": click.comment, "shown": click.shown}
    assert read == {**FIELDS, name: ""}


@pytest.mark.parametrize("body", ["", "nonsense", "&&&", "=", '{"decision":"approve"}'])
def test_a_body_without_the_form_has_no_token_and_no_decision(body: str) -> None:
    click = posted(body)
    assert (click.token, click.decision) == ("", "")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"decision=approve&comment=\xff\xfe", id="bytes that are not UTF-8"),
        pytest.param("decision=approve&comment=é".encode(), id="UTF-8 that is not escaped"),
        pytest.param("decision=approve&comment=é", id="text that is not escaped"),
        pytest.param("comment=%FF%FE", id="escapes that are not UTF-8"),
        pytest.param("comment=%ED%A0%80", id="an escaped surrogate"),
        pytest.param("&".join(f"f{number}=1" for number in range(257)), id="more fields than any form has"),
    ],
)
def test_a_form_that_is_not_utf_8_is_malformed(body: str | bytes) -> None:
    with pytest.raises(MalformedBodyError):
        posted(body)


@pytest.mark.parametrize("name", ["sec-fetch-site", "Sec-Fetch-Site", "SEC-FETCH-SITE"])
@pytest.mark.parametrize("value", ["cross-site", " Cross-Site "])
def test_the_fetch_site_is_read_in_every_spelling(name: str, value: str) -> None:
    assert posted("", **{name: value}).fetch_site == "cross-site"


def test_a_missing_fetch_site_is_empty() -> None:
    event = http_event("POST", "/review", "")
    event["headers"] = None
    assert click_of(event).fetch_site == ""


@given(st.binary(max_size=300))
def test_any_bytes_are_a_click_or_malformed(body: bytes) -> None:
    try:
        click = posted(body)
    except MalformedBodyError:
        return
    assert isinstance(click, Click)
