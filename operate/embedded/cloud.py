"""The embedded cloud, as the file `.local/cloud.json` describes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from countersign.client import Client
from operate.embedded import aws

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".local"
"""The folder of this checkout's embedded cloud."""

Outputs = dict[str, dict[str, str]]
"""The outputs of each stack, by the stack's name."""


@dataclass(frozen=True)
class Cloud:
    """The content of `.local/cloud.json`.

    Attributes:
        endpoint_url: The URL of AWS's APIs.
        region: The region.
        account: The account.
        api_url: The URL of the deployed HTTP API, without a slash at the end.
        mailbox_url: The URL of the sent mail, as JSON.
        queues: The URL of each queue, by its name.
        bus: The name of the hand-off bus.
        table: The name of the ledger's table.
        providers: The signing secret of each webhook provider, by its name.
        credentials: `access_key_id` and `secret_access_key`, which only the emulator accepts.
        outputs: The outputs of every stack, by the stack's name.
    """

    endpoint_url: str
    region: str
    account: str
    api_url: str
    mailbox_url: str
    queues: dict[str, str]
    bus: str
    table: str
    providers: dict[str, str]
    credentials: dict[str, str]
    outputs: Outputs

    def __post_init__(self) -> None:
        """Refuse a cloud that is not on this machine."""
        for url in (self.endpoint_url, self.api_url, self.mailbox_url, *self.queues.values()):
            if urlsplit(url).hostname not in aws.LOOPBACK:
                raise ValueError(f"the embedded cloud must be on this machine, got: {url}")

    @classmethod
    def on(cls, endpoint_url: str, outputs: Outputs, secrets: dict[str, str]) -> Cloud:
        """Describe a deployment on an emulator, with the signing secret of each provider."""
        return cls(
            endpoint_url=endpoint_url,
            region=aws.REGION,
            account=aws.ACCOUNT,
            api_url=_one(outputs, "ApiUrl"),
            mailbox_url=f"{endpoint_url}/_ministack/ses/messages",
            queues=merged(outputs, "Queues"),
            bus=_one(outputs, "BusName"),
            table=_one(outputs, "TableName"),
            providers=secrets,
            credentials={"access_key_id": aws.ACCESS_KEY_ID, "secret_access_key": aws.SECRET_ACCESS_KEY},
            outputs=outputs,
        )

    @classmethod
    def read(cls, home: Path = HOME) -> Cloud | None:
        """Return the running cloud; None without one."""
        try:
            return cls(**json.loads(_file(home).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, home: Path = HOME) -> None:
        """Write the file atomically."""
        new = _file(home).with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(asdict(self), indent=2) + "\n")
        new.replace(_file(home))

    def client(self) -> Client:
        """Return a client of the API, with the emulator's credentials."""
        return Client(self.api_url, region=self.region, session=aws.session())

    def variables(self) -> dict[str, str]:
        """Return the shell variables to call this cloud: AWS's, the API, the mailbox and each queue."""
        queues = {f"QUEUE_{re.sub('[^A-Z0-9]', '_', name.upper())}": url for name, url in self.queues.items()}
        return aws.variables(self.endpoint_url) | {"API_URL": self.api_url, "MAILBOX_URL": self.mailbox_url, **queues}

    def workflow(self, name: str) -> str:
        """Return the ARN of the alias that starts a workflow."""
        alias_arn: str = merged(self.outputs, "Workflows")[name]
        return alias_arn

    def provider_secret(self, name: str) -> str:
        """Return the ARN of a provider's secret."""
        arn: str = merged(self.outputs, "Providers")[name]["secret"]
        return arn


def remove(home: Path = HOME) -> None:
    """Remove the file. Call this before the cloud itself is removed."""
    _file(home).unlink(missing_ok=True)


def merged(outputs: Outputs, name: str) -> dict[str, Any]:
    """Merge an output that several stacks have, each with a JSON object."""
    return {key: value for document in _values(outputs, name) for key, value in json.loads(document).items()}


def _file(home: Path) -> Path:
    return home / "cloud.json"


def _values(outputs: Outputs, name: str) -> Iterator[Any]:
    return (stack[name] for stack in outputs.values() if name in stack)


def _one(outputs: Outputs, name: str) -> str:
    value: str = next(_values(outputs, name))
    return value
