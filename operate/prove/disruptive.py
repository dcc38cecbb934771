"""The claims that disturb a stage: on a protected one they are refused.

Each changes something and puts it back. What an interrupted run has left changed, `restore` puts back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import ClientError

from countersign.domain.proofs import PREFIX, PROVIDER
from countersign.domain.tasks import Status
from countersign.domain.tokens import idempotency_key, mint
from operate.client import press
from operate.embedded import http
from operate.prove.run import WORKFLOW, CannotProveError, Run, expect
from operate.prove.safe import Claim
from operate.releases import Releases

_QUEUE = "approvals"
_POISON = f'{{"poison": "{PREFIX}'
"""The beginning of the broken message: neither a hand-off nor an event."""
_SEEN_AGAIN_SECONDS = "2"
_VISIBILITY, _RELAY = "countersign-prove-visibility", "countersign-prove-relay"
"""The tags of the queue while a claim has changed something: the visibility timeout of before, the relay's state. They
outlive an interrupted run, and tell its changes from those of others."""

_SWITCH_SECONDS = 300
"""How long Lambda may take to switch an event source mapping."""

_MARK = " (countersign prove)"
"""The end of a function's description in a version that the claim `deploy` has published."""


def relay(run: Run) -> str:
    """A decision that the relay misses reaches its workflow when the relay is back."""
    task = run.ask("relay")
    page = run.page(task)
    with _relay_off(run):
        status = press(page, "approve").answer.status
        decided, still = run.stage.ledger.present(task.task_id).status, run.api.get(task.request_id).status
    expect((decided, still) == (Status.DECIDED, "running"), f"{task.task_id}: without the relay {decided}, {still}")
    result = run.ended(task.request_id, _SWITCH_SECONDS).result
    told = f"{task.task_id}: the click was answered {status}, without the relay {decided}, then {result['status']}"
    expect(result["status"] == "approved", told)
    return told


@contextmanager
def _relay_off(run: Run) -> Iterator[None]:
    expect(_relay(run)["State"] == "Enabled", "the relay is off already")
    _tag(run, _RELAY, "off")
    try:
        _switch_relay(run, on=False)
        yield
    finally:
        _restore_relay(run)


def _restore_relay(run: Run) -> bool:
    if not _tag_of(run, _RELAY):
        return False
    _switch_relay(run, on=True)
    _untag(run, _RELAY)
    return True


def _switch_relay(run: Run, *, on: bool) -> None:
    """Switch the relay's event source mapping, and wait until it is switched."""
    wanted = "Enabled" if on else "Disabled"
    run.stage.client("lambda").update_event_source_mapping(UUID=_relay(run)["UUID"], Enabled=on)
    run.until(lambda: _relay(run)["State"] == wanted, f"the switch of the relay to {wanted}", _SWITCH_SECONDS)


def _relay(run: Run) -> dict[str, Any]:
    client = run.stage.client("lambda")
    (function,) = (each for each in run.stage.functions() if each["Handler"] == "relay.handler.handler")
    mappings = client.list_event_source_mappings(FunctionName=function["FunctionName"])["EventSourceMappings"]
    expect(len(mappings) == 1, f"the relay has {len(mappings)} event source mappings, and reads one stream")
    found: dict[str, Any] = mappings[0]
    return found


def poison(run: Run) -> str:
    """A broken message ends in the dead letters of its queue, and others go through."""
    sqs, body = run.stage.client("sqs"), f'{_POISON}{idempotency_key()}"}}'
    with _seen_again_soon(run):
        sqs.send_message(QueueUrl=_queue(run), MessageBody=body)
        task = run.ask("poison")
        run.until(lambda: _removed(run, body), f"the dead letter in {_QUEUE}-dlq", _SWITCH_SECONDS)
    run.withdraw(task)
    return f"the mail of {task.task_id} was sent, and the broken message was taken from {_QUEUE}-dlq"


