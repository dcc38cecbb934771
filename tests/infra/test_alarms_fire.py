"""Every alarm has been seen to fire: by the code's own path, or by a datum as AWS documents it, and by nothing less."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
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
from countersign.domain import tasks
from countersign.domain.provider_events import EventRecord, Handling
from countersign.domain.requests import Request
from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.testing.builders import (
    CALLER,
    PAYMENT_ID,
    REQUEST_ID,
    TASK_ID,
    WORKFLOW,
    any_input,
    any_parked,
    any_request,
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
from requests_api.handler import handler as requests_handler
from review.handler import handler as review_handler
from stacks.components.house.python_function import METRICS_NAMESPACE
from tests.held import any_payment as any_held_payment
from tests.infra.cloudwatch import QUOTA, Datum, datum, embedded, is_raised
from tests.infra.templates import Synthesised
from tests.integration.conftest import (  # noqa: F401  fixtures: AWS behind the functions, as the integration tests have it
    ALIAS,
    PROVIDERS,
    TABLE,
    Answer,
    Kit,
    Operation,
    _environment,
    _no_pauses,
    answering,
    archive,
    aws,
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

    def run(self, path: str, handler: Callable[..., Any], event: Any) -> Any:
        """Run the function of a construct, with the variables for its metrics."""
        function = self.stage.properties(self.stage.one("AWS::Lambda::Function", f"{path}/Function"))
        variables = function["Environment"]["Variables"].items()
        of_metrics = {name: value for name, value in variables if name.startswith(("POWERTOOLS_", "METRICS_"))}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in of_metrics.items():
                patch.setenv(name, value)
            return handler(event, None)

    def post(self, body: bytes, *, signed: bool = True) -> None:
        """Post a webhook of the provider `pay`."""
        delivery = PROVIDERS["pay"]
        at = int(self.kit.now.timestamp())
        headers = dict(delivery.sign(delivery.secret, body, at)) if signed else {}
        event = http_event("POST", "/webhooks/pay", body=body, headers={"content-type": "application/json", **headers})
        event |= {"routeKey": "POST /webhooks/{provider}", "pathParameters": {"provider": "pay"}}
        self.run("Webhook/Webhook", webhook_handler, event)

    def publish(self, *records: Any) -> None:
        """Let the publisher handle these records, or those that are new in the stream and that it gets."""
        got = records or filter(is_for_publisher, self.kit.stream())
        self.run("Publisher/Publisher", publisher.handler.handler, stream_event(*got))

    def sweep(self) -> None:
        """Sweep once."""
        self.run("Sweeper/Sweeper", sweeper.handler.handler, {})

    def queue(self, name: str) -> str:
        """Return the queue that the stacks' outputs have under a name."""
        named: dict[str, str] = {}
        for stack in ("public", *self.stage.settings.workflow_stacks):
            named |= json.loads(self.stage.outputs(stack)["Queues"])
        return named[name]


def is_for_publisher(record: Any) -> bool:
    key = {name: value["S"] for name, value in record["dynamodb"]["Keys"].items()}
    written = key["pk"].startswith("AUDIT#") or key["sk"] == "TASK" or key["sk"].startswith("OUTBOX#")
    return written and "NewImage" in record["dynamodb"]


# What the functions tell themselves


def an_execution_that_dies_after_the_decision(scene: Scene) -> None:
    scene.kit.ledger.submit(Request(REQUEST_ID, WORKFLOW), scene.kit.now)
    scene.kit.ledger.started(REQUEST_ID, execution_arn())
    scene.kit.open_task()
    scene.kit.decide()
    scene.run("Executions/Executions", executions.handler.handler, sqs_event(status_change("FAILED")))


def a_payment_of_another_amount(scene: Scene) -> None:
    scene.kit.open_payment()
    scene.post(any_payment(amount="1.00"))
    scene.publish()


def an_event_about_a_task_that_is_gone(scene: Scene) -> None:
    scene.kit.open_payment()
    client("dynamodb").delete_item(TableName=TABLE, Key=to_item({"pk": f"TASK#{PAYMENT_ID}", "sk": "TASK"}))
    scene.post(any_payment())
    scene.publish()


def two_events_under_one_id(scene: Scene) -> None:
    scene.kit.open_payment()
    scene.post(any_payment("payment.pending"))
    scene.post(any_payment("payment.paid"))


def a_signed_event_that_cannot_be_read(scene: Scene) -> None:
    scene.post(any_payment(amount="much"))


def eleven_posts_that_nobody_signed(scene: Scene) -> None:
    for _ in range(11):
        scene.post(any_payment(), signed=False)


def eleven_posts_to_a_provider_without_a_secret(scene: Scene) -> None:
    client("secretsmanager").put_secret_value(SecretId="pay", SecretString='{"active": []}')
    for _ in range(11):
        scene.post(any_payment())


def a_partner_s_two_events_under_one_id(scene: Scene) -> None:
    for amount in (25000, 1):
        detail = json.loads(any_payment_intent(amount=amount))
        event = task_result(detail, **{"source": PARTNER, "detail-type": detail["type"]})
        scene.run("Results/Results", bus_events.handler.handler, sqs_event(event))


