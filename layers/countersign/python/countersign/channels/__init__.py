"""Add a channel that carries messages to approvers, such as a chat.

    import json
    from collections.abc import Mapping, Sequence
    from urllib.request import Request, urlopen

    from countersign.channels import Channel, Message

    class Chat(Channel):
        settings = frozenset({"url"})
        has_secret = True

        def send(self, message: Message, settings: Mapping[str, str], secrets: Sequence[str]) -> None:
            text = {"to": message.recipient, "text": message.texts.subject, "link": message.link}
            headers = {"Authorization": f"Bearer {secrets[0]}", "Content-Type": "application/json"}
            urlopen(Request(settings["url"], json.dumps(text).encode(), headers), timeout=10).close()

    CHANNEL = Chat()

A channel is one module with a `CHANNEL`; a fork puts it in `extensions/channels/<name>.py`. A stage selects it with
`channel = "<name>"` under `[mail]`. Its settings are the table `[channels.<name>]`; its secret is in Secrets Manager,
and only the approver's role reads it. The message is data: the channel words it, or uses the words in `texts`.

If the service lets a message be changed, `send` returns a reference of it, `closes` is True, and `close` replaces the
message by one without a link when its task has ended.
"""

from countersign.channels.base import Channel
from countersign.channels.messages import Message, Texts
from countersign.domain.errors import MessageRefusedError

__all__ = ["Channel", "Message", "MessageRefusedError", "Texts"]
