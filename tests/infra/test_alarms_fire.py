"""Every alarm has been seen to fire: by the code's own path, or by a datum as AWS documents it, and by nothing less."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

import bus_events.handler
import executions.handler
import publisher.handler
import relay.handler
import sweeper.handler
from countersign.adapters.attributes import to_item
from countersign.adapters.audit_archive import S3AuditArchive
from countersign.adapters.task_items import task_document
from countersign.contracts import envelope
from countersign.domain import tasks
from countersign.domain.provider_events import EventRecord, Handling
from countersign.domain.requests import Request
from countersign.domain.tasks import Status
from countersign.testing.builders import (
    CALLER,
    REQUEST_ID,
    TASK_ID,
    WORKFLOW,
    any_input,
    any_parked,
    any_token,
    execution_arn,
    http_event,
    ses_event,
    sqs_event,
    status_change,
    stream_event,
    stream_record,
    task_result,
)
from countersign.testing.deliveries import any_payment, any_payment_intent
from review.handler import handler as review_handler
from stacks.components.house.python_function import METRICS_NAMESPACE
from tests.held import any_event
from tests.held import any_payment as any_held_payment
from tests.infra.cloudwatch import Datum, datum, embedded, is_raised
from tests.infra.templates import Synthesised
from tests.integration.conftest import (  # noqa: F401  fixtures: AWS behind the functions, as the integration tests have it
    ALIAS,
    PROVIDERS,
    Answer,
    Kit,
    Operation,
    _environment,
    _no_pauses,
    answering,
    archive,
    aws,
    call,
    callbacks,
    clean_aws,
    events,
    invocations,
    kit,
    secrets,
)
from webhook.handler import handler as webhook_handler

PARTNER = "aws.partner/stripe.com/ed_1001"
LAMBDA = "AWS/Lambda"


class Scene:
    """A stage, and the functions with AWS behind them."""

    def __init__(self, stage: Synthesised, ledger: Kit, doorbell: Operation, starts: Operation) -> None:
        self.stage = stage
        self.kit = ledger
        self.callbacks = doorbell
        self.invocations = starts

    def post(self, body: bytes, *, signed: bool = True) -> None:
        """Post a webhook of the provider `pay`."""
        delivery = PROVIDERS["pay"]
        at = int(self.kit.now.timestamp())
        headers = dict(delivery.sign(delivery.secret, body, at)) if signed else {}
        event = http_event("POST", "/webhooks/pay", body=body, headers={"content-type": "application/json", **headers})
        webhook_handler(event | {"routeKey": "POST /webhooks/{provider}", "pathParameters": {"provider": "pay"}}, None)

    def queue(self, name: str) -> str:
        """Return the queue that the stacks' outputs have under a name."""
        named: dict[str, str] = {}
        for stack in ("public", *self.stage.settings.workflow_stacks):
            named |= json.loads(self.stage.outputs(stack)["Queues"])
        return named[name]


# What the functions tell themselves


def a_ring_that_lambda_refuses(scene: Scene) -> None:
    scene.callbacks.by_default = Answer(403, "AccessDeniedException")
    scene.kit.open_task()
    scene.kit.decide()
    relay.handler.handler(stream_event(*scene.kit.decisions()), None)


def an_execution_that_dies_after_the_decision(scene: Scene) -> None:
    scene.kit.ledger.submit(Request(REQUEST_ID, WORKFLOW), scene.kit.now)
    scene.kit.ledger.started(REQUEST_ID, execution_arn())
    scene.kit.open_task()
    scene.kit.decide()
    executions.handler.handler(sqs_event(status_change("FAILED")), None)


def a_payment_of_another_amount(scene: Scene) -> None:
    scene.kit.open_payment()
    scene.post(any_payment(amount="1.00"))


def two_events_under_one_id(scene: Scene) -> None:
    scene.kit.open_payment()
    scene.post(any_payment("payment.pending"))
    scene.post(any_payment("payment.paid"))


def a_signed_event_that_cannot_be_read(scene: Scene) -> None:
    scene.post(any_payment(amount="much"))


def eleven_posts_that_nobody_signed(scene: Scene) -> None:
    for _ in range(11):
        scene.post(any_payment(), signed=False)


def a_partner_s_two_events_under_one_id(scene: Scene) -> None:
    for amount in (25000, 1):
        detail = json.loads(any_payment_intent(amount=amount))
        event = task_result(detail, **{"source": PARTNER, "detail-type": detail["type"]})
        bus_events.handler.handler(sqs_event(event), None)


def a_mail_that_bounces_for_good(scene: Scene) -> None:
    scene.kit.open_task()
    bus_events.handler.handler(sqs_event(ses_event()), None)


