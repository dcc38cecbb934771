"""Read a ledger and its envelopes with one release of the library: `python reader.py LIBRARY < sample.json`.

`make release` puts a copy of this file beside the library of the release, whose names it uses. The facts that it prints
are the same for every release: what an older release wrote and what a newer one writes mean the same to both.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

Facts = dict[str, Any]


class Items:
    """A client of DynamoDB that reads from a list of items."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self._items = {(item["pk"]["S"], item["sk"]["S"]): item for item in items}

    def get_item(self, **asked: Any) -> dict[str, Any]:
        found = self._find(asked["Key"])
        return {"Item": found[0]} if found else {}

    def batch_get_item(self, **asked: Any) -> dict[str, Any]:
        ((table, request),) = asked["RequestItems"].items()
        return {"Responses": {table: [item for key in request["Keys"] for item in self._find(key)]}}

    def query(self, **asked: Any) -> dict[str, Any]:
        values = asked["ExpressionAttributeValues"]
        pk, prefix = values[":pk"]["S"], values.get(":sk", {"S": ""})["S"]
        return {
            "Items": [item for key, item in sorted(self._items.items()) if key[0] == pk and key[1].startswith(prefix)]
        }

    def _find(self, key: Mapping[str, Any]) -> list[dict[str, Any]]:
        place = (key["pk"]["S"], key["sk"]["S"])
        return [self._items[place]] if place in self._items else []


def facts(items: list[dict[str, Any]], envelopes: list[dict[str, Any]]) -> Facts:
    """Read everything, and return what it says.

    Raises:
        Exception: The library cannot read something.
    """
    from countersign.adapters.dynamodb_ledger import DynamoLedger

    ledger = DynamoLedger(Items(items), "ledger")
    said = {f"{item['pk']['S']} {item['sk']['S']}": _fact(ledger, item) for item in items}
    return said | {f"envelope {number}": _envelope(each) for number, each in enumerate(envelopes)}


def _fact(ledger: Any, item: dict[str, Any]) -> Any:
    """Return what an item says; None if only an index or a condition reads it."""
    first, _, name = item["pk"]["S"].partition("#")
    second, _, part = item["sk"]["S"].partition("#")
    read = _READ.get((first, second)) or _READ.get((first, ""))
    return read(ledger, name, part or second, item) if read else None


def _task(ledger: Any, name: str, _part: str, _item: Any) -> Any:
    task = ledger.task(name)
    asked = task.question
    people = [*task.audience, *(f"{who} {vote.decision}" for who, vote in task.votes.items())]
    return [task.status, task.audit_seq, asked.title, asked.kind, asked.requester, str(task.expires_at), *people]


def _audit(ledger: Any, name: str, part: str, _item: Any) -> Any:
    entry = ledger.audit(name)[int(part) - 1]
    return f"{entry.event.event} by {entry.event.actor}"


def _request(ledger: Any, name: str, _part: str, _item: Any) -> Any:
    request = ledger.request(name)
    return [request.workflow, request.status, request.execution_arn]


def _link(ledger: Any, name: str, _part: str, item: dict[str, Any]) -> Any:
    link = ledger.link(name) if item["pk"]["S"].startswith("LINK#") else ledger.callback(name)
    return [link.task_id, link.recipient, link.purpose]


def _event(ledger: Any, name: str, _part: str, _item: Any) -> Any:
    provider, _, event_id = name.partition("#")
    record, *_ = ledger.look_up(provider, event_id, "")
    return [record.handling, record.task_id]


def _claim(ledger: Any, name: str, _part: str, _item: Any) -> Any:
    provider, _, external_id = name.partition("#")
    return [ledger.correlated(provider, external_id), len(ledger.parked(provider, external_id))]


_READ = {
    ("TASK", "TASK"): _task,
    ("TASK", "OUTBOX"): lambda _ledger, _name, _part, item: _envelope(json.loads(item["envelope"]["S"])),
    ("TASK", "RESPONSE"): lambda ledger, name, part, _item: ledger.responses(name)[part],
    ("AUDIT", ""): _audit,
    ("REQUEST", "REQUEST"): _request,
    ("LINK", ""): _link,
    ("TOKEN", ""): _link,
    ("EVENT", "EVENT"): _event,
    ("EXTERNAL", ""): _claim,
}
"""What reads an item, by the prefixes of its keys."""


def _envelope(document: dict[str, Any]) -> Any:
    from countersign.contracts import envelope

    return [
        document["kind"],
        document.get("task_id"),
        *_kept(envelope.read(document) if "." in document["kind"] else {}),
    ]


def _kept(envelope: Mapping[str, Any]) -> Iterator[str]:
    yield from sorted(envelope.get("task", {}))


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    sample = json.load(sys.stdin)
    json.dump(facts(sample["items"], sample["envelopes"]), sys.stdout, default=str)
