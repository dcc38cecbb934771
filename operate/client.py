"""Clients of the API without credentials: a person with a browser, a machine with a token."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin

from operate.embedded import aws, http
from operate.embedded.cloud import Cloud
from operate.embedded.http import Answer

Envelope = Mapping[str, Any]

_QUEUE = "external-tasks"


@dataclass
class Form:
    """A form of a page, with the fields that a browser would send.

    Attributes:
        action: The absolute URL that it is posted to.
        fields: The hidden fields.
        buttons: The name of each button, by its value, or without a value by the last part of the form's URL.
    """

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A page that was opened.

    Attributes:
        url: Its URL.
        answer: The server's answer.
        forms: Its forms, in order.
        text: Its text without markup, in one line.
    """

    url: str
    answer: Answer
    forms: tuple[Form, ...]
    text: str


def open_page(url: str) -> Page:
    """Open a page as a browser does after a click on a link in a mail."""
    return _page(url, http.get(url, {"Accept": "text/html", "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}))


def press(page: Page, button: str, **typed: str) -> Page:
    """Press a button of a page.

    Args:
        page: A page with a form.
        button: The button's value, such as `approve`, or without a value the last part of its form's URL, such as
            `delegate`.
        typed: The text of the fields that are not hidden.

    Raises:
        LookupError: The page has no such button.
    """
    form = next((form for form in page.forms if button in form.buttons), None)
    if form is None:
        address = page.url.partition("?")[0]  # without the token, as the error may end in a report
        raise LookupError(f"{address} has no button {button!r}; it answered {page.answer.status}: {page.text}")
    name = form.buttons[button]
    body = urlencode({**form.fields, **typed, **({name: button} if name else {})}).encode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "text/html",
        "Origin": "null",  # what browsers send from a page with `Referrer-Policy: no-referrer`
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "navigate",
    }
    return _page(form.action, http.send("POST", form.action, body, headers))


def take(cloud: Cloud, wanted: Callable[[Envelope], bool]) -> list[Envelope]:
    """Take the wanted hand-offs from the queue of machines.

    The others go back as new messages: a queue gives up a message that was received a few times.
    """
    sqs, queue = aws.client("sqs", cloud.endpoint_url), cloud.queues[_QUEUE]
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
    taken = []
    for message in received.get("Messages", []):
        envelope = _envelope(message["Body"])
        if envelope is not None and wanted(envelope):
            taken.append(envelope)
        else:
            sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return taken


def answer(envelope: Envelope, said: str, document: Any = None, token: str = "") -> Answer:  # nosec B107
    """Post a machine's answer to a hand-off.

    Args:
        envelope: The hand-off.
        said: `succeed`, `fail` or `heartbeat`.
        document: The body; None for an empty one.
        token: The token to send in place of the envelope's.
    """
    callback = envelope["callback"]
    headers = {"Authorization": f"Bearer {token or callback['token']}", "Content-Type": "application/json"}
    body = b"" if document is None else json.dumps(document).encode()
    return http.send("POST", f"{callback['url']}/{said}", body, headers)


def _envelope(body: str) -> Envelope | None:
    try:
        envelope = json.loads(body)
    except ValueError:
        return None
    return envelope if isinstance(envelope, dict) else None


def _page(url: str, answer: Answer) -> Page:
    reader = _Reader(url)
    reader.feed(answer.text)
    return Page(url, answer, tuple(reader.forms), " ".join(" ".join(reader.words).split()))


class _Reader(HTMLParser):
    """Reads the forms and the text of a page."""

    _UNSEEN = ("style", "script", "title")

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.forms: list[Form] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if tag == "form":
            self.forms.append(Form(urljoin(self._url, attributes.get("action", ""))))
        elif self.forms and tag == "input" and attributes.get("type") == "hidden":
            self.forms[-1].fields[name] = value
        elif self.forms and tag == "button":
            self.forms[-1].buttons[value or self.forms[-1].action.rpartition("/")[2]] = name

    def handle_data(self, data: str) -> None:
        if self.lasttag not in self._UNSEEN:
            self.words.append(data)
