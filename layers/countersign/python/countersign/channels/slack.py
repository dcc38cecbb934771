"""The channel `slack`: a direct message from the bot of the company's Slack app. Deciding happens on the page only.

The secret is the bot's token; its scopes are `chat:write` and `im:write`. The methods, and the form of messages:
https://docs.slack.dev/reference/methods/conversations.open, https://docs.slack.dev/reference/methods/chat.postMessage,
https://docs.slack.dev/reference/methods/chat.update and https://docs.slack.dev/reference/block-kit/blocks.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from itertools import accumulate
from typing import Any

from countersign.channels.base import Channel
from countersign.channels.messages import Message, parts_of
from countersign.domain.errors import MessageRefusedError
from countersign.presentation import words
from countersign.presentation.display import single_line

HOST = "slack.com"
"""No setting names another host: the receiver of these requests can act as the bot."""

TIMEOUT_SECONDS = 5

PAUSE_SECONDS = 30
"""How long Slack is not called after it was out of reach. A message to twenty people has to end within its function."""

_MOST_BYTES = 1_000_000
_MOST_CHARACTERS = 3_000
"""Slack's limit of a text. An escaped character takes up to five."""

_TITLE_CHARACTERS = 200

_NO_TOKEN = frozenset({"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"})
"""Slack's errors about a token. While tokens change, the next one may work."""

_UNCHANGEABLE = frozenset(
    {
        "cant_update_message",
        "channel_not_found",
        "edit_window_closed",
        "is_archived",
        "is_inactive",
        "message_not_found",
    }
)
"""Slack's errors about a message that stays as it is."""

_CODE = re.compile("[a-z_]{1,60}")
_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""https://docs.slack.dev/messaging/formatting-message-text#escaping: without these, no text is a link or a mention."""


def _to_slack() -> HTTPConnection:
    return HTTPSConnection(HOST, timeout=TIMEOUT_SECONDS)


class Slack(Channel):
    """Sends direct messages with Slack's Web API."""

    has_secret = True
    by_user_id = True
    closes = True

    def __init__(
        self, connect: Callable[[], HTTPConnection] = _to_slack, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """Set the connection and a monotonic clock; tests replace both."""
        self._connect, self._seconds = connect, seconds
        self._paused_until = 0.0

    def send(self, message: Message, settings: Mapping[str, str], secrets: Sequence[str]) -> str:  # noqa: ARG002  the port's
        """See `Channel.send`. The reference is the conversation and the message's time in it, such as `D01/1.002`."""
        if not message.user_id:
            raise MessageRefusedError("no_user_id")
        opened = self._call("conversations.open", {"users": message.user_id}, secrets)
        conversation = _text(opened.get("channel"), "id")
        content = {"text": _escaped(message.texts.subject), "blocks": list(blocks_of(message))}
        unlinked = {"unfurl_links": False, "unfurl_media": False}
        posted = self._call("chat.postMessage", {"channel": conversation, **content, **unlinked}, secrets)
        return f"{conversation}/{_text(posted, 'ts')}"

    def close(
        self,
        reference: str,
        title: str,
        text: str,
        settings: Mapping[str, str],  # noqa: ARG002  the port's
        secrets: Sequence[str],
    ) -> None:
        """See `Channel.close`. A message that nobody can change any more stays as it is; its link opens no form."""
        conversation, _, moment = reference.partition("/")
        line = _escaped(single_line(title, _TITLE_CHARACTERS))
        blocks = [_section(f"*{line}*"), _section(_escaped(text))]
        content = {"text": f"{line}: {_escaped(text)}", "parse": "none", "blocks": blocks}
        try:
            self._call("chat.update", {"channel": conversation, "ts": moment, **content}, secrets)
        except MessageRefusedError as error:
            if str(error) not in _UNCHANGEABLE:
                raise

    def _call(self, method: str, body: Mapping[str, Any], secrets: Sequence[str]) -> Mapping[str, Any]:
        """Return the answer of a method.

        Raises:
            MessageRefusedError: Slack refused the call, or was out of reach; has the error's code.
        """
        if self._seconds() < self._paused_until:
            raise MessageRefusedError("paused")
        error = ""
        for token in secrets:
            answer = self._answer(method, body, token)
            if answer.get("ok") is True:
                return answer
            error = str(answer.get("error"))
            if error not in _NO_TOKEN:
                break
        raise MessageRefusedError(error if _CODE.fullmatch(error) else "unknown_error")

    def _answer(self, method: str, body: Mapping[str, Any], token: str) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        connection = self._connect()
        try:
            connection.request("POST", f"/api/{method}", json.dumps(body).encode(), headers)
            response = connection.getresponse()
            content = response.read(_MOST_BYTES)
        except ValueError:  # a header cannot carry it, and the error quotes it
            raise MessageRefusedError("invalid_token") from None
        except (OSError, HTTPException) as error:
            self._pause(PAUSE_SECONDS)
            raise MessageRefusedError("out_of_reach") from error
        finally:
            connection.close()
        if response.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            self._pause(_retry_after(response))
        return _document(content)

    def _pause(self, seconds: int) -> None:
        self._paused_until = self._seconds() + seconds


def _retry_after(response: HTTPResponse) -> int:
    """Return how many seconds Slack asks to wait."""
    text = response.getheader("Retry-After", "")
    return int(text) if re.fullmatch("[0-9]{1,5}", text) else PAUSE_SECONDS


def _document(content: bytes) -> Mapping[str, Any]:
    """Return an answer; an empty one if it is no JSON object."""
    try:
        answer = json.loads(content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _text(document: Any, name: str) -> str:
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, str):
        raise MessageRefusedError("unknown_answer")
    return value


def blocks_of(message: Message) -> Iterator[dict[str, Any]]:
    """Yield the blocks of a message, with the link as text.

    A button would also report each click to the app, and show a warning where no app answers.
    """
    for part in parts_of(message):
        if part.role == "action":
            yield _section(f"*<{message.link}|{_escaped(part.label)}>*")
        elif part.role == "headline":
            yield _section("\n".join(f"*{_escaped(line)}*" for line in part.text.split("\n")))
        elif part.role == "quotation":
            yield from _plain(part.text)
        elif part.role == "small":
            yield _context(part.text)
        else:
            yield from _lines(part.text)


def _lines(text: str) -> Iterator[dict[str, Any]]:
    """Yield the first lines of a text and its last one, the deadline; say if the page has more than a section."""
    *lines, last = map(_escaped, text.split("\n"))
    sizes = accumulate((len(line) + 1 for line in lines), initial=len(last))
    room = sum(size <= _MOST_CHARACTERS for size in sizes) - 1
    yield _section("\n".join((*lines[:room], last)))
    if room < len(lines):
        yield _context(words.say("slack.more"))


def _plain(text: str) -> Iterator[dict[str, Any]]:
    """Yield a text without markup, since somebody else's words are in it; say if the page has more."""
    yield {"type": "section", "text": {"type": "plain_text", "text": text[:_MOST_CHARACTERS], "emoji": False}}
    if len(text) > _MOST_CHARACTERS:
        yield _context(words.say("slack.more"))


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(text)}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [_mrkdwn(_escaped(text))]}


def _mrkdwn(text: str) -> dict[str, Any]:
    """Return text with Slack's markup, in which Slack makes no link by itself."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _escaped(text: str) -> str:
    return text.translate(_SPECIAL)


CHANNEL = Slack()
