"""The channel `slack`: direct messages by Slack's Web API, and mail for what Slack does not carry."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any

import pytest

from approver.handler import handler
from countersign.channels.base import load
from countersign.channels.slack import PAUSE_SECONDS, Slack, blocks_of
from countersign.composition import current_ports
from countersign.contracts import envelope
from countersign.domain.clock import to_text
from countersign.domain.errors import MessageRefusedError
from countersign.domain.questions import Attachment, Shown
from countersign.functions.clients import client
from countersign.presentation import words
from countersign.testing.builders import APPROVER, OTHER_APPROVER, TASK_ID, any_message
from tests.integration.conftest import BASE_URL, CONFIGURATION_SET, SENDER, Kit, Operation, look, on_queue
from tests.integration.output import Output
from tests.integration.slack_api import TOKEN, USER, SlackApi, error_in_blocks, slack_api, texts_in
from tools.views import every_message

run = on_queue(handler)
HOSTILE = "<!channel> *A* & <https://evil.example|click> https://evil.example"


class Seconds:
    """A monotonic clock."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def api() -> Iterator[SlackApi]:
    with slack_api() as api:
        yield api


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def slack(api: SlackApi, seconds: Seconds) -> Slack:
    return Slack(api.connect, seconds)


def any_slack_message(**changes: Any) -> Any:
    return replace(any_message(**changes), user_id=USER)


def sent_texts(api: SlackApi) -> str:
    (message,) = api.messages.values()
    shown = "\n".join(text["text"] for _, text in texts_in(message["blocks"]))
    return shown.replace("\N{ZERO WIDTH NON-JOINER}", "").replace("\N{NO-BREAK SPACE}", " ")


def test_a_direct_message_has_amount_title_rows_deadline_and_the_link_as_text(slack: Slack, api: SlackApi) -> None:
    asked = Shown("Order 1001", (("Order", "1001"), ("Amount", "1250.00 EUR")), "ana@example.com", amount="1250.00 EUR")
    message = any_slack_message(question=asked)
    reference = slack.send(message, {}, (TOKEN,))
    assert api.methods == ["conversations.open", "chat.postMessage"]
    ((conversation, moment),) = api.messages
    assert reference == f"{conversation}/{moment}"
    (sent,) = api.messages.values()
    assert (sent["unfurl_links"], sent["unfurl_media"]) == (False, False)
    shown = sent_texts(api)
    headline = "*1,250.00 EUR*\n*Order 1001*"
    for part in (headline, "Order: 1001", "ana@example.com", f"*<{message.link}|Read and decide>*", "1 March 2026"):
        assert part in shown
    assert message.link not in sent["text"], "the text stands in notifications"
    assert not any(block["type"] == "actions" for block in sent["blocks"]), "a click on a button is reported to the app"


def test_no_text_of_a_requester_becomes_a_link_or_a_mention(slack: Slack, api: SlackApi) -> None:
    attachment = Attachment("<@U1>", "https://files.example.com/1")
    asked = Shown(HOSTILE, ((HOSTILE, HOSTILE),), HOSTILE, attachments=(attachment,), on_behalf_of=HOSTILE)
    message = any_slack_message(question=asked)
    slack.send(message, {}, (TOKEN,))
    (sent,) = api.messages.values()
    marked = [text for _, text in texts_in(sent["blocks"]) if text["type"] == "mrkdwn"]
    assert all(text["verbatim"] for text in marked), "Slack makes a link of a bare address otherwise"
    texts = "\n".join((sent["text"], *(each["text"] for each in marked)))
    assert set(re.findall("<[^>]*>", texts)) == {f"<{message.link}|Read and decide>"}


def test_a_long_question_fits_slacks_limits_and_says_that_the_page_has_more(slack: Slack, api: SlackApi) -> None:
    rows = tuple((f"&{number}" * 60, "&" * 20_000) for number in range(30))
    slack.send(any_slack_message(question=Shown("&" * 5_000, rows, "r@example.com", amount="9" * 500)), {}, (TOKEN,))
    shown = sent_texts(api)
    for part in ("&0", "Decide by: ", "The page shows more."):
        assert part in shown.replace("&amp;", "&")


def test_a_link_to_the_inbox_is_a_message_too(slack: Slack, api: SlackApi) -> None:
    message = any_slack_message(kind="approval.inbox", question=Shown("", (), ""))
    slack.send(message, {}, (TOKEN,))
    assert f"<{message.link}|Show what is waiting for me>" in sent_texts(api)


@pytest.mark.parametrize("language", sorted(words.languages()))
def test_every_message_has_a_form_that_slack_takes(language: str) -> None:
    with words.reading(language):
        for name, message in every_message().items():
            assert error_in_blocks(list(blocks_of(message))) == "", name


def test_while_tokens_change_the_next_one_is_used(slack: Slack, api: SlackApi) -> None:
    slack.send(any_slack_message(), {}, ("xoxb-not-yet", TOKEN))
    assert api.methods == ["conversations.open", "chat.postMessage"]


