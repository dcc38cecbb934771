"""The kept events of a stage: read them, and have the replay function handle one again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from countersign.adapters.kept_events import S3KeptEvents
from countersign.domain.errors import ContractError, KeptEventError
from countersign.domain.kept_events import KeptEvent
from countersign.domain.provider_events import ProviderEvent
from countersign.providers.base import AS_BY_DEFAULT, Verified
from countersign.services.webhooks import Source
from operate.errors import OperateError, Status, usage
from operate.stage import Stage
from stacks.stage.extensions import provider

_READERS = 16


@dataclass(frozen=True)
class Told:
    """One event of a kept post, or a post without one.

    Attributes:
        kept: The post.
        event: The event; None if the kit reads none from the post.
        became: How the kit handled it: by the ledger, which knows for seven days, or else at its receipt.
        task_id: The task that it is about; empty without one.
    """

    kept: KeptEvent
    event: ProviderEvent | None
    became: str
    task_id: str = ""


class KeptEvents:
    """The kept events of a stage.

    Attributes:
        unreadable: Why events that `since` met cannot be read, by their keys.

    Raises:
        OperateError: The stage keeps none.
    """

    def __init__(self, stage: Stage) -> None:
        if not stage.name:
            raise usage("events are kept by a stage, not by a table", "Name the stage without --table.")
        bucket = stage.outputs("ledger").get("EventsBucketName")
        if not bucket:
            advice = "Set keep_events_days under [providers], and deploy."
            raise OperateError(f"{stage.label} keeps no events", advice)
        self._stage = stage
        self._store = S3KeptEvents(stage.client("s3"), bucket, stage.settings.title)
        self.unreadable: dict[str, str] = {}

    def since(self, first: datetime, provider_name: str = "") -> Iterator[KeptEvent]:
        """Yield the events that were received from a moment on, of one provider or of all."""
        with ThreadPoolExecutor(_READERS) as readers:
            found = readers.map(self._read, self._store.keys(first.date(), provider_name))
            yield from (event for event in found if event and event.received_at >= first)

    def _read(self, key: str) -> KeptEvent | None:
        """Return an event; note one that cannot be read, which must not hide the others."""
        try:
            return self._store.read(key)
        except KeptEventError as error:
            self.unreadable[key] = error.reason
            return None

    def read(self, key: str) -> KeptEvent:
        """Return the event of a key."""
        return self._store.read(key)

    def told(self, kept: KeptEvent) -> list[Told]:
        """Return the events of a post with how each was handled."""
        found = list(map(partial(self._looked_up, kept), self._events_of(kept)))
        return found or [Told(kept, None, kept.became)]

    def replay(self, key: str, because: str) -> Mapping[str, Any]:
        """Have the replay function handle an event again, and return how it was handled.

        Raises:
            OperateError: The event was refused.
        """
        document = {"key": key, "operator": self._stage.operator, "because": because}
        function = self._stage.outputs("public")["ReplayFunction"]
        answer = self._stage.client("lambda").invoke(FunctionName=function, Payload=json.dumps(document).encode())
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        if "handling" not in said:
            raise _refused(said.get("refused", {}), key.partition("/")[0])
        return said

    def _events_of(self, kept: KeptEvent) -> tuple[ProviderEvent, ...]:
        """Read a post with the code and the settings of now; none if it cannot be read."""
        scheme, named = provider(kept.scheme), self._stage.settings.providers.get(kept.provider)
        source = Source.of({"scheme": named.scheme, **named.expects}) if named else None
        try:
            verified = Verified(kept.body, kept.delivery_id, kept.origin)
            return scheme.translate(verified, source.expected if source else AS_BY_DEFAULT) if scheme else ()
        except ContractError:
            return ()

    def _looked_up(self, kept: KeptEvent, event: ProviderEvent) -> Told:
        record, task_id, _ = self._stage.ledger.look_up(kept.provider, event.event_id, event.external_id)
        if record is None:
            return Told(kept, event, kept.became, task_id)
        return Told(kept, event, record.handling.value, record.task_id or task_id)


def erase(stage: Stage) -> int:
    """Delete the kept events of a stage that is not protected, and return their number.

    CloudFormation deletes an empty bucket only.
    """
    bucket = stage.outputs("ledger").get("EventsBucketName")
    if not bucket or stage.settings.ledger.protected:
        return 0
    client, count = stage.client("s3"), 0
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        objects = [{"Key": found["Key"]} for found in page.get("Contents", [])]
        count += len(objects)
        if objects:
            client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    return count


_ADVICE = {
    "SignatureError": (
        "no active secret of {provider} has signed the event: {reason}",
        "If the secret was rotated, store the old one beside the new one (docs/payments.md). Or the event was altered.",
    ),
    "UnknownProviderError": (
        "the stage has no provider {provider} any more",
        "Put [providers.{provider}] back, store its secret, deploy, and replay again.",
    ),
    "SecretError": ("the secret of {provider} cannot be used: {reason}", "Store it (docs/payments.md)."),
    "MalformedBodyError": ("the event cannot be read: {pointer} {reason}", "Correct the scheme, and deploy."),
    "ContractError": ("the event cannot be read: {pointer} {reason}", "Correct the scheme, and deploy."),
    "KeptEventError": ("{reason}", "`events` lists the kept events."),
}
"""The message and the advice by the type of the function's error."""


def _refused(why: Mapping[str, Any], name: str) -> OperateError:
    kind = str(why.get("error_type", "unknown"))
    if kind not in _ADVICE:
        problem = f"the event was not replayed: {kind} {why.get('reason', '')}".strip()
        return OperateError(problem, "Try again in a moment, or read the log of replay.", Status.TRY_AGAIN)
    message, advice = (text.format(provider=name, **{"pointer": "", **why}) for text in _ADVICE[kind])
    return OperateError(message, advice)