def a_payment_that_is_held(scene: Scene) -> None:
    held = envelope.held(any_held_payment(), any_event(), "amount")
    document = {"pk": f"TASK#{held['task_id']}", "sk": "OUTBOX#held#evt_1", "envelope": json.dumps(held)}
    publisher.handler.handler(stream_event(stream_record(to_item(document))), None)


def a_payer_disputes(scene: Scene) -> None:
    before, after = (to_item(task_document(any_held_payment(disputes=disputes))) for disputes in ((), ("pay_1001",)))
    publisher.handler.handler(stream_event(stream_record(after, before)), None)


def an_event_that_nobody_asked_for(scene: Scene) -> None:
    parked = {"pk": "EXTERNAL#pay#pay-1", "sk": "PARKED#msg_1", "event_id": "msg_1", "status": "paid"}
    publisher.handler.handler(stream_event(stream_record(None, to_item(parked))), None)


def an_event_that_the_settings_ignore_although_a_payment_waits(scene: Scene) -> None:
    before = scene.kit.open_payment()
    after = dataclasses.replace(before, ignored=("test_mode",))
    images = (to_item(task_document(task)) for task in (after, before))
    publisher.handler.handler(stream_event(stream_record(*images)), None)


def an_audit_entry_that_somebody_removes(scene: Scene) -> None:
    scene.kit.open_task()
    (first,) = (each for each in scene.kit.stream() if each["dynamodb"]["Keys"]["pk"]["S"].startswith("AUDIT#"))
    publisher.handler.handler(stream_event(stream_record(None, first["dynamodb"]["NewImage"])), None)


def swept(scene: Scene) -> None:
    """Let the sweeper find the task that was due two hours ago, and was mended an hour ago in vain."""
    due = {Status.OPEN: "expires_at", Status.DECIDED: "decided_at", Status.CANCELLED: "closed_at"}
    scene.kit.set(TASK_ID, due[scene.kit.task().status], scene.kit.now - timedelta(hours=2))
    scene.kit.set(TASK_ID, "gsi1sk", scene.kit.now - timedelta(hours=2))
    scene.kit.set(TASK_ID, "swept_at", scene.kit.now - timedelta(hours=1))
    sweeper.handler.handler({}, None)


def a_decision_that_no_workflow_applies(scene: Scene) -> None:
    scene.kit.open_task()
    scene.kit.decide()
    swept(scene)


def a_deadline_at_which_no_workflow_closes_its_task(scene: Scene) -> None:
    scene.kit.open_task()
    swept(scene)


def a_hand_off_that_sends_no_link(scene: Scene) -> None:
    scene.kit.open_task(opened_at=scene.kit.now - timedelta(hours=2))
    scene.kit.set(TASK_ID, "swept_at", scene.kit.now - timedelta(hours=1))
    sweeper.handler.handler({}, None)


def a_withdrawal_of_which_lambda_refuses_the_ring(scene: Scene) -> None:
    scene.kit.open_task()
    scene.kit.ledger.commit(tasks.withdraw(scene.kit.task(), CALLER, "ordered twice", scene.kit.now))
    swept(scene)


def a_start_that_lambda_refuses_again(scene: Scene) -> None:
    scene.invocations.by_default = Answer(404, "ResourceNotFoundException")
    asked = Request(REQUEST_ID, WORKFLOW, input=any_input())
    scene.kit.ledger.submit(asked, scene.kit.now - timedelta(hours=2))
    sweeper.handler.handler({}, None)


def an_event_that_nobody_asks_for_in_a_day(scene: Scene) -> None:
    record = EventRecord("pay", "evt_1", "b" * 64, Handling.PARKED)
    scene.kit.ledger.park(any_parked(), record, scene.kit.now - timedelta(days=1, minutes=6))
    sweeper.handler.handler({}, None)


def a_look_while_the_counters_are_out_of_order(scene: Scene) -> None:
    scene.kit.open_task()
    with answering("dynamodb", "UpdateItem", Answer(500, "InternalServerError")):
        call(review_handler, "GET", "/review", query={"t": scene.kit.link()})


def a_callback_while_the_counters_are_out_of_order(scene: Scene) -> None:
    with answering("dynamodb", "UpdateItem", Answer(500, "InternalServerError")):
        call(webhook_handler, "POST", "/callbacks/heartbeat", headers={"authorization": f"Bearer {any_token()}"})


