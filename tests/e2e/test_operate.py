"""The program `countersign` on the embedded cloud."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from countersign.adapters.starter import LambdaStarter
from countersign.contracts import envelope
from countersign.domain import votes
from countersign.domain.clock import SystemClock
from countersign.domain.requests import Request
from countersign.services.starts import Starts
from operate import stage
from operate.client import open_page, press
from operate.embedded import aws
from operate.embedded.cloud import Cloud
from operate.program import main
from tests import SETTINGS
from tests.e2e.scene import Scene, until

Operate = Callable[..., tuple[int, Any]]


@pytest.fixture
def operate(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Operate:
    """Run `countersign` on this run's cloud; return the exit status and the JSON that it prints."""
    cloud.write(tmp_path)
    monkeypatch.setattr(stage, "HOME", tmp_path)
    monkeypatch.setattr(stage, "SETTINGS", SETTINGS)

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        status = main([*arguments, "--local", "--json"])
        out = capsys.readouterr().out
        return status, json.loads(out) if out else None

    return run


@contextmanager
def without_relay(cloud: Cloud) -> Iterator[None]:
    """Take the relay off the stream during a block."""
    client, cloudformation = (aws.client(name, cloud.endpoint_url) for name in ("lambda", "cloudformation"))
    listed = cloudformation.describe_stack_resources(StackName="countersign-local-workflow")["StackResources"]
    (mapping,) = [
        resource["PhysicalResourceId"]
        for resource in listed
        if resource["ResourceType"] == "AWS::Lambda::EventSourceMapping"
        and resource["LogicalResourceId"].startswith("RelayDecided")
    ]
    client.update_event_source_mapping(UUID=mapping, Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=mapping, Enabled=True)


def test_a_reassigned_and_withdrawn_task_ends_its_workflow_and_people_hear_that_their_links_are_moot(
    cloud: Cloud, operate: Operate
) -> None:
    scene = Scene(cloud)
    nora, maria = scene.approver("nora").replace("example.com", "elsewhere.example"), scene.approver()

    def is_told(person: str) -> bool:
        return any("No longer waiting for you" in mail.subject for mail in scene.mails(person))

    scene.submit()
    link = scene.link()
    assert operate("reassign", scene.task_id, "--from", maria, "--to", nora, "--because", "she left")[0] == 0
    until(lambda: is_told(maria), "the mail to the replaced approver")
    assert "she left" in open_page(link).text
    link = scene.link(nora)
    status, withdrawn = operate("withdraw", scene.task_id, "--because", "ordered twice")
    assert (status, withdrawn["workflow_rung"]) == (0, True)
    assert (open_page(link).answer.status, scene.ended()["status"]) == (410, "cancelled")
    until(lambda: is_told(nora), "the mail about the withdrawal")
    assert (scene.audit().count("told_moot"), scene.ledger.audit_breaks(scene.task_id)) == (2, [])


def test_an_operator_rings_where_the_relay_does_not(cloud: Cloud, operate: Operate) -> None:
    scene = Scene(cloud)
    scene.submit()
    page = scene.page()
    with without_relay(cloud):
        assert press(page, "approve").answer.status == 200
        assert operate("show", scene.task_id)[1]["status"] == "DECIDED"
        assert operate("ring", scene.task_id) == (0, {"task_id": scene.task_id, "state": "delivered", "error": ""})
        assert scene.ended()["result"]["status"] == "approved"
    until(lambda: "applied" in scene.audit(), "the workflow's reading")


def test_dead_letters_are_found_by_the_doctor_and_redriven(cloud: Cloud, operate: Operate) -> None:
    scene = Scene(cloud)
    scene.submit()
    scene.await_record_of_mail()
    task = scene.ledger.task(scene.task_id)
    assert task
    message = {**envelope.requested(task), "attempt": votes.resend_attempt(task)}
    scene.ledger.commit(votes.resend(task, "olga", SystemClock().now()))
    client = aws.client("sqs", cloud.endpoint_url)
    client.send_message(QueueUrl=cloud.queues["approvals-dlq"], MessageBody=json.dumps(message))
    status, results = operate("doctor")
    assert status == 1
    assert "approvals-dlq holds 1 message" in [result["what"] for result in results if result["finding"]]
    assert operate("redrive", "approvals-dlq") == (0, [{"queue": "approvals-dlq", "moved": 1, "kept": []}])
    until(lambda: len(scene.mails()) == 2 or None, "the mail of the message")
    assert "redriven" in scene.audit()
    _, results = operate("doctor")
    assert not [result for result in results if result["finding"] and "approvals-dlq" in result["what"]]


def test_nothing_that_is_deployed_differs_from_the_settings(operate: Operate) -> None:
    """Messages, failed requests and alarms that other tests leave behind are no difference."""
    _, results = operate("doctor")
    left_behind = {"tasks", "requests", "dead letters", "alarms"}
    assert [result for result in results if result["finding"] and result["area"] not in left_behind] == []


def test_a_rollback_concerns_new_executions_and_running_ones_stay_on_their_version(
    cloud: Cloud, operate: Operate
) -> None:
    function = cloud.workflow("order-approval").split(":")[-2]
    client = aws.client("lambda", cloud.endpoint_url)
    before = client.get_alias(FunctionName=function, Name="live")["FunctionVersion"]
    client.update_function_configuration(FunctionName=function, Description="A faulty release")
    faulty = client.publish_version(FunctionName=function)["Version"]
    client.update_alias(FunctionName=function, Name="live", FunctionVersion=faulty)
    running, new = Scene(cloud), Scene(cloud)
    running.submit()
    running.link()
    done = {"workflow": "order-approval", "from": int(faulty), "to": int(before)}
    assert operate("rollback", "order-approval", "--yes") == (0, done)
    new.submit()
    _, results = operate("doctor")
    assert any(f"1 on version {faulty}" in result["what"] for result in results if result["area"] == "executions")
    for scene in (running, new):
        scene.decide("approve")
        assert scene.ended()["status"] == "succeeded"


def test_an_execution_that_waits_keeps_its_stage(cloud: Cloud, operate: Operate) -> None:
    scene = Scene(cloud)
    scene.submit()
    scene.link()
    status, document = operate("teardown")
    assert status == 1
    assert scene.request_id in {execution["request_id"] for execution in document["running"]}


def test_the_cause_of_a_key_error_in_a_workflow_is_one_command_away(
    scene: Scene, operate: Operate, cloud_log: Path
) -> None:
    workflow, cloud = "order-approval", scene.cloud
    request = Request(scene.request_id, workflow, deadline_seconds=600, input={})  # a caller's needs an amount
    scene.ledger.submit(request, SystemClock().now())
    starter = LambdaStarter(aws.client("lambda", cloud.endpoint_url), {workflow: cloud.workflow(workflow)})
    Starts(scene.ledger, starter).start(request)
    error = until(lambda: operate("show", scene.request_id)[1]["error"], "the end of the request")
    assert (error["code"], error["class"]) == ("failed", "KeyError")
    assert error["at"].startswith("order_approval/handler.py:")
    said = [line["message"] for line in operate("logs", scene.request_id)[1]]
    assert {"workflow raised", "execution ended", "KeyError: 'amount'"} <= {*said}
    assert "KeyError: 'amount'" in cloud_log.read_text()
