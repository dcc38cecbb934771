"""What holds state: the tables, the tasks in them, the copy of the audit, the dead letters and the secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

from countersign.adapters.secrets import ManagedSecrets
from countersign.domain.clock import SystemClock
from countersign.domain.errors import SecretError
from countersign.domain.tasks import Status
from operate.dead_letters import DeadLetters
from operate.stage import Stage

LATE = timedelta(minutes=15)
"""How long a workflow may take to act on a decision, or on a deadline, before it is a finding."""


def tables(stage: Stage) -> Iterator[tuple[str, str]]:
    """Look how the tables are kept."""
    outputs = stage.outputs["ledger"]
    yield from _table(stage, "the ledger", outputs["TableName"], with_ttl=True)
    yield from _table(stage, "the directory", outputs["DirectoryTableName"], with_ttl=False)


def tasks(stage: Stage) -> Iterator[tuple[str, str]]:
    """Look for tasks that their workflow has left alone."""
    latest, waiting = SystemClock().now() - LATE, list(stage.ledger.live_tasks())
    decided = [task for task in waiting if task.status is Status.DECIDED]
    stranded = [task for task in decided if task.decided_at and task.decided_at < latest]
    overdue = [task for task in waiting if task.status is Status.OPEN and task.expires_at < latest]
    for task in stranded:
        yield f"{task.task_id} is decided, and its workflow has not acted on it", f"`ring {task.task_id}`"
    for task in overdue:
        advice = f"see how execution {task.request_id} of {task.workflow} is doing; `withdraw` it if that has ended"
        yield f"{task.task_id} should have expired", advice
    if not stranded and not overdue:
        yield f"{len(waiting)} tasks wait, none for its workflow", ""


def audit_copy(stage: Stage) -> Iterator[tuple[str, str]]:
    """Look whether the copy of the audit is locked, where the stage keeps one."""
    days = stage.settings.audit.object_lock_days
    if not days:
        return
    bucket = stage.audit_bucket
    if not bucket:
        yield "there is no copy, and the settings want one", "deploy again"
        return
    answer = stage.client("s3").get_object_lock_configuration(Bucket=bucket)
    retention = answer["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention", {})
    locked = retention.get("Days", 0)
    advice = "" if locked >= days else f"deploy again: the settings say {days} days"
    yield f"entries in {bucket} are locked for {locked} days ({retention.get('Mode', 'not at all')})", advice


def dead_letters(stage: Stage) -> Iterator[tuple[str, str]]:
    """Look whether anything was given up."""
    letters = DeadLetters(stage)
    full = {name: count for name in letters.names if (count := letters.waiting(name))}
    for name, count in full.items():
        advice = f"read the log of what takes from it, mend the cause, then `redrive {name}`"
        yield f"{name} holds {count} {'message' if count == 1 else 'messages'}", advice
    if not full:
        yield f"{len(letters.names)} dead-letter queues are empty", ""


def secrets(stage: Stage) -> Iterator[tuple[str, str]]:
    """Look whether each provider has something to sign with; what it is stays in memory."""
    providers = json.loads(stage.outputs["public"]["Providers"])
    reader = ManagedSecrets(
        stage.client("secretsmanager"), {name: provider["secret"] for name, provider in providers.items()}
    )
    for name, provider in providers.items():
        try:
            active = len(reader.active(name))
        except SecretError as error:
            command = f"aws secretsmanager put-secret-value --secret-id {provider['secret']} --secret-string …"
            yield f"{name} is answered 503: {error.reason}", f"put what the provider shows you: {command}"
        else:
            yield f"{name} signs with {active} active {'secret' if active == 1 else 'secrets'}", ""


def _table(stage: Stage, what: str, name: str, *, with_ttl: bool) -> Iterator[tuple[str, str]]:
    client = stage.client("dynamodb")
    table = client.describe_table(TableName=name)["Table"]
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    found = []
    if recovery != "ENABLED":
        found.append((f"{what}, {name}, has no point-in-time recovery", "deploy again, or turn it on"))
    if stage.settings.ledger.protected and not table.get("DeletionProtectionEnabled"):
        found.append((f"{what}, {name}, can be deleted", "deploy again, or turn its deletion protection on"))
    if with_ttl and _ttl(stage, name) not in ("ENABLED", "ENABLING"):
        found.append((f"{what}, {name}, keeps what has ended for ever", "turn TTL on, by the attribute ttl"))
    yield from found or [(f"{what} is {name}: recovery, protection and TTL are as the settings say", "")]


def _ttl(stage: Stage, name: str) -> str:
    answer = stage.client("dynamodb").describe_time_to_live(TableName=name)
    status: str = answer["TimeToLiveDescription"]["TimeToLiveStatus"]
    return status