@pytest.mark.parametrize("method", ["conversations.open", "chat.postMessage"])
@pytest.mark.parametrize(
    ("error", "code"), [("user_disabled", "user_disabled"), ("no user ana@example.com", "unknown_error")]
)
def test_slack_s_refusal_has_its_code_and_no_other_text(
    slack: Slack, api: SlackApi, method: str, error: str, code: str
) -> None:
    api.fail(method, error)
    with pytest.raises(MessageRefusedError, match=f"^{code}$"):
        slack.send(any_slack_message(), {}, (TOKEN,))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"ok": true}', b'{"ok": true, "channel": "D1"}', b"<html>"])
def test_an_answer_that_slack_does_not_document_is_a_refusal(slack: Slack, api: SlackApi, body: bytes) -> None:
    api.failing["conversations.open"] = (200, body, {})
    with pytest.raises(MessageRefusedError, match=r"^unknown_(error|answer)$"):
        slack.send(any_slack_message(), {}, (TOKEN,))


@pytest.mark.parametrize(("headers", "pause"), [({"Retry_After": "7"}, 7), ({}, PAUSE_SECONDS)])
def test_a_rate_limit_is_kept_until_slack_s_time_has_passed(
    slack: Slack, api: SlackApi, seconds: Seconds, headers: dict[str, str], pause: int
) -> None:
    api.fail("chat.postMessage", "ratelimited", 429, **headers)
    with pytest.raises(MessageRefusedError, match="ratelimited"):
        slack.send(any_slack_message(), {}, (TOKEN,))
    api.failing.clear()
    api.calls.clear()
    seconds.now += pause - 1
    with pytest.raises(MessageRefusedError, match="paused"):
        slack.send(any_slack_message(), {}, (TOKEN,))
    assert api.calls == []
    seconds.now += 1
    assert slack.send(any_slack_message(), {}, (TOKEN,))


def test_slack_out_of_reach_is_called_once_for_a_message_to_many(seconds: Seconds) -> None:
    def connect() -> HTTPConnection:
        tried.append(HTTPConnection("127.0.0.1", 9, timeout=1))
        return tried[-1]

    tried: list[HTTPConnection] = []
    slack = Slack(connect, seconds)
    for code in ("out_of_reach", *["paused"] * 19):
        with pytest.raises(MessageRefusedError, match=code):
            slack.send(any_slack_message(), {}, (TOKEN,))
    assert len(tried) == 1


def test_only_slack_s_host_is_called() -> None:
    connection = Slack()._connect()
    assert (type(connection).__name__, connection.host, connection.port) == ("HTTPSConnection", "slack.com", 443)


# The stage's channel


@pytest.fixture
def in_slack(kit: Kit, slack: Slack, mails: Operation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operation]:
    """The mails of a stage with the channel `slack`; one of the two approvers has a user id."""
    monkeypatch.setattr("countersign.channels.slack.CHANNEL", slack)
    load.cache_clear()
    monkeypatch.setenv("MAIL_SETTINGS", current_ports().environment.text("CHANNEL_SETTINGS"))
    made = client("secretsmanager").create_secret(Name="slack", SecretString=json.dumps({"active": [TOKEN]}))
    monkeypatch.setenv("CHANNEL_SECRET", json.dumps({"slack": made["ARN"]}))
    monkeypatch.setenv("CHANNEL", "slack")
    monkeypatch.setenv("CHANNEL_SETTINGS", "{}")
    current_ports().directory.set_profile(APPROVER, {"slack": USER})  # type: ignore[attr-defined]
    yield mails
    load.cache_clear()


def sent_entries(kit: Kit) -> list[dict[str, Any]]:
    return [dict(entry.event.data) for entry in kit.audit() if entry.event.event == "sent"]


def test_people_with_a_user_id_get_a_direct_message_and_the_others_a_mail(
    kit: Kit, in_slack: Operation, api: SlackApi
) -> None:
    assert run(envelope.requested(kit.open_task(audience=(APPROVER, OTHER_APPROVER)))) == []
    (mail,) = in_slack.documents
    assert (mail["FromEmailAddress"], mail["Destination"]["ToAddresses"]) == (SENDER, [OTHER_APPROVER])
    assert mail["ConfigurationSetName"] == CONFIGURATION_SET
    ((conversation, moment),) = api.messages
    first, second = sent_entries(kit)
    assert (first["recipient"], first["channel"], first["message"]) == (APPROVER, "slack", f"{conversation}/{moment}")
    assert (second["recipient"], second["channel"], second["because"]) == (OTHER_APPROVER, "email", "no_user_id")
    (token,) = re.findall(re.escape(BASE_URL) + r"/review\?t=([A-Za-z0-9_-]{43})", sent_texts(api))
    assert look(token).status == 200


@pytest.mark.parametrize("error", ["user_disabled", "ratelimited", "invalid_auth"])
def test_what_slack_refuses_goes_by_mail_at_once(kit: Kit, in_slack: Operation, api: SlackApi, error: str) -> None:
    api.fail("chat.postMessage", error)
    assert (run(envelope.requested(kit.open_task())), len(in_slack.documents)) == ([], 1)
    (entry,) = sent_entries(kit)
    assert (entry["channel"], entry["instead_of"], entry["because"]) == ("email", "slack", error)
    assert run(envelope.requested(kit.task())) == []
    assert len(in_slack.documents) == 1, "it is sent once"