Act = Callable[[Scene], None]
OWN: dict[str, tuple[str, Act]] = {
    "RingsFailed": ("Relay/Relay/Function", a_ring_that_lambda_refuses),
    "DecisionsNotApplied": ("Executions/Executions/Function", an_execution_that_dies_after_the_decision),
    "EventsHeld": ("Webhook/Webhook/Function", a_payment_of_another_amount),
    "EventsConflict": ("Webhook/Webhook/Function", two_events_under_one_id),
    "EventsMalformed": ("Webhook/Webhook/Function", a_signed_event_that_cannot_be_read),
    "SignaturesRefused": ("Webhook/Webhook/Function", eleven_posts_that_nobody_signed),
    "ResultsConflict": ("Results/Results/Function", a_partner_s_two_events_under_one_id),
    "MailsBounced": ("Results/Results/Function", a_mail_that_bounces_for_good),
    "PaymentsHeld": ("Publisher/Publisher/Function", a_payment_that_is_held),
    "PaymentsDisputed": ("Publisher/Publisher/Function", a_payer_disputes),
    "EventsForgotten": ("Publisher/Publisher/Function", an_event_that_nobody_asked_for),
    "EventsIgnoredForTasks": (
        "Publisher/Publisher/Function",
        an_event_that_the_settings_ignore_although_a_payment_waits,
    ),
    "LimiterUnavailable-review": ("Review/Review/Function", a_look_while_the_counters_are_out_of_order),
    "LimiterUnavailable-webhook": ("Webhook/Webhook/Function", a_callback_while_the_counters_are_out_of_order),
    "DecisionsOverdue": ("Sweeper/Sweeper/Function", a_decision_that_no_workflow_applies),
    "DeadlinesOverdue": ("Sweeper/Sweeper/Function", a_deadline_at_which_no_workflow_closes_its_task),
    "HandOffsOverdue": ("Sweeper/Sweeper/Function", a_hand_off_that_sends_no_link),
    "WithdrawalsOverdue": ("Sweeper/Sweeper/Function", a_withdrawal_of_which_lambda_refuses_the_ring),
    "StartsOverdue": ("Sweeper/Sweeper/Function", a_start_that_lambda_refuses_again),
    "EventsOverdue": ("Sweeper/Sweeper/Function", an_event_that_nobody_asks_for_in_a_day),
    "AuditDiffers": ("Publisher/Publisher/Function", an_audit_entry_that_somebody_removes),
}
"""The alarms on what a function tells: which function, and what has it told."""


# What AWS tells, with the dimensions that it documents


def of_function(path: str, metric: str, value: float) -> Callable[[Scene, str], Datum]:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html"""
    return lambda scene, _: datum(
        LAMBDA, metric, value, FunctionName=scene.stage.one("AWS::Lambda::Function", path).path
    )


def of_last_workflow(metric: str, value: float) -> Callable[[Scene, str], Datum]:
    """The one that an alarm over too few of them would leave out: the last of each alarm.

    https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html
    """

    def told(scene: Scene, name: str) -> Datum:
        number = int(name.partition("-")[2] or 1)
        path = scene.stage.groups[number - 1][-1].function.function.node.path.partition("/")[2]
        return datum(LAMBDA, metric, value, FunctionName=path)

    return told


def of_last_workflow_s_function(scene: Scene, name: str) -> Datum:
    """What the function of the last workflow that an alarm is over tells itself."""
    number = int(name.partition("-")[2] or 1)
    last = scene.stage.groups[number - 1][-1]
    return datum(METRICS_NAMESPACE, "HandOffsFailed", 1, service=last.function.service)


def of_api(metric: str, value: float) -> Callable[[Scene, str], Datum]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html"""
    return lambda scene, _: datum("AWS/ApiGateway", metric, value, ApiId=scene.stage.one("AWS::ApiGatewayV2::Api").path)


def of_ses(metric: str, value: float) -> Callable[[Scene, str], Datum]:
    """https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html"""
    return lambda _, __: datum("AWS/SES", metric, value)


