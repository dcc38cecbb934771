"""The functions on moto's AWS; tests answer the operations that moto lacks."""

import base64
import gzip
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, cached_property
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import botocore.client
import pytest
from botocore.awsrequest import AWSResponse
from botocore.session import Session
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.serialize import ResponseSerializer
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import StreamRecord

import review.handler
from countersign import composition
from countersign.adapters.attributes import from_item, to_item
from countersign.adapters.audit_archive import S3AuditArchive
from countersign.adapters.directory import DynamoDirectory
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.adapters.keys import PROJECTED
from countersign.composition import Ports
from countersign.contracts import validation
from countersign.domain import tasks
from countersign.domain.audit import AuditEntry, AuditEvent
from countersign.domain.clock import SystemClock
from countersign.domain.links import Link
from countersign.domain.tasks import Change, Task
from countersign.domain.tokens import mint
from countersign.functions.clients import client
from countersign.presentation.brand import PLAIN
from countersign.services.reviews import Review, Reviews
from countersign.testing.builders import (
    APPROVER,
    TASK_ID,
    WORKFLOW,
    any_click,
    any_payment_task,
    any_task,
    http_event,
    sqs_event,
    stream_event,
)
from countersign.testing.deliveries import ADYEN, SHOPIFY, SQUARE, STANDARD_WEBHOOKS, STRIPE
from tests.integration.output import Output
from tools import interfaces

ACCOUNT = "123456789012"
REGION = "eu-central-1"
TABLE = "ledger"
DIRECTORY_TABLE = "directory"
LIMITS_TABLE = "limits"
TABLES = {TABLE: ("pk", "sk"), DIRECTORY_TABLE: ("address",), LIMITS_TABLE: ("pk",)}
INDEX = ("gsi1pk", "gsi1sk")
BUS = "hand-off"
ARCHIVE = "audit-archive"
EVENTS_BUCKET = "kept-events"
BASE_URL = "https://review.example.com"
SENDER = "countersign@example.com"
REPLY_TO = "help@example.com"
CONFIGURATION_SET = "countersign-dev-mails"
ALIAS = f"arn:aws:lambda:{REGION}:111122223333:function:{WORKFLOW}:live"
PROVIDERS = {"pay": STANDARD_WEBHOOKS, "card": STRIPE, "terminal": ADYEN, "shop": SHOPIFY, "till": SQUARE}
"""The providers of the stage; the first sends events of `any_payment_task`."""

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "LEDGER_TABLE": TABLE,
    "DIRECTORY_TABLE": DIRECTORY_TABLE,
    "LIMITS_TABLE": LIMITS_TABLE,
    "LIMITS": json.dumps({"per_source": 10_000, "per_token": 10_000}),
    "WAITING": "2",
    "BUS_NAME": BUS,
    "BASE_URL": BASE_URL,
    "CHANNEL": "email",
    "CHANNEL_SETTINGS": json.dumps({"sender": SENDER, "reply_to": REPLY_TO, "configuration_set": CONFIGURATION_SET}),
    "STAGE": "test",
    "POWERTOOLS_METRICS_NAMESPACE": "Countersign",
    "METRICS_STAGE": "countersign-test",
    "PROVIDERS": json.dumps(
        {
            name: {"scheme": delivery.scheme, "secret": f"arn:aws:secretsmanager:{REGION}:111122223333:secret:{name}"}
            for name, delivery in PROVIDERS.items()
        }
    ),
}

CODE_TABLES: dict[str, Any] = {
    "workflows": {
        WORKFLOW: {"function": f"{WORKFLOW}:live", "deadline_seconds": 3600, "contract": WORKFLOW, "retired": False}
    },
    "requests": {
        "providers": list(PROVIDERS),
        "requester": "input",
        "approver_domains": [],
        "prover": "",
        "callers": {},
    },
    "policies": {},
    "policy": [],
    "operators": [],
    "brand": PLAIN,
}

