"""IAM on durable executions, with `AUTH=true`: with the correction, and without."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.clouds import FUNCTION, Cloud, started

FUNCTION_ARN = f"arn:aws:lambda:eu-central-1:000000000000:function:{FUNCTION}"
CALLBACK_ACTIONS = ("lambda:SendDurableExecutionCallbackSuccess", "lambda:SendDurableExecutionCallbackHeartbeat")


@pytest.fixture(scope="module", params=["corrected", "uncorrected"])
def strict(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home, corrected = tmp_path_factory.mktemp("strict"), request.param == "corrected"
    with started(home, corrected=corrected, variables={"AUTH": "true"}) as cloud:
        trust = document("sts:AssumeRole", principal="lambda")
        cloud.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=trust)
        allow_checkpoints = document("lambda:CheckpointDurableExecution", f"{FUNCTION_ARN}:*")
        cloud.client("iam").put_role_policy(RoleName="any", PolicyName="own", PolicyDocument=allow_checkpoints)
        cloud.deploy()
        yield cloud


def document(*actions_and_resource: str, principal: str = "") -> str:
    *actions, resource = actions_and_resource if len(actions_and_resource) > 1 else (*actions_and_resource, "")
    statement: dict[str, object] = {"Effect": "Allow", "Action": actions}
    if resource:
        statement["Resource"] = resource
    if principal:
        statement["Principal"] = {"Service": f"{principal}.amazonaws.com"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def user_with(cloud: Cloud, name: str, policy: str | None) -> Cloud:
    """Return the cloud with the credentials of a new user with that policy."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    if policy:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return dataclasses.replace(cloud, credentials=(key["AccessKeyId"], key["SecretAccessKey"]))


def may(call: Callable[..., Any], **arguments: Any) -> bool:
    try:
        call(**arguments)
    except ClientError as error:
        return "AccessDenied" not in str(error)
    return True


def is_denied(cloud: Cloud, callback_id: str) -> bool:
    return not may(cloud.client("lambda").send_durable_execution_callback_success, CallbackId=callback_id)


def test_a_callback_is_completed_with_a_right_only(strict: Cloud) -> None:
    assert is_denied(user_with(strict, "stranger", None), strict.callback_id(strict.run("ask"))) is strict.corrected


def test_the_right_is_on_the_versions_of_the_function(strict: Cloud) -> None:
    callback_id = strict.callback_id(strict.run("ask"))
    for name, part in {"bare": "", "alias": ":live", "other": "-of-others:*", "versions": ":*"}.items():
        user = user_with(strict, name, document(*CALLBACK_ACTIONS, f"{FUNCTION_ARN}{part}"))
        if strict.corrected or name == "versions":
            assert is_denied(user, callback_id) is (name != "versions")


def test_success_does_not_allow_failure(strict: Cloud) -> None:
    relay = user_with(strict, "half", document(*CALLBACK_ACTIONS, f"{FUNCTION_ARN}:*"))
    callback_id = strict.callback_id(strict.run("ask"))
    relay.client("lambda").send_durable_execution_callback_heartbeat(CallbackId=callback_id)
    fail = relay.client("lambda").send_durable_execution_callback_failure
    assert may(fail, CallbackId=callback_id) is not strict.corrected


def test_an_unknown_callback_is_no_matter_of_rights(strict: Cloud) -> None:
    relay = user_with(strict, "early", document(*CALLBACK_ACTIONS, f"{FUNCTION_ARN}:*"))
    with pytest.raises(ClientError, match="InvalidParameterValue" if strict.corrected else "ResourceNotFound"):
        relay.complete("bm9uZQ==")


def test_executions_are_read_and_stopped_with_a_right_only(strict: Cloud) -> None:
    arn = strict.run("ask")
    reader = user_with(strict, "reader", document("lambda:GetDurableExecution", f"{FUNCTION_ARN}:*")).client("lambda")
    assert reader.get_durable_execution(DurableExecutionArn=arn)["Status"] == "RUNNING"
    assert may(reader.get_durable_execution_history, DurableExecutionArn=arn) is not strict.corrected
    assert may(reader.stop_durable_execution, DurableExecutionArn=arn) is not strict.corrected