def a_message(scene: Scene, name: str) -> Datum:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"""
    queue = scene.queue(name.partition("-")[2])
    return datum("AWS/SQS", "ApproximateNumberOfMessagesVisible", 1, QueueName=f"{queue}.QueueName")


OF_AWS: dict[str, Callable[[Scene, str], Datum]] = {
    "ApiServerErrors": of_api("5xx", 1),
    "ApiClientErrors": of_api("4xx", 101),
    "MailBounceRate": of_ses("Reputation.BounceRate", 0.051),
    "MailComplaintRate": of_ses("Reputation.ComplaintRate", 0.0011),
    "RelayBehind": of_function("Relay/Relay/Function", "IteratorAge", 60_001),
    "RelayErrors": of_function("Relay/Relay/Function", "Errors", 1),
    "PublisherBehind": of_function("Publisher/Publisher/Function", "IteratorAge", 60_001),
    "ExecutionsFailed": of_last_workflow("DurableExecutionFailed", 1),
    "ExecutionsStopped": of_last_workflow("DurableExecutionStopped", 1),
    "ExecutionsTimedOut": of_last_workflow("DurableExecutionTimedOut", 1),
    "HandOffsFailed": of_last_workflow_s_function,
    "OperationsNearLimit": of_last_workflow("DurableExecutionOperations", 2_401),
    "StorageNearLimit": of_last_workflow("DurableExecutionStorageWrittenBytes", 80_000_001),
    "DeadLetters": a_message,
}
"""The alarms on what AWS tells, or each workflow's function: a datum just above the threshold."""


def kind_of(name: str) -> str:
    return name.partition("-")[0]


@pytest.fixture
def scene_in(
    kit: Kit,  # noqa: F811
    callbacks: Operation,  # noqa: F811
    invocations: Operation,  # noqa: F811
    events: Operation,  # noqa: F811
) -> Callable[[Synthesised], Scene]:
    return lambda stage: Scene(stage, kit, callbacks, invocations)


@pytest.fixture(autouse=True)
def _rest_of_the_environment(
    secrets: dict[str, str],  # noqa: F811
    archive: S3AuditArchive,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The providers' secrets, the archive, and a partner."""
    monkeypatch.setenv("DEAD_LETTERS_URL", "https://sqs.eu-central-1.amazonaws.com/111122223333/results-dlq")
    monkeypatch.setenv("GRACE_SECONDS", "300")
    monkeypatch.setenv("AT_MOST_SECONDS", "240")
    monkeypatch.setenv("PARTNERS", json.dumps({PARTNER: {"name": "stripe", "scheme": "stripe"}}))


def test_every_alarm_has_its_row_and_every_stage_has_them_all_but_what_it_cannot_have(stage: Synthesised) -> None:
    of_workflows = {
        *("ExecutionsFailed", "ExecutionsStopped", "ExecutionsTimedOut", "HandOffsFailed"),
        *("OperationsNearLimit", "StorageNearLimit"),
    }
    without = of_workflows if stage.settings.stage == "local" else set()
    without |= set() if stage.stacks.ledger.archive else {"AuditDiffers"}
    assert {kind_of(name) for name in stage.alarms} == {*map(kind_of, OWN), *OF_AWS} - without


@pytest.mark.parametrize("name", OWN)
def test_what_a_function_tells_sets_off_its_alarm_and_no_other(
    prod: Synthesised,
    scene_in: Callable[[Synthesised], Scene],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    path, act = OWN[name]
    function = prod.properties(prod.one("AWS::Lambda::Function", path))
    for variable, value in function["Environment"]["Variables"].items():
        if variable.startswith("POWERTOOLS_"):
            monkeypatch.setenv(variable, value)
    act(scene_in(prod))
    told = list(embedded(capsys.readouterr().out))
    alarm = prod.alarms[name]
    assert is_raised(alarm, [told] * alarm["EvaluationPeriods"])
    assert [other for other, each in prod.alarms.items() if is_raised(each, [told] * 9)] == [name]


def told_by_aws(scene: Scene) -> Iterator[tuple[str, Any, Datum]]:
    for name, alarm in scene.stage.alarms.items():
        if kind_of(name) in OF_AWS:
            yield name, alarm, OF_AWS[kind_of(name)](scene, name)


def test_what_aws_tells_sets_off_its_alarm_and_no_other(
    stage: Synthesised, scene_in: Callable[[Synthesised], Scene]
) -> None:
    for name, alarm, one in told_by_aws(scene_in(stage)):
        assert is_raised(alarm, [[one]] * alarm["EvaluationPeriods"]), name
        assert [other for other, each in stage.alarms.items() if is_raised(each, [[one]] * 9)] == [name]


def test_less_than_that_or_for_a_shorter_time_sets_off_none(
    stage: Synthesised, scene_in: Callable[[Synthesised], Scene]
) -> None:
    for name, alarm, one in told_by_aws(scene_in(stage)):
        less = Datum(one.namespace, one.name, one.dimensions, alarm["Threshold"])
        assert not is_raised(alarm, [[less]] * 9), name
        assert not is_raised(alarm, [[one]] * (alarm["EvaluationPeriods"] - 1)), name


def test_silence_sets_off_no_alarm(stage: Synthesised) -> None:
    for name, alarm in stage.alarms.items():
        assert not is_raised(alarm, [[]] * 9), name