def a_mail_that_bounces_for_good(scene: Scene) -> None:
    scene.kit.open_task()
    scene.run("Results/Results", bus_events.handler.handler, sqs_event(ses_event()))


def a_payer_disputes(scene: Scene) -> None:
    before, after = (to_item(task_document(any_held_payment(disputes=disputes))) for disputes in ((), ("pay_1001",)))
    scene.publish(stream_record(after, before))


def an_event_that_no_sweep_found(scene: Scene) -> None:
    parked = {"pk": "EXTERNAL#pay#pay-1", "sk": "PARKED#msg_1", "event_id": "msg_1", "status": "paid"}
    scene.publish(stream_record(None, to_item(parked)))


def an_event_that_the_settings_ignore_although_a_payment_waits(scene: Scene) -> None:
    before = scene.kit.open_payment()
    after = dataclasses.replace(before, ignored=("test_mode",))
    images = (to_item(task_document(task)) for task in (after, before))
    scene.publish(stream_record(*images))


def an_audit_entry_that_somebody_removes(scene: Scene) -> None:
    scene.kit.open_task()
    (first,) = (each for each in scene.kit.stream() if each["dynamodb"]["Keys"]["pk"]["S"].startswith("AUDIT#"))
    scene.publish(stream_record(None, first["dynamodb"]["NewImage"]))


def swept(scene: Scene) -> None:
    """Let the sweeper find the task that was due two hours ago, and was mended an hour ago in vain."""
    due = {Status.OPEN: "expires_at", Status.DECIDED: "decided_at", Status.CANCELLED: "closed_at"}
    scene.kit.set(TASK_ID, due[scene.kit.task().status], scene.kit.now - timedelta(hours=2))
    scene.kit.set(TASK_ID, "gsi1sk", scene.kit.now - timedelta(hours=2))
    scene.kit.set(TASK_ID, "swept_at", scene.kit.now - timedelta(hours=1))
    scene.sweep()


def a_decision_of_which_lambda_refuses_the_ring(scene: Scene) -> None:
    scene.callbacks.by_default = Answer(403, "AccessDeniedException")
    scene.kit.open_task()
    scene.kit.decide()
    scene.run("Relay/Relay", relay.handler.handler, stream_event(*scene.kit.decisions()))
    swept(scene)


def a_deadline_at_which_no_workflow_closes_its_task(scene: Scene) -> None:
    scene.kit.open_task()
    swept(scene)


def a_hand_off_that_sends_no_link(scene: Scene) -> None:
    scene.kit.open_task(opened_at=scene.kit.now - timedelta(hours=2))
    scene.kit.set(TASK_ID, "swept_at", scene.kit.now - timedelta(hours=1))
    scene.sweep()


def a_withdrawal_of_which_lambda_refuses_the_ring(scene: Scene) -> None:
    scene.kit.open_task()
    scene.kit.ledger.commit(tasks.withdraw(scene.kit.task(), CALLER, "ordered twice", scene.kit.now))
    swept(scene)


def a_start_that_lambda_refuses_again(scene: Scene) -> None:
    scene.invocations.by_default = Answer(404, "ResourceNotFoundException")
    body = json.dumps(any_request()).encode()
    event = http_event("POST", "/requests", body=body, headers={"content-type": "application/json"})
    assert scene.run("Requests/Requests", requests_handler, event)["statusCode"] == 503
    asked = Request("order-1002", WORKFLOW, input=any_input())
    scene.kit.ledger.submit(asked, scene.kit.now - timedelta(hours=2))
    scene.sweep()


def an_event_that_nobody_asks_for(scene: Scene) -> None:
    record = EventRecord("pay", "evt_1", "b" * 64, Handling.PARKED)
    scene.kit.ledger.park(any_parked(), record, scene.kit.now - timedelta(days=1, minutes=6))
    scene.sweep()
    (reported,) = (item for (_, sk), item in scene.kit.items().items() if sk.startswith("PARKED#"))
    scene.publish(stream_record(None, reported))


def a_look_while_the_counters_are_out_of_order(scene: Scene) -> None:
    scene.kit.open_task()
    event = http_event("GET", "/review", query={"t": scene.kit.link()})
    with answering("dynamodb", "UpdateItem", Answer(500, "InternalServerError")):
        scene.run("Review/Review", review_handler, event)


def a_callback_while_the_counters_are_out_of_order(scene: Scene) -> None:
    headers = {"authorization": f"Bearer {any_token()}"}
    event = http_event("POST", "/callbacks/heartbeat", headers=headers)
    with answering("dynamodb", "UpdateItem", Answer(500, "InternalServerError")):
        scene.run("Webhook/Webhook", webhook_handler, event)


def a_page_while_the_ledger_is_out_of_order(scene: Scene) -> None:
    event = http_event("GET", "/review", query={"t": any_token()})
    with answering("dynamodb", "GetItem", Answer(500, "InternalServerError")):
        assert scene.run("Review/Review", review_handler, event)["statusCode"] == 503