def test_a_function_checkpoints_with_a_right_only(strict: Cloud) -> None:
    trust = document("sts:AssumeRole", principal="lambda")
    strict.client("iam").create_role(RoleName="powerless", AssumeRolePolicyDocument=trust)
    strict.deploy("powerless", role="powerless")
    arn = strict.run("ask", function="powerless")
    if strict.corrected:
        assert strict.ended(arn)["Status"] == "FAILED"
        assert "AccessDenied" in json.dumps(strict.execution(arn)["Error"])
    else:
        strict.callback_id(arn)


def test_mail_is_sent_by_a_right_on_the_sender(strict: Cloud) -> None:
    ses = strict.client("sesv2")
    for address in ("us@example.com", "them@example.com"):
        ses.create_email_identity(EmailIdentity=address)
    arn = "arn:aws:ses:eu-central-1:000000000000:identity/us@example.com"
    approver = user_with(strict, "approver", document("ses:SendEmail", arn)).client("sesv2")

    def may_send_as(sender: str) -> bool:
        content = {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}}}
        to = {"ToAddresses": ["a@b.example"]}
        return may(approver.send_email, FromEmailAddress=sender, Destination=to, Content=content)

    assert may_send_as("us@example.com") is strict.corrected
    assert may_send_as("Us <us@example.com>") is strict.corrected
    assert not may_send_as("them@example.com")


def test_a_queue_that_refuses_plain_http_can_be_used(strict: Cloud) -> None:
    sqs = strict.client("sqs")
    url = sqs.create_queue(QueueName="sealed")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sqs:*", "Resource": arn, "Condition": plain}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    assert may(sqs.send_message, QueueUrl=url, MessageBody="sealed") is strict.corrected
    if strict.corrected:
        assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "sealed"


def test_rights_on_items_depend_on_the_partition_key(strict: Cloud) -> None:
    table = {"AttributeName": "pk", "KeyType": "HASH"}
    definition = {"AttributeName": "pk", "AttributeType": "S"}
    strict.client("dynamodb").create_table(
        TableName="ledger", KeySchema=[table], AttributeDefinitions=[definition], BillingMode="PAY_PER_REQUEST"
    )
    arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/ledger"
    allow = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": arn}
    locked = {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["AUDIT#*"]}}
    deny = {"Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": arn, "Condition": locked}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]})
    client = user_with(strict, "clerk", policy).client("dynamodb")
    by_key = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["TASK#*", "AUDIT#*"]}}
    named = {"Null": {"dynamodb:LeadingKeys": "false"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow | {"Condition": by_key | named}]})
    relay = user_with(strict, "relay-of-items", policy).client("dynamodb")

    def delete(key: str) -> dict[str, Any]:
        return {"Delete": {"TableName": "ledger", "Key": {"pk": {"S": key}}}}

    def put(key: str) -> dict[str, Any]:
        return {"Put": {"TableName": "ledger", "Item": {"pk": {"S": key}}}}

    assert may(client.put_item, TableName="ledger", Item={"pk": {"S": "AUDIT#1"}})
    assert may(client.delete_item, TableName="ledger", Key={"pk": {"S": "TASK#1"}})
    assert may(client.transact_write_items, TransactItems=[delete("TASK#1"), put("AUDIT#1")])
    assert may(client.delete_item, TableName="ledger", Key={"pk": {"S": "AUDIT#1"}}) is not strict.corrected
    assert may(client.transact_write_items, TransactItems=[put("TASK#1"), delete("AUDIT#1")]) is not strict.corrected
    assert may(relay.put_item, TableName="ledger", Item={"pk": {"S": "TASK#2"}}) is strict.corrected
    assert may(relay.transact_write_items, TransactItems=[put("TASK#2"), put("AUDIT#2")]) is strict.corrected
    assert not may(relay.put_item, TableName="ledger", Item={"pk": {"S": "LINK#2"}})
    assert not may(relay.transact_write_items, TransactItems=[put("TASK#2"), put("LINK#2")])
    assert not may(relay.scan, TableName="ledger"), "a request without keys"
