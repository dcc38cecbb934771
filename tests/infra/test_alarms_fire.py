"""Every alarm fires: by what the functions write, or by a datum as AWS documents it, and by nothing less."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

import bus_events.handler
import executions.handler
import looks.handler
import publisher.handler
import relay.handler
import sweeper.handler
from countersign.adapters.attributes import to_item
from countersign.adapters.audit_archive import S3AuditArchive
from countersign.adapters.task_items import task_document
from countersign.domain import tasks
from countersign.domain.clock import to_text
from countersign.domain.errors import LookFailedError
from countersign.domain.provider_events import EventRecord, Handling
from countersign.domain.requests import Request
from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.testing.builders import (
    CALLER,
    PAYMENT_ID,
    PAYMENT_TASK_ID,
    REQUEST_ID,
    TASK_ID,
    WORKFLOW,
    any_input,
    any_paid_task,
    any_parked,
    any_payment_task,
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
    EVENTS_BUCKET,
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
    kept_events,
    kit,
    secrets,
)
from webhook.handler import handler as webhook_handler

PARTNER = "aws.partner/stripe.com/ed_1001"
EVENTS, LAMBDA = "AWS/Events", "AWS/Lambda"


class Scene:
    """A stage, and the functions with AWS behind them."""

    def __init__(self, stage: Synthesised, ledger: Kit, doorbell: Operation, starts: Operation) -> None:
        self.stage = stage
        self.kit = ledger
        self.callbacks = doorbell
        self.invocations = starts

    def run(self, path: str, handler: Callable[..., Any], event: Any) -> Any:
        """Run the function of a construct, with the variables for its metrics."""
        variables = self.stage.variables(path).items()
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


def is_for_publisher(record: Any) -> bool:
    key = {name: value["S"] for name, value in record["dynamodb"]["Keys"].items()}
    written = key["pk"].startswith("AUDIT#") or key["sk"] == "TASK" or key["sk"].startswith("OUTBOX#")
    return written and "NewImage" in record["dynamodb"]


# The metrics of the functions
def an_execution_that_dies_after_the_decision(scene: Scene) -> None:
    scene.kit.ledger.submit(Request(REQUEST_ID, WORKFLOW), scene.kit.now)
    scene.kit.ledger.started(REQUEST_ID, execution_arn())
    scene.kit.open_task()
    scene.kit.decide()
    scene.run("Executions/Executions", executions.handler.handler, sqs_event(status_change("TIMED_OUT")))


def an_execution_that_fails(scene: Scene) -> None:
    scene.run("Executions/Executions", executions.handler.handler, sqs_event(status_change("FAILED")))


def a_payment_of_another_amount(scene: Scene) -> None:
    scene.kit.open_payment()
    scene.post(any_payment(amount="1.00"))
    scene.publish()


def an_event_about_a_deleted_task(scene: Scene) -> None:
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


def eleven_posts_without_a_signature(scene: Scene) -> None:
    for _ in range(11):
        scene.post(any_payment(), signed=False)


def a_post_to_a_provider_without_a_secret(scene: Scene) -> None:
    client("secretsmanager").put_secret_value(SecretId="pay", SecretString='{"active": []}')
    scene.post(any_payment())


def a_look_without_an_api_key(scene: Scene) -> None:
    client("secretsmanager").put_secret_value(SecretId="card", SecretString='{"active": []}')
    with pytest.raises(LookFailedError, match="no_key"):
        scene.run("Looks/Looks", looks.handler.handler, {"provider": "card", "external_id": "pi_1001"})


def two_events_of_a_partner_under_one_id(scene: Scene) -> None:
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


def an_audit_entry_that_is_removed(scene: Scene) -> None:
    scene.kit.open_task()
    (first,) = (each for each in scene.kit.stream() if each["dynamodb"]["Keys"]["pk"]["S"].startswith("AUDIT#"))
    scene.publish(stream_record(None, first["dynamodb"]["NewImage"]))


def swept(scene: Scene) -> None:
    """Sweep a task that was due two hours ago, and that a sweep an hour ago did not repair."""
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
    scene.kit.ledger.submit(Request("order-1002", WORKFLOW, input=any_input()), scene.kit.now - timedelta(hours=2))
    scene.sweep()


def an_event_of_which_s3_stores_no_copy(scene: Scene) -> None:
    client("s3").delete_bucket(Bucket=EVENTS_BUCKET)
    scene.kit.open_payment()
    scene.post(any_payment())
    assert scene.kit.task(PAYMENT_TASK_ID).status is Status.DECIDED


def a_parked_event_that_no_task_takes(scene: Scene) -> None:
    record = EventRecord("pay", "evt_1", "b" * 64, Handling.PARKED)
    scene.kit.ledger.park(any_parked(), record, scene.kit.now - timedelta(days=1, minutes=6))
    scene.sweep()
    (reported,) = (item for (_, sk), item in scene.kit.items().items() if sk.startswith("PARKED#"))
    scene.publish(stream_record(None, reported))


def a_refund_whose_request_ended_after_its_hand_off(scene: Scene) -> None:
    over = scene.kit.now - timedelta(minutes=6)
    scene.kit.ledger.open(any_paid_task(reserved={"refund-1": {"amount": "10.00", "until": to_text(over)}}), (), over)
    asked = any_payment_task(task_id="refund-1.refund", status=Status.EXPIRED, closed_at=over, correlation=None)
    scene.kit.ledger.open(asked, (), over)
    scene.sweep()


def a_look_while_the_counters_fail(scene: Scene) -> None:
    scene.kit.open_task()
    event = http_event("GET", "/review", query={"t": scene.kit.link()})
    with answering("dynamodb", "UpdateItem", Answer(500, "InternalServerError")):
        scene.run("Review/Review", review_handler, event)


def a_callback_while_the_counters_fail(scene: Scene) -> None:
    headers = {"authorization": f"Bearer {any_token()}"}
    event = http_event("POST", "/callbacks/heartbeat", headers=headers)
    with answering("dynamodb", "UpdateItem", Answer(500, "InternalServerError")):
        scene.run("Webhook/Webhook", webhook_handler, event)


def a_page_while_the_ledger_fails(scene: Scene) -> None:
    event = http_event("GET", "/review", query={"t": any_token()})
    with answering("dynamodb", "GetItem", Answer(500, "InternalServerError")):
        assert scene.run("Review/Review", review_handler, event)["statusCode"] == 503


def a_request_while_the_ledger_fails(scene: Scene) -> None:
    event = http_event("GET", "/requests/x")
    with answering("dynamodb", "Query", Answer(500, "InternalServerError")):
        scene.run("Requests/Requests", requests_handler, event | {"pathParameters": {"request_id": "x"}})


Act = Callable[[Scene], None]
FAULTS: Sequence[tuple[str, Act]] = [
    ("ApiServerErrors", a_page_while_the_ledger_fails),
    ("ApiServerErrors", a_request_while_the_ledger_fails),
    ("DecisionsNotApplied", an_execution_that_dies_after_the_decision),
    ("ExecutionsFailed", an_execution_that_fails),
    ("EventsConflict", two_events_under_one_id),
    ("EventsMalformed", a_signed_event_that_cannot_be_read),
    ("EventsNotKept", an_event_of_which_s3_stores_no_copy),
    ("SignaturesRefused", eleven_posts_without_a_signature),
    ("SecretsUnusable", a_post_to_a_provider_without_a_secret),
    ("LooksFailing", a_look_without_an_api_key),
    ("ResultsConflict", two_events_of_a_partner_under_one_id),
    ("MailsBounced", a_mail_that_bounces_for_good),
    ("PaymentsHeld", a_payment_of_another_amount),
    ("PaymentsHeld", an_event_about_a_deleted_task),
    ("PaymentsDisputed", a_payer_disputes),
    ("EventsForgotten", an_event_that_no_sweep_found),
    ("EventsIgnoredForTasks", an_event_that_the_settings_ignore_although_a_payment_waits),
    ("LimiterUnavailable", a_look_while_the_counters_fail),
    ("LimiterUnavailable", a_callback_while_the_counters_fail),
    ("DecisionsOverdue", a_decision_of_which_lambda_refuses_the_ring),
    ("DeadlinesOverdue", a_deadline_at_which_no_workflow_closes_its_task),
    ("HandOffsOverdue", a_hand_off_that_sends_no_link),
    ("WithdrawalsOverdue", a_withdrawal_of_which_lambda_refuses_the_ring),
    ("StartsOverdue", a_start_that_lambda_refuses_again),
    ("RefundsInDoubt", a_refund_whose_request_ended_after_its_hand_off),
    ("EventsOverdue", a_parked_event_that_no_task_takes),
    ("AuditDiffers", an_audit_entry_that_is_removed),
]
"""Each fault, in all functions that it passes through, and the one alarm that it raises."""


# The metrics of AWS, with the dimensions that it documents
LOST = "InvocationsFailedToBeSentToDlq"
CONCURRENCY = {"Service": "Lambda", "Resource": "ConcurrentExecutions", "Type": "Resource", "Class": "None"}
OF_ONE_RESOURCE = {
    "RequestsThrottled": datum(LAMBDA, "Throttles", 11, FunctionName="Review/Review/Function"),
    "EventsLost": datum(EVENTS, LOST, 1, RuleName="Approver/Approvals/Rule.Arn[2]", EventBusName="HandOffs/Bus"),
    "EventsLost-2": datum(EVENTS, LOST, 1, RuleName="Executions/Ended/Rule.Arn[1]"),
    "ExecutionsNearQuota": datum(LAMBDA, "ApproximateRunningDurableExecutionsUtilization", 81),
    "ConcurrencyNearQuota": datum("AWS/Usage", "ResourceCount", 8.01 * QUOTA / 10, **CONCURRENCY),
    "ApiClientErrors": datum("AWS/ApiGateway", "4xx", 101, ApiId="Api/Api"),
    "MailBounceRate": datum("AWS/SES", "Reputation.BounceRate", 0.051),
    "MailComplaintRate": datum("AWS/SES", "Reputation.ComplaintRate", 0.0011),
    "RelayBehind": datum(LAMBDA, "IteratorAge", 60_001, FunctionName="Relay/Relay/Function"),
    "PublisherBehind": datum(LAMBDA, "IteratorAge", 60_001, FunctionName="Publisher/Publisher/Function"),
}
"""A datum just above the threshold. EventsLost has a rule of a bus of its own, and one of the account's default bus.