Key = tuple[str, str]
Image = dict[str, Any]


# AWS


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def _checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have botocore check every call before it is sent: moto takes more than AWS does."""
    monkeypatch.setattr("countersign.functions.clients.UNCHECKED", frozenset())


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the pauses and the quota of botocore's retries, and the pauses of the doorbell's."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda *_: True)
    monkeypatch.setattr("countersign.adapters.callbacks.pause_seconds", lambda *_: 0)


@pytest.fixture(scope="module")
def clean_aws() -> Iterator[Callable[[], None]]:
    """AWS in memory for a module, as a function that empties all services and restores the stage's empty tables."""
    with mock_aws() as aws:
        create_tables(session().create_client("dynamodb", region_name=REGION))
        tables = deepcopy(dynamodb_backends[ACCOUNT][REGION].tables)

        def clean() -> None:
            aws.reset()
            dynamodb_backends[ACCOUNT][REGION].tables.update(deepcopy(tables))

        client.cache_clear()
        yield clean
        client.cache_clear()


def create_tables(dynamodb: Any) -> None:
    """Create the stage's tables, with the ledger's index and stream."""
    for name, keys in TABLES.items():
        more: dict[str, Any] = {}
        if name == TABLE:
            projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(PROJECTED)}
            index = {"IndexName": "gsi1", "KeySchema": _key_schema(INDEX), "Projection": projection}
            more["GlobalSecondaryIndexes"] = [index]
            more["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=_key_schema(keys),
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": "S"} for key in keys + (INDEX if more else ())
            ],
            **more,
        )


def _key_schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]


