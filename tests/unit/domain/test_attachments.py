"""Attachments: the URLs that a page may link to, and the host that it shows."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.questions import Attachment


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://files.example.com/offers/1001.pdf", "files.example.com"),
        ("https://FILES.example.com", "FILES.example.com"),
        ("https://files.example.com:8443?x", "files.example.com:8443"),
        ("https://bank.example.evil.example/#@bank.example", "bank.example.evil.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://evil.example/https://bank.example/", "evil.example"),
        ("https://bank.example@evil.example/", ""),
        ("https://evil.example\\@bank.example/", ""),
        ("https://3221225985/", ""),
        ("http://files.example.com/", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_the_host_of_an_attachment_is_empty_where_its_url_is_unsafe(url: str, host: str) -> None:
    assert Attachment("Offer.pdf", url).host == host


@given(st.text(st.sampled_from("ahx0:@/?#\\.%-_[] \t\né\u3002"), max_size=20))
def test_a_host_is_parsed_like_the_standard_library_and_never_has_user_info(rest: str) -> None:
    url = f"https://{rest}"
    if host := Attachment("", url).host:
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc, parts.username) == ("https", host, None)
