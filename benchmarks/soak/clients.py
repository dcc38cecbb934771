"""The AWS services besides DynamoDB, as far as the kit uses them."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.soak.durable import Durable
from benchmarks.soak.faults import Crash
from benchmarks.soak.table import error_of
from countersign.adapters.kms import MAX_BYTES
from countersign.testing.fakes import FixedClock
from tests.integration.conftest import Handler

_TOKEN = re.compile(r"\?t=([A-Za-z0-9_-]{43})")
MOST_FAILURES = 3
"""The number of failed deliveries that make a message or a stream record a dead letter."""


@dataclass(eq=False)
class Delivery:
    """A message or a stream record, with the number of its failures."""

    content: Any
    failures: int = 0


@dataclass
class Source:
    """A queue or the ledger's stream, with the function that it invokes.

    Attributes:
        handler: The function.
        event: Makes the function's event of the contents of deliveries.
        waiting: What the function has not handled.
        dead: The dead letters; a redrive delivers them again.
    """

    handler: Handler
    event: Callable[..., dict[str, Any]]
    waiting: list[Delivery] = field(default_factory=list)
    dead: list[Delivery] = field(default_factory=list)

    def put(self, content: Any) -> None:
        """Put a document or a stream record."""
        self.waiting.append(Delivery(content))

    def deliver(self, deliveries: list[Delivery], *, again: bool = False) -> None:
        """Invoke the function with these in this order; `again` delivers them once more later."""
        for delivery in deliveries:
            self.waiting.remove(delivery)
        event = self.event(*(delivery.content for delivery in deliveries))
        names = [record.get("messageId") or record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        try:
            failed = {failure["itemIdentifier"] for failure in self.handler(event, None)["batchItemFailures"]}
        except Crash:
            failed = set(names)
        for name, delivery in zip(names, deliveries, strict=True):
            delivery.failures += name in failed
            if name in failed and delivery.failures >= MOST_FAILURES:
                self.dead.append(delivery)
            elif name in failed or again:
                self.waiting.append(delivery)

    def redrive(self) -> None:
        """Deliver the dead letters again."""
        self.waiting += (Delivery(delivery.content) for delivery in self.dead)
        self.dead = []


@dataclass(frozen=True)
class Mail:
    """A received mail."""

    recipient: str
    token: str
    is_inbox: bool


class Bus:
    """EventBridge: puts events into the queues of the rules.

    Attributes:
        tells: Whether the approver gets the events after which it tells requesters the outcome.
    """

    def __init__(self, queues: Mapping[str, Source], clock: FixedClock) -> None:
        self._queues = queues
        self._clock = clock
        self.out_until = clock.now()
        self.tells = True
        self.envelopes: list[dict[str, Any]] = []
        self.handed_to_machines: list[dict[str, Any]] = []

    def put_events(self, **asked: Any) -> dict[str, Any]:
        entries: list[dict[str, str]] = asked["Entries"]
        if self._clock.now() < self.out_until:
            return {"FailedEntryCount": len(entries), "Entries": [{"ErrorCode": "InternalFailure"} for _ in entries]}
        for entry in entries:
            kind, document = entry["DetailType"], json.loads(entry["Detail"])
            self.envelopes.append(document)
            if kind.startswith("approval.") or (self.tells and document.get("tell")):
                self._queues["approvals"].put(document)
            elif kind.endswith(".held"):
                self._queues["held_payments"].put(document)
            elif kind.endswith(".requested"):
                self.handed_to_machines.append(document)
        return {"FailedEntryCount": 0, "Entries": [{"EventId": str(number)} for number, _ in enumerate(entries)]}


class Post:
    """SES: everybody's mailbox.

    Attributes:
        mails: The mails with a review link or the link of an inbox.
        told: The mails with a requester's status link.
    """

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.told: list[Mail] = []

    def send_email(self, **asked: Any) -> dict[str, str]:
        text = asked["Content"]["Simple"]["Body"]["Text"]["Data"]
        found = _TOKEN.search(text)
        (recipient,) = asked["Destination"]["ToAddresses"]
        if found:
            received = self.told if "/request?" in text else self.mails
            received.append(Mail(recipient, found.group(1), "/inbox?" in text))
        else:
            assert "No longer waiting" in asked["Content"]["Simple"]["Subject"]["Data"], "only moot links have no link"
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

    def get_durable_execution(self, **_: str) -> dict[str, Any]:
        return {"Status": "FAILED", "Error": {"ErrorType": "WorkflowError"}}

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


class DeadLetters:
    """SQS: the kit itself sends only the dead letters of `results`."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send_message(self, **asked: Any) -> dict[str, Any]:
        self.bodies.append(asked["MessageBody"])
        return {}
