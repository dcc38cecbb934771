"""The rights of the deployed roles, by calls with the credentials of each."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from countersign.client import CallerRefusedError, Client, UnknownRequestError
from operate.embedded import aws, http
from operate.embedded.cloud import Cloud
from tests.e2e.scene import Scene


@pytest.fixture(scope="session")
def roles(cloud: Cloud) -> dict[str, Callable[[str], Any]]:
    """A function that makes clients with a role's credentials, by the role's logical id."""
    cloudformation, sts = (aws.client(service, cloud.endpoint_url) for service in ("cloudformation", "sts"))
    found: dict[str, Callable[[str], Any]] = {}
    for stack in cloud.outputs:
        for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
            if resource["ResourceType"] == "AWS::IAM::Role":
                arn = f"arn:aws:iam::{cloud.account}:role/{resource['PhysicalResourceId']}"
                session = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
                found[resource["LogicalResourceId"]] = _clients_of(cloud, session)
    return found


def _clients_of(cloud: Cloud, session: dict[str, str]) -> Callable[[str], Any]:
    @cache
    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=cloud.endpoint_url,
            region_name=cloud.region,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )

    return client


def allowed(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError as error:
        if "AccessDenied" in error.response["Error"]["Code"]:
            return False
    return True


def who_may(roles: dict[str, Callable[[str], Any]], do: Callable[[Callable[[str], Any]], Any]) -> list[str]:
    return sorted(name for name, clients in roles.items() if allowed(lambda clients=clients: do(clients)))  # type: ignore[misc]


def test_only_the_relay_and_the_sweeper_may_complete_callbacks(
    cloud: Cloud, roles: dict[str, Callable[[str], Any]]
) -> None:
    scene = Scene(cloud)
    scene.submit()
    scene.link()
    callback_id = scene.items()[f"TASK#{scene.task_id}/TASK"]["callback_id"]["S"]

    def fail_it(clients: Callable[[str], Any]) -> None:
        clients("lambda").send_durable_execution_callback_failure(CallbackId=callback_id, Error={"ErrorType": "Test"})

    assert len(roles) >= 6
    assert [name[:5] for name in who_may(roles, fail_it)] == ["Relay", "Sweep"]


def test_nobody_changes_or_deletes_audit_entries(cloud: Cloud, roles: dict[str, Callable[[str], Any]]) -> None:
    key = {"pk": {"S": "AUDIT#any"}, "sk": {"S": "0000000001"}}

    def delete(clients: Callable[[str], Any]) -> None:
        clients("dynamodb").delete_item(TableName=cloud.table, Key=key)

    def update(clients: Callable[[str], Any]) -> None:
        names = {"ExpressionAttributeNames": {"#a": "actor"}, "ExpressionAttributeValues": {":b": {"S": "me"}}}
        clients("dynamodb").update_item(TableName=cloud.table, Key=key, UpdateExpression="SET #a = :b", **names)

    assert (who_may(roles, delete), who_may(roles, update)) == ([], [])


def test_the_webhook_adds_kept_events_the_replay_reads_them_and_nobody_deletes_one(
    cloud: Cloud, roles: dict[str, Callable[[str], Any]]
) -> None:
    (bucket,) = (outputs["EventsBucketName"] for outputs in cloud.outputs.values() if "EventsBucketName" in outputs)
    kept = {"Bucket": bucket, "Key": "events/pay/2026-03-01/of-a-test"}
    assert [name[:7] for name in who_may(roles, lambda clients: clients("s3").put_object(**kept))] == ["Webhook"]
    assert [name[:6] for name in who_may(roles, lambda clients: clients("s3").get_object(**kept))] == ["Replay"]
    assert who_may(roles, lambda clients: clients("s3").delete_object(**kept)) == []


def test_requests_without_a_signature_are_refused(cloud: Cloud) -> None:
    assert http.send("POST", f"{cloud.api_url}/requests", b"{}").status == 403
    session = aws.session()
    session.set_credentials("AKIAUNKNOWNUNKNOWN12", "none")
    with pytest.raises(CallerRefusedError):
        Client(cloud.api_url, region=cloud.region, session=session).get("any")
    with pytest.raises(UnknownRequestError):
        cloud.client().get("any")
