"""The embedded cloud as others see it: one file that says where everything is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.deploy import Outputs
from local.emulator.emulator import HOME, Emulator
from local.providers import issue
from operate.embedded import aws


@dataclass(frozen=True)
class Cloud:
    """What is in `.local/cloud.json`.

    Attributes:
        endpoint_url: AWS's APIs.
        region: The region that everything is in.
        account: The account.
        api_url: The deployed HTTP API, without a slash at the end.
        mailbox_url: The mail that was sent, as JSON.
        queues: The URL of each queue, by its name.
        bus: The name of the hand-off bus.
        table: The name of the ledger's table.
        providers: The signing secret of each webhook provider, by its name.
        credentials: `access_key_id` and `secret_access_key`, which only the emulator takes.
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

    @classmethod
    def on(cls, emulator: Emulator, outputs: Outputs) -> Cloud:
        """Describe what was deployed onto an emulator, once its providers have what they sign with."""
        return cls(
            endpoint_url=emulator.endpoint_url,
            region=aws.REGION,
            account=aws.ACCOUNT,
            api_url=_one(outputs, "ApiUrl"),
            mailbox_url=f"{emulator.endpoint_url}/_ministack/ses/messages",
            queues=_merged(outputs, "Queues"),
            bus=_one(outputs, "BusName"),
            table=_one(outputs, "TableName"),
            providers=issue(emulator.endpoint_url, _merged(outputs, "Providers")),
            credentials={"access_key_id": aws.ACCESS_KEY_ID, "secret_access_key": aws.SECRET_ACCESS_KEY},
            outputs=outputs,
        )

    @classmethod
    def read(cls, home: Path = HOME) -> Cloud | None:
        """Return the cloud that is up; None when none is."""
        try:
            return cls(**json.loads(_file(home).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, home: Path = HOME) -> None:
        """Write the file, all of it at once: whoever finds it can use what it names."""
        new = _file(home).with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(asdict(self), indent=2) + "\n")
        new.replace(_file(home))

    def workflow(self, name: str) -> str:
        """Return the ARN on which a workflow is started."""
        alias_arn: str = _merged(self.outputs, "Workflows")[name]
        return alias_arn

    def provider_secret(self, name: str) -> str:
        """Return the ARN of a provider's secret."""
        arn: str = _merged(self.outputs, "Providers")[name]["secret"]
        return arn


def remove(home: Path = HOME) -> None:
    """Remove the file, before what it names is gone."""
    _file(home).unlink(missing_ok=True)


def _file(home: Path) -> Path:
    return home / "cloud.json"


def _values(outputs: Outputs, name: str) -> Iterator[Any]:
    return (stack[name] for stack in outputs.values() if name in stack)


def _one(outputs: Outputs, name: str) -> str:
    value: str = next(_values(outputs, name))
    return value


def _merged(outputs: Outputs, name: str) -> dict[str, Any]:
    return {key: value for document in _values(outputs, name) for key, value in json.loads(document).items()}
