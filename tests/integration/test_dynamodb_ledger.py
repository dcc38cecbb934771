"""The ledger on DynamoDB: the meaning of each error, and the layout of its items."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)

from countersign.adapters.attributes import to_item
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.adapters.event_items import parked_document
from countersign.adapters.keys import DUE_SHARDS, INDEX_PK, INDEX_SK
from countersign.adapters.request_items import request_document
from countersign.domain.audit import AuditEvent
from countersign.domain.clock import to_text
from countersign.domain.errors import LedgerConflictError, LedgerUnavailableError
from countersign.domain.provider_events import ParkedEvent
from countersign.domain.requests import Request, RequestStatus
from countersign.domain.tasks import Status
from countersign.functions.clients import ATTEMPTS, client
from countersign.testing.builders import CALLBACK_ID, NOW, REQUEST_ID, TASK_ID, WORKFLOW, any_event, any_task
from tests.integration.conftest import TABLE, Answer, Kit, Operation, answering

URL = "https://dynamodb.eu-central-1.amazonaws.com"


def error(code: str, status: int = 400, **more: Any) -> Answer:
    return Answer(status, code, more)


def cancelled(*codes: str) -> Answer:
    return error("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


CALLS: list[tuple[str, Callable[[Kit], Any]]] = [
    ("BatchGetItem", lambda kit: kit.ledger.task(TASK_ID)),
    ("GetItem", lambda kit: kit.ledger.link("f" * 64)),
    ("GetItem", lambda kit: kit.ledger.request(REQUEST_ID)),
    ("Query", lambda kit: kit.ledger.task_ids(REQUEST_ID)),
    ("PutItem", lambda kit: kit.ledger.submit(Request(REQUEST_ID, WORKFLOW), NOW)),
    ("UpdateItem", lambda kit: kit.ledger.refresh(TASK_ID, "callback-2")),
    ("UpdateItem", lambda kit: kit.ledger.started(REQUEST_ID, "arn")),
    ("UpdateItem", lambda kit: kit.ledger.start_again(REQUEST_ID, NOW)),
    ("Query", lambda kit: list(kit.ledger.overdue(NOW))),
    ("UpdateItem", lambda kit: kit.ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.FAILED, None, NOW)),
    ("DeleteItem", lambda kit: kit.ledger.delete_outbox(f"TASK#{TASK_ID}", "OUTBOX#1")),
    ("TransactWriteItems", lambda kit: kit.ledger.open(any_task(), (AuditEvent("opened", WORKFLOW),), NOW)),
]
EACH_CALL = pytest.mark.parametrize(
    ("operation", "call"), CALLS, ids=[f"{number} {name}" for number, (name, _) in enumerate(CALLS)]
)


# Errors


@EACH_CALL
def test_throttling_and_timeouts_are_an_outage_after_bounded_retries(
    kit: Kit, operation: str, call: Callable[[Kit], Any]
) -> None:
    for answer in (error("ThrottlingException"), ReadTimeoutError(endpoint_url=URL)):
        with answering("dynamodb", operation, answer) as answers, pytest.raises(LedgerUnavailableError):
            call(kit)
        assert len(answers.asked) == ATTEMPTS


@EACH_CALL
def test_a_client_error_is_raised_as_it_is(kit: Kit, operation: str, call: Callable[[Kit], Any]) -> None:
    for code in ("ValidationException", "AccessDeniedException", "ResourceNotFoundException"):
        with answering("dynamodb", operation, error(code)), pytest.raises(ClientError, match=code):
            call(kit)


@pytest.mark.parametrize(
    "answer",
    [
        *(error(code) for code in ("ProvisionedThroughputExceededException", "RequestLimitExceeded")),
        *(error(code, 500) for code in ("InternalServerError", "ServiceUnavailable", "SomethingNewThatBroke")),
        ConnectionClosedError(endpoint_url=URL),
        EndpointConnectionError(endpoint_url=URL, error="refused"),
    ],
    ids=repr,
)
def test_each_of_these_is_an_outage(kit: Kit, answer: Answer | Exception) -> None:
    with answering("dynamodb", "BatchGetItem", answer), pytest.raises(LedgerUnavailableError):
        kit.ledger.task(TASK_ID)


CONFLICTS = [
    *(cancelled("None", code) for code in ("ConditionalCheckFailed", "TransactionConflict", "DuplicateItem")),
    *(error(code) for code in ("TransactionConflictException", "TransactionInProgressException")),
]
OUTAGES = [cancelled(code, "None") for code in ("ThrottlingError", "ProvisionedThroughputExceeded")]
CANCELLED: list[tuple[Answer, type[Exception]]] = [
    *((answer, LedgerConflictError) for answer in CONFLICTS),
    *((answer, LedgerUnavailableError) for answer in OUTAGES),
    (cancelled("None", "ValidationError"), ClientError),
]


@pytest.mark.parametrize(("answer", "expected"), CANCELLED, ids=repr)
def test_a_cancelled_transaction_is_a_conflict_an_outage_or_an_error_by_its_reasons(
    kit: Kit, answer: Answer, expected: type[Exception]
) -> None:
    with answering("dynamodb", "TransactWriteItems", answer), pytest.raises(expected):
        kit.ledger.open(any_task(), (AuditEvent("opened", WORKFLOW),), NOW)


def test_a_call_that_botocore_refuses_to_send_is_raised_as_it_is(kit: Kit) -> None:
    with pytest.raises(ParamValidationError):
        DynamoLedger(client("dynamodb"), "").task(TASK_ID)


def test_a_refresh_during_a_transaction_is_refused_and_can_be_repeated(kit: Kit) -> None:
    kit.open_task()
    with answering("dynamodb", "UpdateItem") as answers:
        answers.answers = [error("TransactionConflictException")]
        assert kit.ledger.refresh(TASK_ID, "callback-2") is False
        assert kit.ledger.refresh(TASK_ID, "callback-2") is True


def test_a_submission_that_botocore_repeats_returns_the_request(kit: Kit) -> None:
    request = Request(REQUEST_ID, WORKFLOW, "5" * 64, "caller", created_at=NOW)

    def lose_the_answer(asked: Any) -> Exception | None:
        return ConnectionClosedError(endpoint_url=URL) if len(puts.asked) == 2 else None

    with answering("dynamodb", "PutItem") as puts:
        kit.ledger.submit(request, NOW)
        puts.by_default = lose_the_answer
        assert kit.ledger.submit(request, NOW) == request


def test_the_end_of_a_request_is_recorded_although_its_start_is_recorded_at_the_same_moment(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.ledger.submit(Request(REQUEST_ID, WORKFLOW), NOW)
    attempt, starts = kit.ledger._table.attempt, ["arn:1"]

    def slowly(*writes: dict[str, Any]) -> bool:
        done = attempt(*writes)
        if starts:
            kit.ledger.started(REQUEST_ID, starts.pop())
        return done

    monkeypatch.setattr(kit.ledger._table, "attempt", slowly)
    kit.ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.SUCCEEDED, {}, NOW)
    request = kit.ledger.request(REQUEST_ID)
    assert request
    assert (request.status, request.execution_arn) == ("succeeded", "arn:1")


# Items


def test_tasks_and_requests_are_read_consistently_and_so_is_a_link_that_is_not_found_at_first(kit: Kit) -> None:
    def asked(answers: Operation) -> list[bool]:
        return [document["ConsistentRead"] for document in answers.documents]

    with answering("dynamodb", "GetItem") as gets, answering("dynamodb", "Query") as queries:
        kit.ledger.link("f" * 64)
        kit.ledger.request(REQUEST_ID)
        kit.ledger.task_ids(REQUEST_ID)
        assert (asked(gets), asked(queries)) == ([False, True, True], [True])
    with answering("dynamodb", "BatchGetItem") as batches:
        kit.ledger.task(TASK_ID)
        assert [document["RequestItems"][TABLE]["ConsistentRead"] for document in batches.documents] == [True]


def test_a_request_is_read_with_the_cheaper_read_alone_only_if_that_says_that_all_has_ended(kit: Kit) -> None:
    """An eventually consistent read that is late says that something has not ended."""

    def asked() -> list[bool]:
        with answering("dynamodb", "BatchGetItem") as batches:
            kit.ledger.with_tasks(REQUEST_ID)
        return [document["RequestItems"][TABLE]["ConsistentRead"] for document in batches.documents]

    kit.open_task()
    assert asked() == [False, True]
    kit.ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.SUCCEEDED, {}, kit.now)
    assert asked() == [False, True]
    kit.set(TASK_ID, "status", Status.APPLIED.value)
    assert asked() == [False]


def test_an_item_that_names_another_task_leads_neither_to_it_nor_to_its_question(kit: Kit) -> None:
    kit.open_task()
    forged = {"pk": {"S": "TASK#prove-1.approval"}, "sk": {"S": "TASK"}}
    item = client("dynamodb").get_item(TableName=TABLE, Key=forged | {"pk": {"S": f"TASK#{TASK_ID}"}})["Item"]
    client("dynamodb").put_item(TableName=TABLE, Item=item | forged)
    with pytest.raises(LookupError, match=r"the question of task prove-1\.approval"):
        kit.ledger.task("prove-1.approval")


@pytest.mark.parametrize(
    ("pk", "sk"),
    [("LINK#prove-1", "TASK"), *(("TASK#prove-1.approval", sk) for sk in ("REQUEST", "PARKED#evt_1", "TASK2"))],
)
def test_an_item_whose_key_is_of_another_kind_is_not_due(kit: Kit, pk: str, sk: str) -> None:
    request = request_document(Request("order-2", WORKFLOW, input={}), NOW)
    parked = parked_document(ParkedEvent("pay", any_event(), "webhook signature"), NOW)
    forged = request | parked | {"pk": pk, "sk": sk, INDEX_PK: DUE_SHARDS[0], INDEX_SK: to_text(NOW)}
    client("dynamodb").put_item(TableName=TABLE, Item=to_item(forged | {"task_id": TASK_ID, "status": "submitted"}))
    assert list(kit.ledger.overdue(NOW)) == []


def test_a_task_that_cannot_be_read_keeps_no_other_from_being_swept_and_is_an_error_at_the_end(kit: Kit) -> None:
    kit.open_task(sent_at=None)
    broken = {"pk": "TASK#prove-1.approval", "sk": "TASK", INDEX_PK: DUE_SHARDS[0], INDEX_SK: to_text(NOW)}
    client("dynamodb").put_item(TableName=TABLE, Item=to_item(broken))
    overdue = kit.ledger.overdue(kit.now + timedelta(days=1))
    assert next(overdue) == kit.task()
    with pytest.raises(LookupError, match=r"the question of task prove-1\.approval"):
        next(overdue)


def test_an_audit_entry_is_never_overwritten(kit: Kit) -> None:
    entry = {"pk": {"S": f"AUDIT#{TASK_ID}"}, "sk": {"S": "0000000001"}, "event": {"S": "forged"}}
    client("dynamodb").put_item(TableName="ledger", Item=entry)
    with pytest.raises(LedgerConflictError):
        kit.open_task()
    assert kit.items()[(f"AUDIT#{TASK_ID}", "0000000001")] == entry
    assert kit.ledger.task(TASK_ID) is None


def test_a_question_that_a_failed_opening_left_is_replaced_with_the_next_one(kit: Kit) -> None:
    opened = (AuditEvent("opened", WORKFLOW),)
    failing = answering("dynamodb", "TransactWriteItems", cancelled("ThrottlingError"))
    with failing, pytest.raises(LedgerUnavailableError):
        kit.ledger.open(any_task(title="the first"), opened, NOW)
    assert (kit.ledger.task(TASK_ID), kit.ledger.with_tasks(REQUEST_ID)) == (None, (None, []))
    kit.ledger.open(any_task(title="the second"), opened, NOW)
    with pytest.raises(LedgerConflictError):
        kit.ledger.open(any_task(title="the third"), opened, NOW)
    assert kit.task().question.title == "the second"


def test_a_change_and_its_audit_entries_are_one_transaction(kit: Kit) -> None:
    kit.open_task()
    with answering("dynamodb", "TransactWriteItems") as transactions:
        kit.decide()
    (transaction,) = transactions.documents
    writes = [next(iter(write.items())) for write in transaction["TransactItems"]]
    assert [(kind, (write.get("Key") or write["Item"])["pk"]["S"]) for kind, write in writes] == [
        ("Update", f"TASK#{TASK_ID}"),
        ("Put", f"AUDIT#{TASK_ID}"),
        ("Put", f"AUDIT#{TASK_ID}"),
    ]
    assert transaction["ClientRequestToken"]


def test_a_hundred_tasks_of_one_request_are_listed_over_several_pages(kit: Kit) -> None:
    last = {"pk": {"S": "x"}, "sk": {"S": "y"}}
    first, second = ({"Items": [{"task_id": {"S": task_id}}]} for task_id in ("r.a", "r.b"))
    with answering("dynamodb", "Query") as queries:
        queries.answers = [Answer(document=first | {"LastEvaluatedKey": last}), Answer(document=second)]
        assert kit.ledger.task_ids("r") == ["r.a", "r.b"]
    assert queries.documents[1]["ExclusiveStartKey"] == last


def test_links_pointers_and_ended_requests_have_a_ttl_and_the_audit_has_none(kit: Kit) -> None:
    kit.open_task()
    kit.link()
    kit.ledger.submit(Request(REQUEST_ID, WORKFLOW), NOW)
    kept = {key: "ttl" in item for key, item in kit.items().items()}
    pointer = (f"QUESTION#{REQUEST_ID}", f"TASK#{TASK_ID}")
    assert [key for key, ttl in kept.items() if ttl and not key[0].startswith("LINK#")] == [pointer]
    assert not any(ttl for key, ttl in kept.items() if key[0].startswith("AUDIT#"))
    kit.ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.SUCCEEDED, None, NOW)
    assert "ttl" in kit.items()[(f"REQUEST#{REQUEST_ID}", "REQUEST")]


def test_a_callback_id_is_in_the_item_of_its_task_only(kit: Kit) -> None:
    kit.open_task()
    kit.decide()
    assert {key for key, item in kit.items().items() if CALLBACK_ID in repr(item)} == {(f"TASK#{TASK_ID}", "TASK")}
