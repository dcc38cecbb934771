"""events, event show, event replay: what providers sent, for operators."""

import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import pytest

from countersign.composition import current_ports
from countersign.functions.clients import client
from countersign.testing.builders import PAYMENT_TASK_ID
from countersign.testing.deliveries import any_payment
from tests.integration.conftest import EVENTS_BUCKET, Answer, Kit, Operation, answering, forget_what_functions_made
from tests.integration.operate.conftest import OPERATOR, DeployedStage, Run
from tests.integration.test_webhooks import post
from webhook.replay import handler

LOST = any_payment(payer={"name": "Maria Lopez", "email": "maria@example.com"})


@pytest.fixture(autouse=True)
def kept(stage: DeployedStage, secrets: Any, kept_events: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage keeps events."""
    monkeypatch.setenv("KEEP_EVENTS_DAYS", "30")
    monkeypatch.setenv("METRICS_STAGE", "countersign-dev")
    forget_what_functions_made()
    for stack, name, value in (("ledger", "EventsBucketName", EVENTS_BUCKET), ("public", "ReplayFunction", "replay")):
        stage.described[stack]["Outputs"].append({"OutputKey": name, "OutputValue": value})


@pytest.fixture
def invoked(aws: None) -> Iterator[Operation]:
    """Lambda's Invoke, with the replay function behind it, whose log is not the tool's output."""

    def invoke(request: Any) -> Answer:
        with redirect_stdout(StringIO()):
            return Answer(document=handler(json.loads(request.body), None))

    with answering("lambda", "Invoke", invoke) as asked:
        yield asked


def lose(kit: Kit) -> str:
    """Post an event that the ledger does not take, and return its key."""
    kit.open_payment()
    with answering("dynamodb", "TransactWriteItems", Answer(500, "InternalServerError")):
        assert post(LOST).status == 503
    (found,) = client("s3").list_objects_v2(Bucket=EVENTS_BUCKET)["Contents"]
    return str(found["Key"]).removeprefix("events/")


def test_kept_events_are_listed_with_what_became_of_them(kit: Kit, run: Run) -> None:
    key = lose(kit)
    post(any_payment("user.created"), name="pay")
    status, out, _ = run("events", "--json")
    lost, ignored = json.loads(out)
    assert status == 0
    assert (lost["key"], lost["provider"], lost["status"], lost["became"]) == (key, "pay", "paid", "failed")
    assert (lost["external_id"], lost["task"]) == ("pay_1001", PAYMENT_TASK_ID)
    assert (ignored["event"], ignored["became"]) == ("", "ignored")
    assert run("events", "--provider", "card")[1:] == ("", "No event was kept.\n")
    assert key in run("events", "--provider", "pay", "--since", "2h")[1]


def test_an_event_that_was_altered_hides_no_other(kit: Kit, run: Run) -> None:
    key = lose(kit)
    altered: Any = {"Key": f"events/{key}x", "Body": b"{}", "Metadata": {"stage": "countersign-dev"}}
    client("s3").put_object(Bucket=EVENTS_BUCKET, **altered)
    _, out, errors = run("events")
    assert f"{key}x" not in out
    assert key in out
    assert f"{key}x: the kept event was altered" in errors


def test_an_event_is_shown_without_secrets_and_people(kit: Kit, run: Run) -> None:
    key = lose(kit)
    for arguments in (("event", "show", key), ("event", "show", f"events/{key}", "--json")):
        status, out, _ = run(*arguments)
        assert status == 0
        for stays in ("pay_1001", "250.00", "EUR", "payment.paid", PAYMENT_TASK_ID, "webhook-signature"):
            assert stays in out
        for hidden in ("Maria", "maria@", "v1,"):
            assert hidden not in out


def test_an_event_is_replayed_and_audited_with_the_operator_and_the_reason(
    kit: Kit, run: Run, invoked: Operation
) -> None:
    key = lose(kit)
    replay = ("event", "replay", key, "--because", "the table was throttled")
    assert run(*replay)[:2] == (0, f"{key}: recorded, about {PAYMENT_TASK_ID}\n")
    entry = kit.audit(PAYMENT_TASK_ID)[-1].event
    assert (entry.event, entry.actor) == ("replayed", OPERATOR)
    assert entry.data == {"event": key, "because": "the table was throttled"}
    audited = kit.audit(PAYMENT_TASK_ID)
    assert (json.loads(run(*replay, "--json")[1])["handling"], kit.audit(PAYMENT_TASK_ID)) == ("duplicate", audited)
    assert json.loads(run("events", "--json")[1])[0]["became"] == "recorded"


def remove_the_provider() -> None:
    current_ports().environment._variables = {**current_ports().environment._variables, "PROVIDERS": "{}"}


def rotate_the_secret() -> None:
    secret = "whsec_b3RoZXIgc2VjcmV0IG9mIHRoZSBwcm92aWRlcg=="
    client("secretsmanager").put_secret_value(SecretId="pay", SecretString=json.dumps({"active": [secret]}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (remove_the_provider, ("has no provider pay any more", "Put [providers.pay] back")),
        (rotate_the_secret, ("no active secret of pay has signed the event", "beside the new one")),
    ],
)
def test_a_refused_replay_says_why_and_what_to_do(
    kit: Kit, run: Run, invoked: Operation, change: Any, words: tuple[str, ...]
) -> None:
    key = lose(kit)
    forget_what_functions_made()
    change()
    status, _, errors = run("event", "replay", key, "--because", "lost")
    assert status == 1
    assert all(each in errors for each in words)
    assert "replayed" not in kit.audited(PAYMENT_TASK_ID)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("event", "show", "pay/2026-03-01/none"), 1, "no kept event has the key"),
        (("event", "replay", "pay/2026-03-01/none", "--because", "x"), 1, "no kept event has the key"),
        (("event", "replay", "pay/2026-03-01/none", "--because", " "), 2, "--because must give a reason"),
        (("event", "replay", "pay/2026-03-01/none"), 2, "--because"),
        (("events", "--since", "soon"), 2, "SPAN must be"),
    ],
)
def test_wrong_words_are_refused(run: Run, arguments: tuple[str, ...], status: int, words: str) -> None:
    ended, _, errors = run(*arguments)
    assert (ended, words in errors) == (status, True), errors


def test_a_missing_right_is_named(kit: Kit, run: Run) -> None:
    key = lose(kit)
    with answering("lambda", "Invoke", Answer(403, "AccessDeniedException")):
        status, _, errors = run("event", "replay", key, "--because", "lost")
    assert (status, "IAM does not let you call Invoke" in errors) == (3, True)


def test_a_stage_that_keeps_no_events_says_so(stage: DeployedStage, run: Run) -> None:
    del stage.described["ledger"]["Outputs"][-1]
    status, _, errors = run("events")
    assert (status, "keep_events_days" in errors) == (1, True)


def test_kept_events_are_erased_before_a_stage_without_protection_is_destroyed(kit: Kit, stage: DeployedStage) -> None:
    from operate.kept_events import erase

    lose(kit)
    stage.change(ledger={"protected": True})
    assert erase(stage) == 0
    stage.change(ledger={"protected": False})
    assert (erase(stage), erase(stage)) == (1, 0)