@pytest.fixture
def aws(clean_aws: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS in memory, with empty tables as the ledger stack makes them, and functions at their cold start."""
    without_needless_work(monkeypatch)
    one_at_a_time(monkeypatch)
    let_tests_answer(monkeypatch)
    monkeypatch.setattr("countersign.functions.clients.session", session)
    clean_aws()
    forget_what_functions_made()
    yield
    forget_what_functions_made()


@cache
def session() -> Session:
    """Return one session for all tests: it reads the service models once."""
    return Session()


def without_needless_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare moto half of its work.

    Before every transaction it copies the table with its stream, whose records never change. It looks for each of a
    value's ten types by up to eight names, but DynamoDB's dictionaries have those of the model.
    """
    search = ResponseSerializer.get_value

    def get_value(self: Any, value: Any, key: str, shape: Any) -> Any:
        named = isinstance(value, dict) and self.service_model.service_name.startswith("dynamodb")
        return value.get(key) if named else search(self, value, key, shape)

    monkeypatch.setattr(ResponseSerializer, "get_value", get_value)
    monkeypatch.setattr(StreamRecord, "__deepcopy__", lambda record, _: record, raising=False)


def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make calls one at a time: moto does not isolate transactions from other threads, as DynamoDB does."""
    call, lock = botocore.client.BaseClient._make_api_call, threading.RLock()

    def locked(self: Any, operation_name: str, api_params: Any) -> Any:
        with lock:
            return call(self, operation_name, api_params)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", locked)


def let_tests_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test's operations answer before moto, which must not do what they answer."""
    ask_moto = BotocoreStubber.__call__

    def ask(self: Any, event_name: str, request: Any, **more: Any) -> Any:
        operation = _answering.get(event_name)
        answer = operation.answer(request) if operation else None
        return ask_moto(self, event_name, request, **more) if answer is None else answer

    monkeypatch.setattr(BotocoreStubber, "__call__", ask)


def forget_what_functions_made(**tables: Any) -> None:
    """Let every function start again, in the environment as it is now, with these tables in place of the usual."""
    composition._in_place[:] = [Ports(os.environ, CODE_TABLES | tables)]


@dataclass(frozen=True)
class Answer:
    """What AWS answers to one HTTP request."""

    status: int = 200
    code: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def of(self, request: Any) -> AWSResponse:
        document = ({"message": "refused"} if self.code else {}) | dict(self.document)
        headers = {"x-amzn-requestid": "request", **self.headers}
        if self.code:
            headers["x-amzn-errortype"] = self.code
            document["__type"] = self.code
        return AWSResponse(request.url, self.status, headers, _Raw(json.dumps(document).encode()))


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body

    def read(self, _: int | None = None) -> bytes:
        """Return all of it, and nothing at the next call; for answers whose payload is streamed."""
        body, self._body = self._body, b""
        return body


Reaction = Answer | Exception | Callable[[Any], "Answer | Exception | None"] | None


class Operation:
    """One operation of AWS: keeps the requests, and answers with `answers` in turn, then with `by_default`.

    An exception stands for a broken connection; None leaves the answer to moto.
    """

    def __init__(self, by_default: Reaction) -> None:
        self.by_default = by_default
        self.answers: list[Reaction] = []
        self.asked: list[Any] = []

    def answer(self, request: Any) -> AWSResponse | None:
        self.asked.append(request)
        reaction = self.answers.pop(0) if self.answers else self.by_default
        if callable(reaction) and not isinstance(reaction, Exception):
            reaction = reaction(request)
        if isinstance(reaction, Exception):
            raise reaction
        return reaction.of(request) if isinstance(reaction, Answer) else None

    @property
    def documents(self) -> list[Any]:
        """The requests' JSON documents."""
        return [json.loads(request.body) for request in self.asked]


_answering: dict[str, Operation] = {}
"""The operations that tests answer, by the name of botocore's event."""


@contextmanager
def answering(service: str, name: str, by_default: Reaction = None) -> Iterator[Operation]:
    """Answer an operation of a service, named as in botocore's events, during a block."""
    event, operation = f"before-send.{service}.{name}", Operation(by_default)
    before = _answering.get(event)
    _answering[event] = operation
    try:
        yield operation
    finally:
        _answering.pop(event)
        if before:
            _answering[event] = before


@pytest.fixture
def callbacks(aws: None) -> Iterator[Operation]:
    """Lambda's callback API, which accepts every ring by default."""
    with answering("lambda", "SendDurableExecutionCallbackSuccess", Answer()) as operation:
        yield operation


@pytest.fixture
def invocations(aws: None) -> Iterator[Operation]:
    """Lambda's Invoke, which accepts every start by default."""
    taken = Answer(202, headers={"X-Amz-Durable-Execution-Arn": f"{ALIAS}/durable-execution/order-1001/1"})
    with answering("lambda", "Invoke", taken) as operation:
        yield operation


@pytest.fixture
def mails(aws: None) -> Iterator[Operation]:
    """SES, which sends every mail by default."""
    with answering("sesv2", "SendEmail", Answer(document={"MessageId": "mail"})) as operation:
        yield operation


@pytest.fixture
def events(aws: None) -> Iterator[Operation]:
    """EventBridge, which accepts every event by default."""
    with answering("eventbridge", "PutEvents", Answer(document={"FailedEntryCount": 0, "Entries": []})) as operation:
        yield operation


@pytest.fixture
def dead_letters(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operation]:
    """SQS, which accepts every dead letter of the results function by default."""
    monkeypatch.setenv("DEAD_LETTERS_URL", f"https://sqs.{REGION}.amazonaws.com/111122223333/results-dlq")
    with answering("sqs", "SendMessage", Answer(document={"MessageId": "1"})) as operation:
        yield operation


@pytest.fixture
def archive(aws: None, monkeypatch: pytest.MonkeyPatch) -> S3AuditArchive:
    """The audit's archive, in a bucket as the ledger stack makes it; the publisher copies to it."""
    s3 = client("s3")
    s3.create_bucket(
        Bucket=ARCHIVE, ObjectLockEnabledForBucket=True, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    retention = {"Mode": "COMPLIANCE", "Days": 3650}
    s3.put_object_lock_configuration(
        Bucket=ARCHIVE,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}},
    )
    monkeypatch.setenv("AUDIT_BUCKET", ARCHIVE)
    return S3AuditArchive(s3, ARCHIVE)


