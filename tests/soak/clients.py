"""The AWS services besides DynamoDB, as far as the kit uses them."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from countersign.adapters.kms import MAX_BYTES
from countersign.testing.builders import status_change
from countersign.testing.fakes import FixedClock
from tests.soak.durable import Durable
from tests.soak.runs import Run
from tests.soak.table import error_of

_TOKEN = re.compile(r"\?t=([A-Za-z0-9_-]{43})")
MOST_RECEIVES = 3
"""The number of failed deliveries that make a message a dead letter."""


@dataclass
class Message:
    """A message with the number of its failed deliveries."""

    body: str
    receives: int = 0


@dataclass
class Queue:
    """A queue and its dead letters.

    Attributes:
        messages: The messages in the queue.
        dead: The dead letters; a redrive sends them back.
        for_people: The dead letters that the kit itself sent, with the reason: no retry can fix them.
    """

    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    for_people: list[tuple[str, str]] = field(default_factory=list)

    def put(self, document: Mapping[str, Any]) -> None:
        """Put a document into the queue."""
        self.messages.append(Message(json.dumps(document)))

    def failed(self, message: Message) -> None:
        """Put a failed message back, or to the dead letters after `MOST_RECEIVES` deliveries."""
        message.receives += 1
        waiting = self.dead if message.receives >= MOST_RECEIVES else self.messages
        waiting.append(message)

    def redrive(self) -> int:
        """Send the dead letters back, and return their number."""
        redriven, self.dead = self.dead, []
        self.messages += (Message(message.body) for message in redriven)
        return len(redriven)


@dataclass(frozen=True)
class Mail:
    """A received mail."""

    recipient: str
    token: str
    is_inbox: bool


class Bus:
    """EventBridge: puts events into the queues of the rules."""

    def __init__(self, queues: Mapping[str, Queue], clock: FixedClock) -> None:
        self._queues = queues
        self._clock = clock
        self.out_until = clock.now()
        self.envelopes: list[dict[str, Any]] = []
        self.handed_to_machines: list[dict[str, Any]] = []

    def put_events(self, **asked: Any) -> dict[str, Any]:
        if self._clock.now() < self.out_until:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
        entries: list[dict[str, str]] = asked["Entries"]
        for entry in entries:
            kind, document = entry["DetailType"], json.loads(entry["Detail"])
            self.envelopes.append(document)
            if kind.startswith("approval."):
                self._queues["approvals"].put(document)
            elif kind.endswith(".held"):
                self._queues["held_payments"].put(document)
            elif kind.endswith(".requested"):
                self.handed_to_machines.append(document)
        return {"FailedEntryCount": 0, "Entries": [{} for _ in entries]}


class Post:
    """SES: everybody's mailbox."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    def send_email(self, **asked: Any) -> dict[str, str]:
        text = asked["Content"]["Simple"]["Body"]["Text"]["Data"]
        found = _TOKEN.search(text)
        assert found, "every mail of the kit has a link"
        (recipient,) = asked["Destination"]["ToAddresses"]
        self.mails.append(Mail(recipient, found.group(1), "/inbox?" in text))
        return {"MessageId": "mail"}


class Lambda:
    """Lambda: starts durable executions, and takes rings and heartbeats.

    Attributes:
        starts: The number of starts of each execution, by its name.
    """

    def __init__(self, durable: Durable) -> None:
        self.starts: Counter[str] = Counter()
        self._durable = durable

    def invoke(self, **asked: Any) -> dict[str, Any]:
        function = asked["FunctionName"]
        name, payload = asked["DurableExecutionName"], asked["Payload"].decode()
        self.starts[name] += 1
        arn = self._durable.start(function, function.removesuffix(":live").rpartition(":")[2], name, payload)
        return {"StatusCode": 202, "DurableExecutionArn": arn}

    def send_durable_execution_callback_success(self, **asked: str) -> dict[str, Any]:
        self._durable.succeed(asked["CallbackId"])
        return {}

    def send_durable_execution_callback_failure(self, **asked: Any) -> dict[str, Any]:
        self._durable.fail(asked["CallbackId"], asked["Error"])
        return {}

    def send_durable_execution_callback_heartbeat(self, **asked: str) -> dict[str, Any]:
        self._durable.beat(asked["CallbackId"])
        return {}


class Secrets:
    """Secrets Manager: a provider's active secrets, the newest first."""

    def __init__(self, *active: str) -> None:
        self.active = list(active)

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": json.dumps({"active": self.active})}


class Kms:
    """KMS: a ciphertext is the number of its plain text."""

    def __init__(self) -> None:
        self._sealed: list[tuple[bytes, dict[str, str]]] = []

    def encrypt(self, **asked: Any) -> dict[str, bytes]:
        assert len(asked["Plaintext"]) <= MAX_BYTES
        self._sealed.append((asked["Plaintext"], asked["EncryptionContext"]))
        return {"CiphertextBlob": f"sealed {len(self._sealed) - 1}".encode()}

    def decrypt(self, **asked: Any) -> dict[str, bytes]:
        plain, context = self._sealed[int(asked["CiphertextBlob"].decode().removeprefix("sealed "))]
        if context != asked["EncryptionContext"]:
            raise error_of("InvalidCiphertextException", "decrypt")
        return {"Plaintext": plain}


class DeadLetterQueue:
    """SQS: the kit itself sends only the dead letters of `results`."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def send_message(self, **asked: Any) -> dict[str, Any]:
        self._queue.for_people.append((asked["MessageBody"], asked["MessageAttributes"]["reason"]["StringValue"]))
        return {}


def ended_event(run: Run) -> dict[str, Any]:
    """Return Lambda's event for the end of an execution."""
    event = status_change(run.ended, run.name)
    event["detail"]["durableExecutionArn"] = run.arn
    return event