Sources:
    Lambda: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
    API Gateway: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
    SES: https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html
    EventBridge: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
"""

OF_WORKFLOWS = {
    "ExecutionsStopped": ("DurableExecutionStopped", 1),
    "ExecutionsTimedOut": ("DurableExecutionTimedOut", 1),
    "OperationsNearLimit": ("DurableExecutionOperations", 2_401),
    "StorageNearLimit": ("DurableExecutionStorageWrittenBytes", 80_000_001),
}
"""https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html"""


def above_threshold(stage: Synthesised, name: str) -> Datum | None:
    """Return a datum just above an alarm's threshold; None for an alarm on the metrics of the functions.

    For an alarm over several workflows, it is of the last one, which an alarm over too few leaves out.
    """
    kind, _, part = name.partition("-")
    if kind == "DeadLetters":
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
        queues: dict[str, str] = {}
        for stack in ("public", *stage.settings.workflow_stacks):
            queues |= json.loads(stage.outputs(stack)["Queues"])
        return datum("AWS/SQS", "ApproximateNumberOfMessagesVisible", 1, QueueName=f"{queues[part]}.QueueName")
    if kind not in {*OF_WORKFLOWS, "HandOffsFailed"}:
        return None if kind in dict(FAULTS) else OF_ONE_RESOURCE[name]
    function = stage.groups[int(part or 1) - 1][-1].function
    if kind == "HandOffsFailed":
        dimensions = {"service": function.service, "stage": f"countersign-{stage.settings.stage}"}
        return datum(METRICS_NAMESPACE, "HandOffsFailed", 1, **dimensions)
    metric, value = OF_WORKFLOWS[kind]
    return datum(LAMBDA, metric, value, FunctionName=function.function.node.path.partition("/")[2])


def kind_of(name: str) -> str:
    return name.partition("-")[0]


@pytest.fixture
def scene(
    prod: Synthesised,
    kit: Kit,  # noqa: F811
    callbacks: Operation,  # noqa: F811
    invocations: Operation,  # noqa: F811
    events: Operation,  # noqa: F811
) -> Scene:
    return Scene(prod, kit, callbacks, invocations)


@pytest.fixture(autouse=True)
def _rest_of_the_environment(
    secrets: dict[str, str],  # noqa: F811
    archive: S3AuditArchive,  # noqa: F811
    kept_events: None,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The providers' secrets, the archive, the bucket of kept events, low limits, and a partner."""
    monkeypatch.setenv("DEAD_LETTERS_URL", "https://sqs.eu-central-1.amazonaws.com/111122223333/results-dlq")
    monkeypatch.setenv("GRACE_SECONDS", "300")
    monkeypatch.setenv("AT_MOST_SECONDS", "240")
    monkeypatch.setenv("LIMITS", json.dumps({"per_source": 10, "per_token": 10}))  # so low that each request is shared
    monkeypatch.setenv("PARTNERS", json.dumps({PARTNER: {"name": "stripe", "scheme": "stripe"}}))