@contextmanager
def _seen_again_soon(run: Run) -> Iterator[None]:
    """Let a failed message be received again after seconds: six receives end in the dead letters."""
    sqs, url = run.stage.client("sqs"), _queue(run)
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    _tag(run, _VISIBILITY, before["VisibilityTimeout"])
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": _SEEN_AGAIN_SECONDS})
    try:
        yield
    finally:
        _restore_visibility(run)


def _restore_visibility(run: Run) -> bool:
    before = _tag_of(run, _VISIBILITY)
    if before:
        attributes = {"VisibilityTimeout": before}
        run.stage.client("sqs").set_queue_attributes(QueueUrl=_queue(run), Attributes=attributes)
        _untag(run, _VISIBILITY)
    return bool(before)


def _queue(run: Run) -> str:
    return run.stage.merged("Queues")[_QUEUE]


def _tag(run: Run, name: str, value: str) -> None:
    run.stage.client("sqs").tag_queue(QueueUrl=_queue(run), Tags={name: value})


def _tag_of(run: Run, name: str) -> str:
    return str(run.stage.client("sqs").list_queue_tags(QueueUrl=_queue(run)).get("Tags", {}).get(name, ""))


def _untag(run: Run, name: str) -> None:
    run.stage.client("sqs").untag_queue(QueueUrl=_queue(run), TagKeys=[name])


def _removed(run: Run, poison: str) -> bool:
    """Remove the poison of proofs from the dead letters, and tell whether it was there. Other messages stay."""
    sqs, url = run.stage.client("sqs"), run.stage.merged("Queues")[f"{_QUEUE}-dlq"]
    found = False
    for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1).get("Messages", []):
        if poison in message["Body"]:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found = True
    return found


def deploy(run: Run) -> str:
    """An execution that waits ends on its version after a second deploy, and a new one starts on the new version."""
    releases = Releases.of(run.stage, WORKFLOW)
    if releases.live != (newest := _newest(releases)):  # afterwards, new executions would start on the newest
        problem = f"after a rollback, new executions start on version {releases.live}, the newest is {newest}"
        raise CannotProveError(f"{problem}: deploy the corrected workflow first")
    before = run.ask("before")
    with _another_version(run) as version:
        after = run.ask("after")
        for task in (before, after):
            press(run.page(task), "approve")
        results = [run.ended(task.request_id).result["status"] for task in (before, after)]
        versions = [_version_of(run, task.request_id) for task in (before, after)]
    told = f"{before.task_id} on version {versions[0]}: {results[0]}; {after.task_id} on {versions[1]}: {results[1]}"
    expect(results == ["approved", "approved"] and int(versions[0]) < int(versions[1]) == int(version), told)
    return told


def _version_of(run: Run, request_id: str) -> str:
    """Return the version of a request's execution: `…:function:<name>:<version>/durable-execution/…`."""
    request = run.stage.ledger.request(request_id)
    return request.execution_arn.partition("/")[0].rpartition(":")[2] if request else "0"


@contextmanager
def _another_version(run: Run) -> Iterator[str]:
    """Publish a version that differs in its description, as a deploy would, and make it the one of new executions."""
    client, releases = run.stage.client("lambda"), Releases.of(run.stage, WORKFLOW)
    function = releases.function
    described = client.get_function_configuration(FunctionName=function).get("Description", "")
    _describe(run, function, described + _MARK)
    try:
        version = str(client.publish_version(FunctionName=function)["Version"])
        client.get_waiter("published_version_active").wait(FunctionName=function, Qualifier=version)
        client.update_alias(FunctionName=function, Name="live", FunctionVersion=version)
        yield version
    finally:
        _restore_version(run)


def _describe(run: Run, function: str, text: str) -> None:
    client = run.stage.client("lambda")
    client.update_function_configuration(FunctionName=function, Description=text)
    client.get_waiter("function_updated_v2").wait(FunctionName=function)