@pytest.fixture
def kept_events(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket of kept events; the webhook function keeps what it verifies."""
    client("s3").create_bucket(Bucket=EVENTS_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    monkeypatch.setenv("EVENTS_BUCKET", EVENTS_BUCKET)


@pytest.fixture
def secrets(aws: None) -> dict[str, str]:
    """The ARNs of the providers' signing secrets in Secrets Manager, by the provider's name."""
    manager = client("secretsmanager")
    return {name: keep_secret(manager, name, delivery.secret) for name, delivery in PROVIDERS.items()}


def keep_secret(manager: Any, name: str, *active: str) -> str:
    """Put a provider's signing secrets into Secrets Manager, and return the ARN."""
    return str(manager.create_secret(Name=name, SecretString=json.dumps({"active": active}))["ARN"])


# The kit


@cache
def streams() -> Any:
    """Return a client of the stream, at its old endpoint: moto does not know the new one."""
    endpoint = f"https://streams.dynamodb.{REGION}.amazonaws.com"
    return session().create_client("dynamodbstreams", endpoint_url=endpoint)


class Stream:
    """The ledger's stream, which is read once."""

    def __init__(self, dynamodb: Any) -> None:
        self._place: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
        self._arn = dynamodb.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
        (self._shard,) = streams().describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]

    def new_records(self) -> list[dict[str, Any]]:
        """Return the records since the last call, as Lambda receives them, oldest first."""
        place = {"StreamArn": self._arn, "ShardId": self._shard["ShardId"], **self._place}
        iterator = streams().get_shard_iterator(**place)["ShardIterator"]
        records: list[dict[str, Any]] = streams().get_records(ShardIterator=iterator)["Records"]
        if records:
            last = records[-1]["dynamodb"]["SequenceNumber"]
            self._place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": last}
        return [json.loads(json.dumps(record, default=datetime.timestamp)) for record in records]


