"""What the patterns' machines hear over HTTP: what is missing, what is wrong, and what is too large."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from countersign.adapters.kms import KmsCipher
from countersign.domain.audit import AuditEvent
from countersign.domain.links import Link, Purpose
from countersign.domain.questions import Collecting
from countersign.domain.tasks import encryption_context
from countersign.domain.tokens import mint
from countersign.functions.clients import client
from countersign.testing.builders import NOW, TASK_ID, WORKFLOW, any_task
from tests.integration.conftest import Kit, Page, call
from webhook.handler import handler

FAR = NOW.replace(year=2999)
SECRET = "4711-pin"

Post = Callable[..., Page]


@pytest.fixture
def key(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> str:
    key_id: str = client("kms").create_key()["KeyMetadata"]["KeyId"]
    monkeypatch.setenv("ANSWERS_KEY", key_id)
    return key_id


def asked(kit: Kit, **changes: Any) -> Post:
    """Open a machine's task, and return how the machine answers."""
    machine = {"audience": (), "requester": "", "payload": "{}", "expires_at": FAR, "max_expires_at": FAR}
    kit.ledger.open(any_task(**machine | changes), (AuditEvent("opened", WORKFLOW),), NOW)
    token, fingerprint = mint()
    kit.ledger.put_link(Link(fingerprint, TASK_ID, "", Purpose.CALLBACK), FAR)

    def post(document: Any) -> Page:
        headers = {"authorization": f"Bearer {token}"}
        return call(handler, "POST", "/callbacks/succeed", body=json.dumps(document), headers=headers)

    return post


def test_until_everything_is_there_each_reply_says_what_is_missing(kit: Kit, key: str) -> None:
    post = asked(kit, collecting=Collecting("kind", ("a", "b")))
    first, unknown, last, late = post({"kind": "b"}), post({"kind": "z"}), post({"kind": "a"}), post({"kind": "z"})
    assert (first.status, json.loads(first.body)) == (202, {"status": "pending", "missing": ["a"]})
    assert (unknown.status, json.loads(unknown.body)["errors"][0]["pointer"]) == (422, "/kind")
    assert (last.status, json.loads(last.body)) == (200, {"status": "recorded"})
    assert late.status == 409


def test_an_encrypted_answer_is_read_by_who_names_its_task_and_a_retry_is_a_duplicate(
    kit: Kit, key: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    post = asked(kit, encrypted=True)
    assert post({"pin": "x" * 4096}).status == 413
    replies = [post({"pin": SECRET}), post({"pin": SECRET}), post({"pin": "other"})]
    assert [reply.status for reply in replies] == [200, 200, 409]
    task = kit.ledger.task(TASK_ID)
    assert task
    everything = repr(client("dynamodb").scan(TableName="ledger")["Items"]) + caplog.text + capsys.readouterr().out
    assert SECRET not in everything
    ciphertext = json.loads(task.answer)["ciphertext"]
    plain = KmsCipher(client("kms"), key).decrypt(ciphertext, encryption_context(TASK_ID))
    assert json.loads(plain) == {"pin": SECRET}