def a_request_while_the_ledger_is_out_of_order(scene: Scene) -> None:
    event = http_event("GET", "/requests/x")
    with answering("dynamodb", "GetItem", Answer(500, "InternalServerError")):
        scene.run("Requests/Requests", requests_handler, event | {"pathParameters": {"request_id": "x"}})


Act = Callable[[Scene], None]
FAULTS: Sequence[tuple[str, Act]] = [
    ("ApiServerErrors", a_page_while_the_ledger_is_out_of_order),
    ("ApiServerErrors", a_request_while_the_ledger_is_out_of_order),
    ("DecisionsNotApplied", an_execution_that_dies_after_the_decision),
    ("EventsConflict", two_events_under_one_id),
    ("EventsMalformed", a_signed_event_that_cannot_be_read),
    ("SignaturesRefused", eleven_posts_that_nobody_signed),
    ("SignaturesRefused", eleven_posts_to_a_provider_without_a_secret),
    ("ResultsConflict", a_partner_s_two_events_under_one_id),
    ("MailsBounced", a_mail_that_bounces_for_good),
    ("PaymentsHeld", a_payment_of_another_amount),
    ("PaymentsHeld", an_event_about_a_task_that_is_gone),
    ("PaymentsDisputed", a_payer_disputes),
    ("EventsForgotten", an_event_that_no_sweep_found),
    ("EventsIgnoredForTasks", an_event_that_the_settings_ignore_although_a_payment_waits),
    ("LimiterUnavailable", a_look_while_the_counters_are_out_of_order),
    ("LimiterUnavailable", a_callback_while_the_counters_are_out_of_order),
    ("DecisionsOverdue", a_decision_of_which_lambda_refuses_the_ring),
    ("DeadlinesOverdue", a_deadline_at_which_no_workflow_closes_its_task),
    ("HandOffsOverdue", a_hand_off_that_sends_no_link),
    ("WithdrawalsOverdue", a_withdrawal_of_which_lambda_refuses_the_ring),
    ("StartsOverdue", a_start_that_lambda_refuses_again),
    ("EventsOverdue", an_event_that_nobody_asks_for),
    ("AuditDiffers", an_audit_entry_that_somebody_removes),
]
"""What goes wrong, in all functions that it passes through, and the one alarm that it raises."""


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
    dimensions = {"service": last.function.service, "stage": f"countersign-{scene.stage.settings.stage}"}
    return datum(METRICS_NAMESPACE, "HandOffsFailed", 1, **dimensions)


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


RULES = {
    "EventsLost": {"RuleName": "Approver/Approvals/Rule.Arn[2]", "EventBusName": "HandOffs/Bus"},
    "EventsLost-2": {"RuleName": "Executions/Ended/Rule.Arn[1]"},
}
"""A rule of a bus of its own, and one of the account's default bus; the ARN of a rule ends with its name."""


def an_event_that_reaches_no_dead_letter_queue(_: Scene, name: str) -> Datum:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html"""
    return datum("AWS/Events", "InvocationsFailedToBeSentToDlq", 1, **RULES[name])


CONCURRENCY = {"Service": "Lambda", "Resource": "ConcurrentExecutions", "Type": "Resource", "Class": "None"}
OF_AWS: dict[str, Callable[[Scene, str], Datum]] = {
    "RequestsThrottled": of_function("Review/Review/Function", "Throttles", 11),
    "EventsLost": an_event_that_reaches_no_dead_letter_queue,
    "ExecutionsNearQuota": lambda *_: datum(LAMBDA, "ApproximateRunningDurableExecutionsUtilization", 81),
    "ConcurrencyNearQuota": lambda *_: datum("AWS/Usage", "ResourceCount", 8.01 * QUOTA / 10, **CONCURRENCY),
    "ApiClientErrors": of_api("4xx", 101),
    "MailBounceRate": of_ses("Reputation.BounceRate", 0.051),
    "MailComplaintRate": of_ses("Reputation.ComplaintRate", 0.0011),
    "RelayBehind": of_function("Relay/Relay/Function", "IteratorAge", 60_001),
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


def test_every_alarm_has_its_row_and_every_stage_has_them_all_but_what_it_cannot_have(
    stage: Synthesised, prod: Synthesised
) -> None:
    emulated = stage.settings.monitoring.emulated
    without = {kind_of(name) for name, alarm in prod.alarms.items() if "Metrics" in alarm} if emulated else set()
    without |= set() if stage.stacks.ledger.archive else {"AuditDiffers"}
    assert {kind_of(name) for name in stage.alarms} == {*(name for name, _ in FAULTS), *OF_AWS} - without


@pytest.mark.parametrize(("name", "act"), FAULTS, ids=[act.__name__ for _, act in FAULTS])
def test_what_goes_wrong_raises_one_alarm(
    prod: Synthesised,
    scene_in: Callable[[Synthesised], Scene],
    capsys: pytest.CaptureFixture[str],
    name: str,
    act: Act,
) -> None:
    act(scene_in(prod))
    told = list(embedded(capsys.readouterr().out))
    assert [raised for raised, alarm in prod.alarms.items() if is_raised(alarm, [told] * 9)] == [name]


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