def test_without_the_bot_s_token_the_message_goes_by_mail(kit: Kit, in_slack: Operation, api: SlackApi) -> None:
    client("secretsmanager").put_secret_value(SecretId="slack", SecretString="{}")
    assert run(envelope.requested(kit.open_task())) == []
    (entry,) = sent_entries(kit)
    assert (entry["channel"], entry["because"], api.calls) == ("email", "no_secret", [])


def test_a_token_that_no_header_can_carry_goes_by_mail_and_into_no_log(
    kit: Kit, in_slack: Operation, api: SlackApi, output: Output
) -> None:
    client("secretsmanager").put_secret_value(SecretId="slack", SecretString=json.dumps({"active": [f"{TOKEN}\n"]}))
    assert run(envelope.requested(kit.open_task())) == []
    (entry,) = sent_entries(kit)
    assert (entry["channel"], entry["because"], api.calls) == ("email", "invalid_token", [])
    assert TOKEN not in output.new().text


def test_a_list_of_a_closed_task_is_sent_once_although_slack_changes_no_message(
    kit: Kit, in_slack: Operation, api: SlackApi
) -> None:
    run(envelope.requested(kit.open_task()))
    change(kit, status="DECIDED", outcome="approved")
    api.fail("chat.update", "internal_error")
    assert run(envelope.inbox(kit.task(), APPROVER)) == [], "a second delivery would send a second link"
    assert len(api.messages) == 2


def change(kit: Kit, **fields: Any) -> None:
    """Change the task in the ledger, behind the kit's back."""
    for name, value in fields.items():
        kit.set(TASK_ID, name, value)


def event_of(kit: Kit, kind: str) -> dict[str, Any]:
    return {"version": 1, "kind": kind, "task_id": kit.task().task_id, "task_kind": "approval"}


def in_chat(api: SlackApi) -> str:
    """Return the whole message as it is now."""
    (message,) = api.messages.values()
    return json.dumps(message)


@pytest.mark.parametrize(
    ("changes", "kind", "says"),
    [
        ({"status": "DECIDED", "outcome": "approved"}, "TaskDecided", "This request is approved."),
        ({"status": "DECIDED", "outcome": "rejected"}, "TaskDecided", "This request is rejected."),
        ({"status": "EXPIRED"}, "TaskExpired", "Nobody decided in time."),
        ({"status": "CANCELLED"}, "TaskCancelled", "This request was withdrawn."),
    ],
)
def test_the_link_leaves_the_message_when_the_task_has_ended(
    kit: Kit, in_slack: Operation, api: SlackApi, changes: dict[str, Any], kind: str, says: str
) -> None:
    run(envelope.requested(kit.open_task()))
    change(kit, **changes)
    for _ in range(2):  # the bus delivers at least once
        assert run(event_of(kit, kind)) == []
        assert says in in_chat(api)
        assert "review?t=" not in in_chat(api)
        assert len(api.messages) == 1
    assert in_slack.documents == []


def test_an_event_about_an_open_task_leaves_its_link(kit: Kit, in_slack: Operation, api: SlackApi) -> None:
    run(envelope.requested(kit.open_task()))
    assert run(event_of(kit, "TaskDecided")) == [], "everybody who may put events on the bus can write one"
    assert "review?t=" in in_chat(api)


def test_a_person_who_is_no_longer_asked_loses_the_link(kit: Kit, in_slack: Operation, api: SlackApi) -> None:
    run(envelope.requested(kit.open_task()))
    replaced = {"by": APPROVER, "to": OTHER_APPROVER, "at": to_text(kit.now), "because": ""}
    change(kit, audience=[OTHER_APPROVER], replaced=[replaced])
    assert run(event_of(kit, "TaskDecided")) == []
    assert "You are no longer asked to decide this." in in_chat(api)


@pytest.mark.parametrize(("error", "failed"), [("message_not_found", []), ("internal_error", ["message-0"])])
def test_a_message_that_nobody_can_change_stays_and_any_other_is_tried_again(
    kit: Kit, in_slack: Operation, api: SlackApi, error: str, failed: list[str]
) -> None:
    run(envelope.requested(kit.open_task()))
    change(kit, status="EXPIRED")
    api.fail("chat.update", error)
    assert run(event_of(kit, "TaskExpired")) == failed


def test_a_task_that_ends_while_its_message_is_on_the_way_leaves_no_link(
    kit: Kit, in_slack: Operation, api: SlackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = api.answer

    def decided_meanwhile(method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if method == "chat.postMessage":
            kit.decide()
        return answer(method, arguments)

    monkeypatch.setattr(api, "answer", decided_meanwhile)
    assert run(envelope.requested(kit.open_task())) == []
    assert "review?t=" not in in_chat(api)
