"""audit verify: chains that the kit wrote hold, and a change by anybody else is reported."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import approver.handler
from countersign.adapters.attributes import to_item
from countersign.adapters.audit_archive import S3AuditArchive
from countersign.adapters.task_items import audit_document
from countersign.domain import clock, tasks, votes
from countersign.domain.audit import GENESIS, AuditEvent
from countersign.domain.clock import SystemClock
from countersign.domain.rules import Decision, Rule
from countersign.functions.clients import client
from countersign.services.reviews import Reviews
from countersign.testing.builders import (
    APPROVER,
    OTHER_APPROVER,
    TASK_ID,
    any_click,
    any_envelope,
    sqs_event,
    stream_event,
)
from publisher.handler import handler
from tests.integration.conftest import ARCHIVE, TABLE, Answer, Kit, Operation, answering
from tests.integration.operate.conftest import Run


def verify(run: Run, *arguments: str) -> tuple[int, list[str]]:
    status, out, _ = run("audit", "verify", *arguments)
    return status, out.splitlines()


def verify_copy(run: Run) -> tuple[int, list[str]]:
    return verify(run, "--archive", ARCHIVE)


def tamper(place: int, **changes: Any) -> None:
    key = to_item({"pk": f"AUDIT#{TASK_ID}", "sk": f"{place:010d}"})
    item = client("dynamodb").get_item(TableName=TABLE, Key=key)["Item"]
    client("dynamodb").put_item(TableName=TABLE, Item=item | to_item(changes))


def test_a_changed_entry_is_reported(kit: Kit, run: Run) -> None:
    kit.open_task()
    kit.decide(token=kit.mint())
    tamper(2, actor="mallory@example.com")
    status, lines = verify(run)
    assert (status, lines[-1]) == (1, "1 chains checked, 1 broken")
    assert f"{TASK_ID}: entry 2 was changed" in lines


def test_an_entry_that_cannot_be_read_is_reported_and_hides_no_other_chain(kit: Kit, run: Run) -> None:
    for task_id in (TASK_ID, "r2.approval"):
        kit.open_task(task_id=task_id)
    tamper(1, seq="second")
    told = [f"{TASK_ID}: an entry or the task is malformed: TypeError", "2 chains checked, 1 broken"]
    assert verify(run) == (1, told)


def vote(kit: Kit, *before: AuditEvent, **data: str) -> None:
    """Write a vote past the links, as a function could that may write tasks and their audit."""
    change = votes.answer(kit.task(), APPROVER, Decision.APPROVE, "", kit.task().shown, "", SystemClock().now())
    assert change
    events = (dataclasses.replace(each, data={**each.data, **data}) for each in change.events)
    kit.ledger.commit(dataclasses.replace(change, events=(*before, *events)))


MINTED = AuditEvent("minted", "approver", data={"recipient": APPROVER, "fingerprint": "a" * 64})
NO_LINK = f"by a link that the ledger does not have for {APPROVER}"


@pytest.mark.parametrize(
    ("forge", "problem"),
    [
        (lambda kit: kit.decide(token=kit.link()), f"entry 2 is by a link that was not minted for {APPROVER}"),
        (lambda kit: vote(kit, MINTED, link="a" * 64), NO_LINK),
        (
            lambda kit: kit.set(TASK_ID, "audience", ["mallory@example.com"]),
            "the task and its audit name different people as those who were asked",
        ),
    ],
)
def test_an_approval_that_a_function_forged_without_the_approver_is_reported(
    kit: Kit, run: Run, forge: Callable[[Kit], object], problem: str
) -> None:
    kit.open_task(rule=Rule("all"), audience=(APPROVER, OTHER_APPROVER))
    forge(kit)
    status, lines = verify(run)
    assert status == 1
    assert problem in "".join(lines)


def test_a_vote_from_an_inbox_is_compared_with_the_audit_that_minted_its_link(
    kit: Kit, run: Run, mails: Operation
) -> None:
    for task_id in (TASK_ID, "order-2.approval"):
        kit.open_task(task_id=task_id)
    asked = any_envelope(kind="approval.inbox", task_id="order-2.approval")
    assert approver.handler.handler(sqs_event(asked), None) == {"batchItemFailures": []}
    text = mails.documents[0]["Content"]["Simple"]["Body"]["Text"]["Data"]
    click = any_click(token=text.partition("/inbox?t=")[2].split()[0], task_id=TASK_ID, shown=kit.task().shown)
    assert Reviews(kit.ledger, kit.directory, SystemClock()).decide(click).refusal is None
    assert verify(run, TASK_ID)[0] == 0
    tamper(2, data={**kit.audit()[1].event.data, "minted_for": TASK_ID})
    assert verify(run)[0] == 1


# Against the copy


def copy_all(kit: Kit) -> None:
    """Let the publisher copy what was written to the audit since the last time."""
    records = [record for record in kit.stream() if record["dynamodb"]["Keys"]["pk"]["S"].startswith("AUDIT#")]
    assert handler(stream_event(*records), None) == {"batchItemFailures": []}


def delete(pk: str, sk: str) -> None:
    client("dynamodb").delete_item(TableName=TABLE, Key=to_item({"pk": pk, "sk": sk}))


def replace_chain(kit: Kit) -> None:
    """Forge the whole chain, hashes and head included, as a role that writes to the table can."""
    previous = GENESIS
    for entry in kit.audit():
        event = dataclasses.replace(entry.event, source="198.51.100.0/24")
        forged = dataclasses.replace(entry, event=event, previous=previous)
        client("dynamodb").put_item(TableName=TABLE, Item=to_item(audit_document(forged)))
        previous = forged.hash
    kit.set(TASK_ID, "audit_head", previous)


@pytest.fixture
def copied(kit: Kit, archive: S3AuditArchive) -> Kit:
    """A task that was opened an hour ago, whose audit was copied."""
    kit.now -= timedelta(hours=1)
    kit.open_task(expires_at=kit.now + timedelta(hours=2))
    kit.decide(token=kit.mint())
    copy_all(kit)
    return kit


def test_a_chain_that_was_replaced_as_a_whole_is_reported_by_its_copy_alone(copied: Kit, run: Run) -> None:
    replace_chain(copied)
    copy_all(copied)
    assert verify(run) == (0, ["1 chains checked, 0 broken"])
    status, (*differences, total) = verify_copy(run)
    assert (status, total) == (1, "1 chains checked against the copy, 1 broken")
    changed = [f"{TASK_ID}: entry {entry.seq} is not what was copied when it was written" for entry in copied.audit()]
    assert differences == changed


def test_an_entry_that_was_never_copied_is_reported_when_its_copy_is_overdue(copied: Kit, run: Run) -> None:
    copied.open_task(task_id="r2.approval")
    assert verify_copy(run)[1][0] == "r2.approval: entry 1 is missing in the copy"


def test_an_entry_of_a_moment_ago_may_be_without_its_copy(kit: Kit, archive: S3AuditArchive, run: Run) -> None:
    kit.open_task()
    copy_all(kit)
    kit.decide(token=kit.mint())
    new = ", ".join(str(seq) for seq in range(2, kit.task().audit_seq + 1))
    status, lines = verify_copy(run)
    assert (status, lines[0]) == (0, f"{TASK_ID}: not copied yet: {new}; verify again when they are 10 minutes old")


def test_a_chain_that_outlived_its_task_is_compared_with_its_copy(copied: Kit, run: Run) -> None:
    last = copied.task().audit_seq
    delete(f"TASK#{TASK_ID}", "TASK")
    assert verify_copy(run) == (0, ["1 chains checked against the copy, 0 broken"])
    delete(f"AUDIT#{TASK_ID}", f"{last:010d}")
    status, lines = verify_copy(run)
    assert (status, lines[0]) == (1, f"{TASK_ID}: entry {last} is in the copy, and missing in the ledger")


# Chains that the stage does not keep for good


@pytest.fixture
def aged(kit: Kit, archive: S3AuditArchive) -> Kit:
    """A task that was opened 800 days ago, whose audit was copied, and is kept until the day before yesterday."""
    today = kit.now
    kit.now -= timedelta(days=800)
    kit.open_task(audit_ttl=int((today - timedelta(days=2)).timestamp()))
    kit.ledger.commit(tasks.withdraw(kit.task(), "olga", "ordered twice", kit.now))
    copy_all(kit)
    return kit


def test_an_expired_head_of_a_chain_is_a_note_and_no_break(aged: Kit, run: Run) -> None:
    ttl = clock.to_text(datetime.fromtimestamp(aged.task().audit_ttl, UTC))
    delete(f"TASK#{TASK_ID}", "TASK")
    delete(f"AUDIT#{TASK_ID}", "0000000001")
    lines = [f"{TASK_ID}: expired head: 1; kept until {ttl}", "1 chains checked against the copy, 0 broken"]
    assert verify_copy(run) == (0, lines)
    tamper(2, actor="mallory@example.com")
    assert verify_copy(run)[0] == 1, "what is left is held against its hash and its copy"


def test_a_chain_that_has_expired_as_a_whole_is_not_broken(aged: Kit, run: Run) -> None:
    for entry in aged.audit():
        delete(f"AUDIT#{TASK_ID}", f"{entry.seq:010d}")
    delete(f"TASK#{TASK_ID}", "TASK")
    assert verify_copy(run) == (0, ["1 chains checked against the copy, 0 broken"])


@pytest.mark.parametrize("kept", [0, 1])
def test_no_entry_of_a_task_that_is_there_has_expired_whatever_the_task_says(aged: Kit, run: Run, kept: int) -> None:
    """The audit outlives its task, and a role that writes tasks can write the time on them."""
    length = aged.task().audit_seq
    for entry in aged.audit()[: length - kept]:
        delete(f"AUDIT#{TASK_ID}", f"{entry.seq:010d}")
    for check in (verify, verify_copy):
        assert check(run)[0] == 1
    assert "expired" not in run("show", TASK_ID)[1]


@pytest.mark.parametrize("days", [0, 1])
def test_a_missing_entry_that_has_not_expired_is_a_break(
    kit: Kit, archive: S3AuditArchive, run: Run, days: int
) -> None:
    kit.open_task(audit_ttl=int((kit.now + timedelta(days=days)).timestamp()) if days else 0)
    kit.decide(token=kit.mint())
    copy_all(kit)
    delete(f"AUDIT#{TASK_ID}", "0000000001")
    for check in (verify, verify_copy):
        status, lines = check(run)
        assert (status, lines[0]) == (1, f"{TASK_ID}: entry 1 is missing, entry 2 follows")


def test_a_copy_that_cannot_be_read_proves_nothing(copied: Kit, run: Run) -> None:
    with answering("s3", "ListObjectVersions", Answer(403)):
        status, out, errors = run("audit", "verify", "--archive", ARCHIVE)
    assert (status, out) == (1, "")
    assert errors.startswith(f"error: the copy in {ARCHIVE} cannot be read: 403\n")
