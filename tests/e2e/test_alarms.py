"""Every deployed alarm fires on its metric and notifies its topic.

`tests/infra/test_alarms_fire.py` owns which failure counts in which metric.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from operate.embedded import aws
from operate.embedded.cloud import Cloud
from tests.e2e.scene import until

Alarm = dict[str, Any]


@pytest.fixture
def alarms(cloud: Cloud) -> Iterator[list[Alarm]]:
    """Every deployed alarm; each is reset afterwards, since `countersign doctor` reports alarms."""
    client = aws.client("cloudwatch", cloud.endpoint_url)
    found = [alarm for page in client.get_paginator("describe_alarms").paginate() for alarm in page["MetricAlarms"]]
    yield found
    for alarm in found:
        client.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="OK", StateReason="the test is over")


@pytest.fixture
def notices(cloud: Cloud, alarms: list[Alarm]) -> Iterator[Callable[[], dict[str, str]]]:
    """The last state of each alarm that the topic has sent, by the alarm's name."""
    sns, sqs = aws.client("sns", cloud.endpoint_url), aws.client("sqs", cloud.endpoint_url)
    (topic,) = {action for alarm in alarms for action in alarm["AlarmActions"]}
    url = sqs.create_queue(QueueName="on-call")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [allowed | {"Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    states: dict[str, str] = {}

    def read_on() -> dict[str, str]:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            notice = json.loads(json.loads(message["Body"])["Message"])
            states[notice["AlarmName"]] = notice["NewStateValue"]
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return states

    yield read_on
    sns.unsubscribe(SubscriptionArn=subscription)
    sqs.delete_queue(QueueUrl=url)


def test_every_alarm_fires_on_its_metric_and_notifies_the_topic(
    cloud: Cloud, alarms: list[Alarm], notices: Callable[[], dict[str, str]]
) -> None:
    client = aws.client("cloudwatch", cloud.endpoint_url)
    assert len(alarms) > 40
    assert all(alarm["ComparisonOperator"] == "GreaterThanThreshold" for alarm in alarms)
    assert not notices()
    for alarm in alarms:
        watched = {"MetricName": alarm["MetricName"], "Dimensions": alarm["Dimensions"]}
        client.put_metric_data(Namespace=alarm["Namespace"], MetricData=[watched | {"Value": alarm["Threshold"] + 1}])
    expected = {alarm["AlarmName"]: "ALARM" for alarm in alarms}
    assert until(lambda: notices() if notices() == expected else None, "a notice of each alarm")
