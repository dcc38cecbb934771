"""The two kinds of callers of the API: a system that signs its requests, and a person with a browser."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from operate.embedded import aws, http
from operate.embedded.http import Answer


@dataclass(frozen=True)
class RequestsApi:
    """`/requests`, called with AWS's signature version 4.

    Attributes:
        api_url: Where the API is, without a slash at the end.
        region: The region that requests are signed for.
        access_key_id: Who signs.
        secret_access_key: With what.
    """

    api_url: str
    region: str = aws.REGION
    access_key_id: str = aws.ACCESS_KEY_ID
    secret_access_key: str = aws.SECRET_ACCESS_KEY

    def submit(self, workflow: str, request_id: str, document: dict[str, Any]) -> Answer:
        """Start a workflow with an input."""
        body = {"workflow": workflow, "request_id": request_id, "input": document}
        return self._signed("POST", f"{self.api_url}/requests", json.dumps(body).encode())

    def report(self, request_id: str) -> Answer:
        """Ask how a request is doing."""
        return self._signed("GET", f"{self.api_url}/requests/{quote(request_id, safe='')}")

    def _signed(self, method: str, url: str, body: bytes | None = None) -> Answer:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        request = AWSRequest(method, url, {"Content-Type": "application/json"}, body)
        SigV4Auth(Credentials(self.access_key_id, self.secret_access_key), "execute-api", self.region).add_auth(request)
        return http.send(method, url, body, dict(request.headers.items()))


@dataclass
class Form:
    """The form of a page, as far as a browser would send it.

    Attributes:
        action: Where it is sent, absolute.
        fields: The hidden fields.
        buttons: What can be pressed: each a name and a value.
    """

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """A page that was opened.

    Attributes:
        url: Its address.
        answer: What the server sent.
        forms: Its forms, in order.
        text: What it says, without markup, in one line.
    """

    url: str
    answer: Answer
    forms: tuple[Form, ...]
    text: str


def open_page(url: str) -> Page:
    """Open a page the way a browser does that follows a link from a mail."""
    return _page(url, http.get(url, {"Accept": "text/html", "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}))


def press(page: Page, value: str, **typed: str) -> Page:
    """Press the button of a page's form that has a value.

    Args:
        page: A page with a form.
        value: The button's, such as `approve`.
        typed: What is written into the fields that are not hidden.

    Raises:
        LookupError: The page has no such button.
    """
    for form in page.forms:
        for name, at in form.buttons:
            if at == value:
                return _send(form, typed | {name: value})
    raise LookupError(f"{page.url} has no button {value!r}; it answered {page.answer.status}: {page.text}")


def hand_in(page: Page, where: str, **typed: str) -> Page:
    """Send the form of a page that has one button.

    Args:
        page: A page with forms.
        where: The last part of the form's address, such as `delegate`.
        typed: What is written into the fields that are not hidden.

    Raises:
        LookupError: The page has no such form.
    """
    for form in page.forms:
        if form.action.endswith(f"/{where}"):
            return _send(form, typed)
    raise LookupError(f"{page.url} has no form for {where!r}; it answered {page.answer.status}: {page.text}")


def _send(form: Form, typed: dict[str, str]) -> Page:
    body = urlencode({**form.fields, **typed}).encode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "text/html",
        "Origin": "null",  # what browsers send from a page with `Referrer-Policy: no-referrer`
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "navigate",
    }
    return _page(form.action, http.send("POST", form.action, body, headers))


def _page(url: str, answer: Answer) -> Page:
    reader = _Reader(url)
    reader.feed(answer.text)
    return Page(url, answer, tuple(reader.forms), " ".join(" ".join(reader.words).split()))


class _Reader(HTMLParser):
    """Finds the form and the words of a page."""

    _UNSEEN = ("style", "script", "title")

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._unseen = 0
        self.forms: list[Form] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if tag in self._UNSEEN:
            self._unseen += 1
        elif tag == "form":
            self.forms.append(Form(urljoin(self._url, attributes.get("action", ""))))
        elif self.forms and tag == "input" and attributes.get("type") == "hidden":
            self.forms[-1].fields[name] = value
        elif self.forms and tag == "button" and name:
            self.forms[-1].buttons.append((name, value))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._UNSEEN:
            self._unseen -= 1

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.words.append(data)