class Kit:
    """The ledger on DynamoDB, with tasks, links and votes to put into it, and its content to look at."""

    def __init__(self) -> None:
        self.ledger = DynamoLedger(client("dynamodb"), TABLE)
        self.directory = DynamoDirectory(client("dynamodb"), DIRECTORY_TABLE)
        self.now = SystemClock().now()

    @property
    def _times(self) -> dict[str, Any]:
        return {
            "opened_at": self.now,
            "expires_at": self.now + timedelta(hours=1),
            "max_expires_at": self.now + timedelta(days=1),
        }

    def open_task(self, **changes: Any) -> Task:
        """Put a task that is open for an hour, and return it."""
        return self._opened(any_task(**self._times | changes))

    def open_payment(self, **changes: Any) -> Task:
        """Put a task that waits for a payment for an hour, and return it."""
        return self._opened(any_payment_task(**self._times | changes))

    def _opened(self, task: Task) -> Task:
        self.ledger.open(task, (tasks.opened(task, WORKFLOW),), self.now)
        return self.task(task.task_id)

    def task(self, task_id: str = TASK_ID) -> Task:
        task = self.ledger.task(task_id)
        assert task
        return task

    def expire(self, task_id: str = TASK_ID) -> None:
        """Move a task's deadline to a second ago."""
        self.set(task_id, "expires_at", self.now - timedelta(seconds=1))

    def set(self, task_id: str, name: str, value: Any) -> None:
        from countersign.adapters.keys import task_key
        from countersign.adapters.task_items import plain

        client("dynamodb").update_item(
            TableName=TABLE,
            Key=to_item(task_key(task_id)),
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues=to_item({":value": plain(value)}),
        )

    def link(self, recipient: str = APPROVER, task_id: str = TASK_ID) -> str:
        """Return the token of a new review link."""
        token, fingerprint = mint()
        self.ledger.put_link(Link(fingerprint, task_id, recipient), self.now + timedelta(hours=1))
        return token

    def open_link(self, **changes: Any) -> str:
        """Put a task that is open for an hour, and return the token of the approver's link to it."""
        self.open_task(**changes)
        return self.link()

    def mint(self, recipient: str = APPROVER, task_id: str = TASK_ID) -> str:
        """Return the token of a new review link with its audit entry, as the approver makes it."""
        token, fingerprint = mint()
        minted = AuditEvent("minted", "approver", data={"recipient": recipient, "fingerprint": fingerprint})
        change, link = Change(self.task(task_id), None, {}, (minted,), self.now), Link(fingerprint, task_id, recipient)
        self.ledger.commit_link(change, link, self.now + timedelta(hours=1))
        return token

    def decide(self, decision: str = "approve", task_id: str = TASK_ID, comment: str = "", token: str = "") -> Review:
        """Record a vote of the approver; by a link without an audit entry unless a token is given."""
        token, shown = token or self.link(task_id=task_id), self.task(task_id).shown
        click = any_click(token=token, decision=decision, shown=shown, comment=comment)
        return Reviews(self.ledger, self.directory, SystemClock()).decide(click)

    def items(self) -> dict[Key, Image]:
        """Return every item of the table."""
        pages = client("dynamodb").get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
        items = [item for page in pages for item in page["Items"]]
        return {(item["pk"]["S"], item["sk"]["S"]): item for item in items}

    def audit(self, task_id: str = TASK_ID) -> list[AuditEntry]:
        """Return a task's audit chain."""
        items = sorted((key, item) for key, item in self.items().items() if key[0] == f"AUDIT#{task_id}")
        return [audit_entry(from_item(item)) for _, item in items]

    def audited(self, task_id: str = TASK_ID) -> list[str]:
        """Return the events of a task's audit chain."""
        return [entry.event.event for entry in self.audit(task_id)]

    def refusals(self, task_id: str = TASK_ID) -> list[Any]:
        """Return the reasons of the refusals in a task's audit chain."""
        return [entry.event.data["reason"] for entry in self.audit(task_id) if entry.event.event == "refused"]

    @cached_property
    def _stream(self) -> Stream:
        return Stream(client("dynamodb"))

    def stream(self) -> list[dict[str, Any]]:
        """Return the stream's records since the last call."""
        return self._stream.new_records()

    def decisions(self) -> list[dict[str, Any]]:
        """Return the stream's new records that the relay's event source lets through."""
        return [record for record in self.stream() if statuses(record) == ("OPEN", "DECIDED")]


def audit_entry(document: Mapping[str, Any]) -> AuditEntry:
    """Return the audit entry of a document of the ledger."""
    names = ("event", "actor", "identified_by", "source", "data")
    event = AuditEvent(**{name: document[name] for name in names})
    entry = AuditEntry(
        task_id=document["task_id"],
        seq=document["seq"],
        at=document["at"],
        event=event,
        shown=document["shown"],
        previous=document["previous"],
        ttl=document.get("ttl", 0),
    )
    assert entry.hash == document["hash"]
    return entry


