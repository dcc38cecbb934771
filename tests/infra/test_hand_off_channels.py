"""How tasks leave a workflow: each channel has what it needs deployed and allowed, and nothing of the others."""

import dataclasses
import shutil

import pytest

from stacks.components.house.sources import MissingSourceError, Sources
from tests.infra.templates import DevWith, Synthesised, statements

pytestmark = pytest.mark.xdist_group("infra")

VARIABLES = {"BUS_NAME", "HAND_OFF", "APPROVALS_URL", "EXTERNAL_TASKS_URL", "APPROVER_ARN", "WORKER_ARN"}
APPROVALS = "Approver/Approvals/Work/Queue"
EXTERNAL_TASKS = "ExternalTasks/Work/Queue"
APPROVER = "Approver/Approver/Function"
WORKER = "OrderApprovalWorker/Worker/Function"
DEAD_LETTERS = {"Approver/Invocations", "OrderApprovalWorker/DeadLetters"}


@pytest.fixture(scope="module")
def with_worker(tmp_path_factory: pytest.TempPathFactory, sources: Sources) -> Sources:
    """The checkout's code, and a worker of a fork's own."""
    functions = tmp_path_factory.mktemp("fork") / "lambdas"
    shutil.copytree(sources.functions, functions, ignore=shutil.ignore_patterns("__pycache__"))
    (functions / "charge_card").mkdir()
    (functions / "charge_card" / "handler.py").write_text("def handler(event, context): ...\n")
    return dataclasses.replace(sources, functions=functions)


def handing_off(lines: str) -> tuple[str, str]:
    """Return what puts more lines into the settings of order-approval."""
    return "[workflows.order-approval]", f"[workflows.order-approval]\n{lines}"


@pytest.fixture(scope="module")
def by_queue(dev_with: DevWith) -> Synthesised:
    return dev_with(handing_off('hand_off = "queue"'))


@pytest.fixture(scope="module")
def by_invoke(dev_with: DevWith, with_worker: Sources) -> Synthesised:
    return dev_with(handing_off('hand_off = "invoke"\nworker = "charge_card"'), code=with_worker)


def told(stage: Synthesised) -> dict[str, str]:
    """Return what the workflow's function is told of its channel."""
    function = stage.one("AWS::Lambda::Function", "Durable/OrderApproval/Workflow/Function")
    variables: dict[str, str] = stage.properties(function)["Environment"]["Variables"]
    return {name: value for name, value in variables.items() if name in VARIABLES}


def allowed(stage: Synthesised) -> set[str]:
    """Return what the workflow's function may do for its channel."""
    role = "Durable/OrderApproval/Workflow/Role"
    rights = [line for given, line in statements(stage) if given == role]
    # Where its own dead letters go stands in one line with the queues that it sends to.
    lines = {line.replace("Durable/OrderApproval/DeadLetters.Arn ", "") for line in rights}
    lines -= {"sqs:SendMessage on Durable/OrderApproval/DeadLetters.Arn"}
    return {line for line in lines if line.startswith(("events:", "sqs:", "lambda:InvokeFunction"))}


def dead_letter_queues(stage: Synthesised) -> set[str]:
    return {queue.path for queue in stage.of_type("AWS::SQS::Queue")} & DEAD_LETTERS


def test_by_default_workflows_put_events_on_the_bus(stage: Synthesised) -> None:
    assert told(stage) == {"BUS_NAME": "HandOffs/Bus"}
    assert allowed(stage) == {"events:PutEvents on HandOffs/Bus.Arn"}
    assert dead_letter_queues(stage) == set()
    retried = [stage.properties(config)["FunctionName"] for config in stage.of_type("AWS::Lambda::EventInvokeConfig")]
    assert APPROVER not in retried, "nobody invokes the approver"


def test_by_queue_workflows_send_to_both_queues_and_may_do_nothing_else(by_queue: Synthesised) -> None:
    assert told(by_queue) == {"HAND_OFF": "queue", "APPROVALS_URL": APPROVALS, "EXTERNAL_TASKS_URL": EXTERNAL_TASKS}
    assert allowed(by_queue) == {f"sqs:SendMessage on {APPROVALS}.Arn {EXTERNAL_TASKS}.Arn"}
    assert dead_letter_queues(by_queue) == set()


def test_by_invoke_workflows_invoke_the_approver_and_their_worker_and_may_do_nothing_else(
    by_invoke: Synthesised,
) -> None:
    assert told(by_invoke) == {"HAND_OFF": "invoke", "APPROVER_ARN": f"{APPROVER}.Arn", "WORKER_ARN": f"{WORKER}.Arn"}
    assert allowed(by_invoke) == {f"lambda:InvokeFunction on {APPROVER}.Arn {WORKER}.Arn"}


@pytest.mark.parametrize(
    ("function", "dead_letters"), [(APPROVER, "Approver/Invocations"), (WORKER, "OrderApprovalWorker/DeadLetters")]
)
def test_invocations_are_retried_and_kept_when_they_fail_for_good(
    by_invoke: Synthesised, function: str, dead_letters: str
) -> None:
    properties = by_invoke.properties(by_invoke.one("AWS::Lambda::Function", function))
    assert properties["DeadLetterConfig"]["TargetArn"] == f"{dead_letters}.Arn"
    configured = map(by_invoke.properties, by_invoke.of_type("AWS::Lambda::EventInvokeConfig"))
    (retries,) = [each for each in configured if each["FunctionName"] == function]
    assert (retries["MaximumRetryAttempts"], retries["MaximumEventAgeInSeconds"]) == (2, 6 * 3_600)


def test_what_fails_for_good_raises_an_alarm_and_the_outputs_name_it(by_invoke: Synthesised) -> None:
    assert dead_letter_queues(by_invoke) == DEAD_LETTERS
    alarms = {alarm.path for alarm in by_invoke.of_type("AWS::CloudWatch::Alarm")}
    assert {"Alarms/DeadLetters-approver-dlq", "Alarms/DeadLetters-order-approval-worker-dlq"} <= alarms
    assert '"approver-dlq"' in by_invoke.outputs("webhook")["Queues"]
    assert '"order-approval-worker-dlq"' in by_invoke.outputs("workflow")["Queues"]


def test_a_worker_may_write_its_log_and_whatever_the_fork_grants_it(by_invoke: Synthesised) -> None:
    role = "OrderApprovalWorker/Worker/Role"
    assert {line.partition(" on ")[0] for given, line in statements(by_invoke) if given == role} == {
        "logs:CreateLogStream logs:PutLogEvents",
        "sqs:SendMessage",
    }
    assert by_invoke.stacks.workflow.workers.keys() == {"order-approval"}


def test_delegations_and_lifecycle_events_still_leave_by_the_bus(by_queue: Synthesised) -> None:
    assert ("Publisher/Publisher/Role", "events:PutEvents on HandOffs/Bus.Arn") in set(statements(by_queue))


def test_a_workflow_that_asks_people_only_needs_no_worker(dev_with: DevWith) -> None:
    stage = dev_with(handing_off('hand_off = "invoke"'))
    assert allowed(stage) == {f"lambda:InvokeFunction on {APPROVER}.Arn"}
    assert "WORKER_ARN" not in told(stage)


def test_a_worker_without_code_is_refused(dev_with: DevWith) -> None:
    with pytest.raises(MissingSourceError, match=r"charge_card/handler\.py does not exist"):
        dev_with(handing_off('hand_off = "invoke"\nworker = "charge_card"'))