def test_every_alarm_has_a_row_and_a_stage_has_all_alarms_that_it_can(stage: Synthesised, prod: Synthesised) -> None:
    emulated = stage.settings.monitoring.emulated
    without = {kind_of(name) for name, alarm in prod.alarms.items() if "Metrics" in alarm} if emulated else set()
    without |= set() if stage.stacks.ledger.archive else {"AuditDiffers"}
    without |= set() if any(each.look for each in stage.settings.providers.values()) else {"LooksFailing"}
    reported = {*map(kind_of, OF_ONE_RESOURCE), *OF_WORKFLOWS, "HandOffsFailed", "DeadLetters"}
    assert {kind_of(name) for name in stage.alarms} == {*(name for name, _ in FAULTS), *reported} - without


@pytest.mark.parametrize(("name", "act"), FAULTS, ids=[act.__name__ for _, act in FAULTS])
def test_a_fault_raises_one_alarm(
    prod: Synthesised, scene: Scene, capsys: pytest.CaptureFixture[str], name: str, act: Act
) -> None:
    act(scene)
    written = list(embedded(capsys.readouterr().out))
    assert [raised for raised, alarm in prod.alarms.items() if is_raised(alarm, [written] * 9)] == [name]


def test_a_metric_above_its_threshold_raises_its_alarm_and_no_other(stage: Synthesised) -> None:
    for name, alarm in stage.alarms.items():
        if one := above_threshold(stage, name):
            assert is_raised(alarm, [[one]] * alarm["EvaluationPeriods"]), name
            assert [other for other, each in stage.alarms.items() if is_raised(each, [[one]] * 9)] == [name]
            at = Datum(one.namespace, one.name, one.dimensions, alarm["Threshold"])
            assert not is_raised(alarm, [[at]] * 9), name
            assert not is_raised(alarm, [[one]] * (alarm["EvaluationPeriods"] - 1)), name


def test_without_data_no_alarm_is_raised(stage: Synthesised) -> None:
    for name, alarm in stage.alarms.items():
        assert not is_raised(alarm, [[]] * 9), name
