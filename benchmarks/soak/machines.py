"""The events of payment providers and the answers of workers, right or wrong."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition

import webhook.handler
from benchmarks.soak.asking import PAYMENTS
from benchmarks.soak.invariants import ViolationError
from benchmarks.soak.requesters import Requesters
from benchmarks.soak.scene import NEAR, PICK, Trouble, action, chosen, is_open
from benchmarks.soak.world import PROVIDER
from countersign.domain.strict_json import digest
from countersign.services.sweeps import Lost
from countersign.testing.builders import task_result
from countersign.testing.deliveries import any_payment
from countersign.testing.signing import sign_standard_webhooks
from tests.integration.conftest import TABLE

EVENTS = (
    "payment.paid",
    "payment.pending",
    "payment.declined",
    "payment.failed",
    "payment.refunded",
    "payment.disputed",
    "payment.strange",
)
SAID = ("status", "amount", "currency")
MONEY: tuple[dict[str, Any], ...] = ({}, {}, {}, {"amount": "1.00"}, {"currency": "USD"}, {"amount": None})
SECRETS = tuple(f"whsec_{letter * 32}" for letter in "ABC")
STRANGER = "whsec_" + "Z" * 32


class Machines(Requesters):
    """Providers and workers."""

    @action(which=PICK, kind=st.sampled_from(EVENTS), money=PICK, signed=PICK, near=NEAR)
    def provider_posts(self, which: int, kind: str, money: int, signed: int, near: Trouble | None) -> None:
        self.arm(near)
        asked = [each["input"]["external_id"] for each in self.asked if each["workflow"] == "payment"]
        said = {"external_id": chosen(asked if asked and which % 4 else list(PAYMENTS), which)} | MONEY[
            money % len(MONEY)
        ]
        self.post_event(f"event-{self.number()}", any_payment(kind, **said), stranger=signed % 8 == 7)

    @precondition(lambda self: self.events)
    @action(pick=PICK, changed=st.booleans())
    def provider_posts_again(self, pick: int, changed: bool) -> None:
        event_id, body = self.events[pick % len(self.events)]
        self.post_event(event_id, body.replace(b"250.00", b"251.00") + b" " if changed else body, again=True)

    def post_event(self, event_id: str, body: bytes, *, stranger: bool = False, again: bool = False) -> None:
        """Post an event, signed with the newest secret or by a stranger."""
        now = int(self.world.clock.now().timestamp())
        secret = STRANGER if stranger else self.world.secrets.active[0]
        headers = sign_standard_webhooks(secret, body, event_id, now) | {"content-type": "application/json"}
        route = {"routeKey": "POST /webhooks/{provider}", "pathParameters": {"provider": PROVIDER}}

        def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
            return webhook.handler.handler(event | route, context)

        page = self.world.call(handler, "POST", f"/webhooks/{PROVIDER}", body=body, headers=headers)
        status = self.answered("event", page)
        if stranger and status not in (401, 502, 503):
            raise ViolationError(f"an event that a stranger signed was answered {status}")
        if status in (200, 202):
            self.event_promised(event_id, json.loads(body), page.document["status"])
        if not again and not stranger:
            self.events.append((event_id, body))

    def event_promised(self, event_id: str, body: Mapping[str, Any], handling: str) -> None:
        """Add the promise of an accepted event: it acts on its task, is parked, or is recorded as a conflict."""
        if handling == "conflict":
            key = f"EVENT#{PROVIDER}#{event_id}"
            self.promised(f"conflict of {event_id}", lambda: len(self.documents(key)) > 1)
            return
        self.promised(f"event {event_id} ({handling})", lambda: self.event_is_on_record(event_id, body))

    def event_is_on_record(self, event_id: str, body: Mapping[str, Any]) -> bool:
        """Whether an event acted on its task, or is parked and reported by the sweeper."""
        external_id = body["data"]["external_id"]
        task_id = self.world.ledger.correlated(PROVIDER, external_id)
        if task_id:
            status = body["type"].partition(".")[2].replace("strange", "unknown")
            said = body["data"] | {"status": status}
            return any(self.is_said(each, event_id, said) for each in self.called_so(task_id))
        is_parked = any(parked.event.event_id == event_id for parked in self.world.ledger.parked(PROVIDER, external_id))
        return is_parked and self.watch.was_reported(Lost.EVENT, f"{PROVIDER} {external_id}")

    def called_so(self, task_id: str) -> Iterator[str]:
        """Yield a task, and the earlier tasks with its claim."""
        while task_id:
            yield task_id
            entries = (entry.event for entry in self.world.ledger.audit(task_id))
            task_id = next((event.data["from"] for event in entries if event.event == "claim_taken"), "")

    def is_said(self, task_id: str, event_id: str, said: Mapping[str, Any]) -> bool:
        """Whether an event, or another with the same content, is in the audit of a payment."""
        same = {name: said[name] for name in SAID if name in said} if said.get("amount") else {"status": said["status"]}
        named: tuple[dict[str, Any], ...] = ({"event_id": event_id}, same)
        return any(self.watch.has_entry(task_id, {"responded", "held"}, **each) for each in named)

    def documents(self, pk: str) -> list[Any]:
        """Return the items of a partition of the ledger."""
        answer = self.world.tables.query(
            TableName=TABLE, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": pk}}
        )
        return list(answer["Items"])

    @precondition(lambda self: self.world.bus.handed_to_machines)
    @action(pick=PICK, how=st.sampled_from(["succeed", "fail", "heartbeat", "malformed"]), money=PICK, near=NEAR)
    def worker_answers(self, pick: int, how: str, money: int, near: Trouble | None) -> None:
        self.arm(near)
        envelope = self.envelope(pick)
        path = "succeed" if how == "malformed" else how
        answer = self.answer_of(envelope, how, money)
        body = json.dumps(answer) if how != "heartbeat" else ""
        headers = {"authorization": f"Bearer {envelope['callback']['token']}"}
        page = self.world.call(webhook.handler.handler, "POST", f"/callbacks/{path}", body=body, headers=headers)
        status = self.answered(f"worker {how}", page)
        if status in (200, 202) and how != "heartbeat":
            words = f"a worker's answer to {envelope['task_id']}: {how}"
            self.promised(words, lambda: self.answer_is_on_record(envelope, path, answer))

    def answer_is_on_record(self, envelope: Mapping[str, Any], how: str, answer: Mapping[str, Any]) -> bool:
        """Whether a machine's answer is in the audit of its task; of an encrypted one, any answer."""
        task_id = envelope["task_id"]
        if how == "fail":
            return self.watch.has_entry(task_id, {"failed"}, code=answer["code"])
        if envelope["kind"] == "payment.requested":
            return self.is_said(task_id, f"answer-{digest([task_id, answer])}", answer)
        known = {} if envelope["kind"] == "secret.requested" else {"sha256": digest(answer)}
        return self.watch.has_entry(task_id, {"answered"}, **known)

    def envelope(self, pick: int) -> dict[str, Any]:
        """Return a machine's envelope; in three of four cases one of an open task, if there is any."""
        handed = self.world.bus.handed_to_machines
        live = [each for each in handed if is_open(self.world.ledger.task(each["task_id"]))] if pick % 4 else []
        return chosen(live or handed, pick)

    def answer_of(self, envelope: Mapping[str, Any], how: str, money: int) -> dict[str, Any]:
        """Return a worker's answer to an envelope."""
        if how == "fail":
            return {"code": "broken", "message": "it does not work", "data": {"n": money % 2}}
        if how == "malformed":
            return {"status": "no such status"}
        if envelope["kind"] == "payment.requested":
            return {"status": "paid", "amount": "250.00", "currency": "EUR"} | (MONEY[money % len(MONEY)])
        if envelope["kind"] == "documents.requested":
            document = envelope["task"]["required"][money % 2]
            return {"document_type": document, "file_url": f"https://files.example/{money % 3}", "uploaded_by": "u1"}
        plain = f"the plaintext of answer {money % 3} to {envelope['task_id']}"
        if envelope["kind"] == "secret.requested":
            self.watch.secrets.add(plain)
        return {"secret": plain}

    @precondition(lambda self: self.world.bus.handed_to_machines)
    @action(pick=PICK, failed=st.booleans(), money=PICK)
    def result_comes_over_the_bus(self, pick: int, failed: bool, money: int) -> None:
        envelope = self.envelope(pick)
        if envelope["kind"] == "secret.requested":
            return
        answer = self.answer_of(envelope, "fail" if failed else "succeed", money)
        outcome = {"outcome": "failed", "error": answer} if failed else {"outcome": "succeeded", "answer": answer}
        event = task_result({"version": 1, "task_id": envelope["task_id"], **outcome})
        self.world.sources["results"].put(event)
        self.promised(
            f"a result for {envelope['task_id']}",
            lambda: (
                self.answer_is_on_record(envelope, "fail" if failed else "succeed", answer)
                or json.dumps(event) in self.world.dead_letters.bodies
            ),
        )

    @action(which=PICK, overlap=st.booleans())
    def rotate_the_secret(self, which: int, overlap: bool) -> None:
        secrets = self.world.secrets
        self.watch.secrets.update(secrets.active)
        new = SECRETS[which % len(SECRETS)]
        secrets.active = list(dict.fromkeys([new, *(secrets.active[:1] if overlap else ())]))