def _restore_version(run: Run) -> bool:
    """Put back the description and the version of new executions, and delete the versions that a proof published."""
    client, releases = run.stage.client("lambda"), Releases.of(run.stage, WORKFLOW)
    function = releases.function
    described = client.get_function_configuration(FunctionName=function).get("Description", "")
    if described.endswith(_MARK):
        _describe(run, function, described.removesuffix(_MARK))
    proofs = _of_proofs(releases)
    if releases.live in proofs:
        client.update_alias(FunctionName=function, Name="live", FunctionVersion=str(_newest(releases)))
    for number in proofs:
        with suppress(ClientError):  # an execution of an interrupted run has not ended on it
            client.delete_function(FunctionName=function, Qualifier=str(number))
    return bool(proofs) or described.endswith(_MARK)


def _of_proofs(releases: Releases) -> list[int]:
    """Return the versions that proofs published."""
    return sorted(number for number, each in releases.versions.items() if each.get("Description", "").endswith(_MARK))


def _newest(releases: Releases) -> int:
    """Return the newest version that a deploy published."""
    return max(releases.versions.keys() - set(_of_proofs(releases)))


def payment(run: Run) -> str:
    """A payment event with the provider's signature counts, and one with another signature is refused."""
    providers = json.loads(run.stage.outputs("public")["Providers"])
    if PROVIDER not in providers:
        fix = f'[providers.{PROVIDER}] with scheme = "standard_webhooks" in settings/{run.stage.name}.toml'
        raise CannotProveError(f"the stage has no provider {PROVIDER}: add {fix}, and deploy")
    secret, external_id = _secret(run, providers[PROVIDER]["secret"]), f"{PREFIX}{idempotency_key()}"
    paid = {"external_id": external_id, "amount": "120.00", "currency": "EUR"}
    request_id = run.submit("payment", "payment", {**paid, "provider": PROVIDER, "deadline_seconds": 900})
    run.until(lambda: run.stage.ledger.task_ids(request_id), f"the task of {request_id}")
    forged = _post(run, paid, _made_up())
    signed = run.until(lambda: status if (status := _post(run, paid, secret)) < 500 else 0, "an answer to the event")
    result = run.ended(request_id).result
    told = f"{request_id}: the forged event was answered {forged}, the signed one {signed}, then {result['status']}"
    expect((forged, signed, result["status"]) == (401, 200, "paid"), told)
    return told


def _secret(run: Run, arn: str) -> str:
    """Return the provider's signing secret; store a new one if it has none."""
    client = run.stage.client("secretsmanager")
    active = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])["active"]
    if not active:
        active = [_made_up()]
        client.put_secret_value(SecretId=arn, SecretString=json.dumps({"active": active}))
    return str(active[0])


def _made_up() -> str:
    token, _ = mint()
    return f"whsec_{token.replace('-', '+').replace('_', '/')}="


def _post(run: Run, paid: dict[str, str], secret: str) -> int:
    """Post the event of a payment, and return the status of the answer."""
    from standardwebhooks import Webhook

    now, event_id = run.context.now, f"{PREFIX}{idempotency_key()}"
    body = json.dumps({"type": "payment.paid", "timestamp": now.isoformat(), "data": paid})
    headers = {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, now, body),
    }
    return http.send("POST", f"{run.api.url}/webhooks/{PROVIDER}", body.encode(), headers).status


def restore(run: Run) -> Iterator[str]:
    """Put back what an interrupted run has left changed, and yield what it was."""
    if _restore_relay(run):
        yield "the relay was off"
    if _restore_visibility(run):
        yield f"the queue {_QUEUE} showed failed messages again too soon"
    if _removed(run, _POISON):
        yield f"{_QUEUE}-dlq held a broken message"
    if _restore_version(run):
        yield f"new executions of {WORKFLOW} started on a version of the run"


DISRUPTIVE: dict[str, Claim] = {"relay": relay, "poison": poison, "deploy": deploy, "payment": payment}
"""The claims by name, in order."""