def statuses(record: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return a task's status before and after a record of the stream."""
    change = record["dynamodb"]
    before, after = (change.get(name, {}).get("status", {}).get("S") for name in ("OldImage", "NewImage"))
    return before, after


@pytest.fixture
def kit(aws: None) -> Kit:
    return Kit()


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Iterator[Output]:
    """What the functions log, print and count."""
    with Output(lambda: "".join(capsys.readouterr())).captured() as output:
        yield output


# Batches


Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def on_queue(handler: Handler) -> Callable[..., list[str]]:
    """Return a function that invokes a handler with messages of a queue, and returns the ids of those that failed."""
    return lambda *bodies: _failures(handler(sqs_event(*bodies), None))


def on_stream(handler: Handler) -> Callable[..., list[str]]:
    """Return a function that invokes a handler with stream records, and returns the numbers of those that failed."""
    return lambda *records: _failures(handler(stream_event(*records), None))


def _failures(answer: Mapping[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


# HTTP

SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


@dataclass(frozen=True)
class Page:
    """A function's HTTP response, as its client reads it.

    Attributes:
        size: The bytes of its body on the way.
    """

    status: int
    headers: Mapping[str, str]
    body: str
    size: int = 0

    @property
    def document(self) -> Any:
        return json.loads(self.body)


def call(handler: Handler, method: str, path: str, source: str = "", **event: Any) -> Page:
    """Invoke a function as API Gateway does, for a client at an address."""
    document = http_event(method, path, **event)
    if source:
        document["requestContext"]["http"]["sourceIp"] = source
    return answered(handler, document)


def answered(handler: Handler, event: dict[str, Any]) -> Page:
    """Invoke a function with an event of API Gateway, and assert that its response is documented."""
    answer = handler(event, None)
    headers = {name: str(value) for name, value in answer["headers"].items()}
    body = (answer.get("body") or "").encode()
    content = base64.b64decode(body) if answer.get("isBase64Encoded") else body
    text = gzip.decompress(content) if headers.get("Content-Encoding") == "gzip" else content
    page = Page(answer["statusCode"], headers, text.decode(), len(content))
    if operation := OPERATIONS.get(event["routeKey"]):
        assert_documented(operation, page)
    return page


OPERATIONS = {each.key: each.document()["responses"] for each in interfaces.operations()}


def assert_documented(responses: Mapping[str, Any], page: Page) -> None:
    """Assert that docs/openapi.json has a response: its status, media type, problem code and members."""
    media_type, _, _ = page.headers["Content-Type"].partition(";")
    schema = responses[str(page.status)]["content"][media_type]["schema"]
    if media_type == "application/problem+json":
        assert page.document["code"] in schema["allOf"][1]["properties"]["code"]["enum"], page.body
    if "json" in media_type:
        name = str(schema).partition("#/components/schemas/")[2].partition("'")[0]
        validation.check(name, page.document)
        assert all(validation.has_member(name, member) for member in page.document), page.body


def assert_problem(page: Page, status: int, code: str, pointer: str | None = None) -> None:
    """Assert that a function answered with a problem document of RFC 9457."""
    assert (page.headers["Content-Type"], page.headers["Cache-Control"]) == ("application/problem+json", "no-store")
    assert page.headers.get("Retry-After") == ("2" if status == 503 else None)
    assert page.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 and code == "unknown_token" else None)
    document = page.document
    assert all(document.get(member) for member in ("type", "title", "detail"))
    assert (page.status, document["status"], document["code"]) == (status, status, code), page.body
    assert pointer in (None, document.get("pointer"))
    assert "pointer" not in document or status in (400, 403, 404, 410, 413, 422), "only content has places"


def look(
    token: str | None,
    path: str = "/review",
    method: str = "GET",
    *,
    source: str = "",
    headers: Mapping[str, str] | None = None,
    **query: str,
) -> Page:
    """Open a page by a token, as a browser does."""
    asked = None if token is None else {"t": token, **query}
    return call(review.handler.handler, method, path, source, query=asked, headers=headers or {})


def post_form(path: str, headers: Mapping[str, str] = SAME_ORIGIN, /, *, source: str = "", **fields: str) -> Page:
    """Post a page's form, as a browser does."""
    return call(review.handler.handler, "POST", path, source, body=urlencode(fields), headers=headers)


def click(kit: Kit, token: str, headers: Mapping[str, str] = SAME_ORIGIN, /, **fields: str) -> Page:
    """Vote on the task by a link: an approval unless the fields say otherwise."""
    form = {"t": token, "decision": "approve", "comment": "", "shown": kit.task().shown}
    return post_form("/review", headers, **form | fields)
