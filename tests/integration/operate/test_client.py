"""The demo's client: pages, mails and the cloud file."""

from __future__ import annotations

import json
import stat
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from operate import client
from operate.client import Page, open_page, press
from operate.embedded import cloud, http
from operate.embedded.cloud import Cloud
from operate.embedded.http import Answer
from operate.embedded.mailbox import Mailbox

REVIEW = """<!doctype html><html><head><title>Decide</title><style>p { color: red }</style></head><body>
<p>Twelve &amp; more</p>
<form method="post" action="review">
<input type="hidden" name="t" value="a&amp;b"><input type="hidden" name="shown" value="0f">
<textarea name="comment"></textarea>
<button name="decision" value="approve">Approve</button><button name="decision" value="reject">Reject</button></form>
</body></html>"""


class Server:
    """Stands in for `operate.embedded.http`: answers with one text and keeps the requests."""

    def __init__(self, text: str, status: int = 200) -> None:
        self.answer = Answer(status, Message(), text)
        self.sent: list[tuple[str, str, bytes | None, dict[str, str]]] = []

    def send(self, method: str, url: str, body: bytes | None = None, headers: Any = None) -> Answer:
        self.sent.append((method, url, body, dict(headers or {})))
        return self.answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server(REVIEW)
    monkeypatch.setattr(http, "send", server.send)
    monkeypatch.setattr(http, "get", lambda url, headers=None: server.send("GET", url, None, headers))
    return server


def test_a_page_is_read_as_a_browser_reads_it(server: Server) -> None:
    page = open_page("http://localhost:1/api/$default/review?t=x")
    buttons = dict.fromkeys(("approve", "reject"), "decision")
    form = client.Form("http://localhost:1/api/$default/review", {"t": "a&b", "shown": "0f"}, buttons)
    assert (page.text, page.forms) == ("Twelve & more Approve Reject", (form,))


def test_each_form_of_a_page_is_sent_to_its_own_address(server: Server) -> None:
    other = '<form method="post" action="delegate"><input type="hidden" name="t" value="c"><button>Go</button></form>'
    server.answer = Answer(200, Message(), REVIEW + other)
    page = open_page("http://localhost:1/review?t=x")
    press(page, "delegate", colleague="li@example.com")
    assert server.sent[-1][1:3] == ("http://localhost:1/delegate", b"t=c&colleague=li%40example.com")
    press(page, "approve")
    assert server.sent[-1][1] == "http://localhost:1/review"


def test_a_button_sends_the_form(server: Server) -> None:
    press(open_page("http://localhost:1/review?t=x"), "reject", comment="too dear")
    method, url, body, headers = server.sent[-1]
    assert (method, url) == ("POST", "http://localhost:1/review")
    assert body == b"t=a%26b&shown=0f&comment=too+dear&decision=reject"
    assert headers["Sec-Fetch-Site"] == "same-origin"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("text", ["<p>It is decided.</p>", REVIEW])
def test_an_unknown_button_is_an_error_without_the_token_of_the_page(server: Server, text: str) -> None:
    server.answer = Answer(410, Message(), text)
    page: Page = open_page("http://localhost:1/review?t=x")
    with pytest.raises(LookupError, match="http://localhost:1/review has no button 'postpone'; it answered 410"):
        press(page, "postpone")


def message(**changes: Any) -> dict[str, Any]:
    plain = {"MessageId": "1", "Source": "s@x.y", "To": ["Maria@example.com"], "Subject": "Please", "BodyText": ""}
    return {**plain, "BodyHtml": None, **changes}


def test_the_review_link_is_found_in_the_mail(server: Server) -> None:
    link = "http://localhost:1/_aws/execute-api/ab12/$default/review?t=Ab_-9"
    mails = [message(BodyText=f"Decide:\n{link}\n\nBye."), message(MessageId="2", To=["other@example.com"])]
    server.answer = Answer(200, Message(), json.dumps({"messages": {"000000000000": mails}}))
    assert [mail.message_id for mail in Mailbox("http://localhost:1/m").mails()] == ["1", "2"]
    (mail,) = Mailbox("http://localhost:1/m").mails("maria@example.com")
    assert mail.review_link == link
    assert Mailbox("http://localhost:1/m").mails("other@example.com")[0].review_link is None


def any_cloud() -> Cloud:
    return Cloud(
        endpoint_url="http://127.0.0.1:1",
        region="eu-central-1",
        account="000000000000",
        api_url="http://localhost:1/api",
        mailbox_url="http://127.0.0.1:1/mail",
        queues={"external-tasks": "http://localhost:1/q"},
        bus="bus",
        table="table",
        providers={},
        credentials={"access_key_id": "a", "secret_access_key": "b"},
        outputs={"stack": {"Workflows": '{"order-approval": "arn"}'}},
    )


def test_the_cloud_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert Cloud.read(tmp_path) is None
    any_cloud().write(tmp_path)
    assert (Cloud.read(tmp_path), stat.S_IMODE((tmp_path / "cloud.json").stat().st_mode)) == (any_cloud(), 0o600)
    assert any_cloud().workflow("order-approval") == "arn"
    assert [path.name for path in tmp_path.iterdir()] == ["cloud.json"]
    cloud.remove(tmp_path)
    cloud.remove(tmp_path)
    assert Cloud.read(tmp_path) is None


def test_the_cloud_file_has_its_public_keys(tmp_path: Path) -> None:
    any_cloud().write(tmp_path)
    assert set(json.loads((tmp_path / "cloud.json").read_text())) == {
        *("endpoint_url", "region", "account", "api_url", "mailbox_url", "queues", "bus", "table", "providers"),
        *("credentials", "outputs"),
    }
