"""State: the tables, the tasks in them, the copy of the audit, the dead letters and the secrets."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial

from countersign.adapters.executions import LambdaExecutions
from countersign.adapters.secrets import ManagedSecrets
from countersign.domain.clock import SystemClock
from countersign.domain.errors import SecretError
from countersign.domain.tasks import Status, Task
from operate.checks import Findings
from operate.dead_letters import DeadLetters
from operate.stage import Stage

LATE = timedelta(minutes=15)
"""How long a workflow may take to act on a decision or a deadline."""


def tables(stage: Stage) -> Findings:
    """Check the protection of the tables, and that items of the ledger expire."""
    client, outputs = stage.client("dynamodb"), stage.outputs("ledger")
    for what, name in (("the ledger", outputs["TableName"]), ("the directory", outputs["DirectoryTableName"])):
        found = []
        backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
            found.append((f"{what}, {name}, has no point-in-time recovery", "deploy again, or turn it on"))
        table = client.describe_table(TableName=name)["Table"]
        if stage.settings.ledger.protected and not table.get("DeletionProtectionEnabled"):
            found.append((f"{what}, {name}, can be deleted", "deploy again, or turn deletion protection on"))
        if what == "the ledger":
            ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"]
            if ttl not in ("ENABLED", "ENABLING"):
                found.append((f"{what}, {name}, never removes ended tasks", "turn TTL on, for the attribute ttl"))
        yield from found or [(f"{what} is {name}: recovery, protection and TTL are as the settings say", "")]


def tasks(stage: Stage) -> Findings:
    """Report overdue decisions and deadlines; those of a paused execution are no findings."""
    latest, waiting = SystemClock().now() - LATE, list(stage.ledger.in_status())
    late = [task for task in waiting if ((task.decided_at or task.expires_at) < latest)]
    yield from map(partial(_late, stage), late)
    if not late:
        yield f"{len(waiting)} open or decided, none overdue", ""


def _late(stage: Stage, task: Task) -> tuple[str, str]:
    request = stage.ledger.request(task.request_id)
    if request and request.execution_arn and LambdaExecutions(stage.client("lambda")).is_paused(request.execution_arn):
        resume = f"aws lambda resume-durable-execution --durable-execution-arn {request.execution_arn}"
        return f"{task.task_id} waits for its execution, which is paused; to resume it: {resume}", ""
    if task.status is Status.DECIDED:
        return f"{task.task_id} is decided, but its workflow has not acted on it", f"run `ring {task.task_id}`"
    execution = f"execution {task.request_id} of {task.workflow}"
    advice = f"look at {execution}; if it has ended, run `withdraw {task.task_id}`"
    return f"{task.task_id} is open past its deadline", advice


def audit_copy(stage: Stage) -> Findings:
    """Check the lock of the audit's copy, if the stage keeps one."""
    days, bucket = stage.settings.audit.object_lock_days, stage.audit_bucket
    if not days:
        return
    if not bucket:
        yield "the settings ask for a copy of the audit, and the stage has no bucket for it", "deploy again"
        return
    answer = stage.client("s3").get_object_lock_configuration(Bucket=bucket)
    retention = answer["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention", {})
    locked = retention.get("Days", 0)
    advice = "" if locked >= days else f"deploy again: the settings say {days} days"
    yield f"entries in {bucket} are locked for {locked} days ({retention.get('Mode', 'not at all')})", advice


def dead_letters(stage: Stage) -> Findings:
    """Report messages in dead-letter queues."""
    letters = DeadLetters(stage)
    found = [
        (
            f"{name} holds {count} message{'' if count == 1 else 's'}",
            f"read the log of the function behind it, correct the cause, then run `redrive {name}`",
        )
        for name in letters.names
        if (count := letters.waiting(name))
    ]
    yield from found or [(f"all {len(letters.names)} queues are empty", "")]


def secrets(stage: Stage) -> Findings:
    """Check that each provider has an active secret, and an API key if it is asked. The secrets are not printed."""
    outputs = stage.outputs("public")
    for output, effect in (("Providers", "receives 503"), ("LookKeys", "is not asked for payments")):
        for name, provider in json.loads(outputs.get(output, "{}")).items():
            if "secret" in provider:  # one that signs nothing has none
                yield active_secrets(stage, name, effect, provider["secret"])


def active_secrets(stage: Stage, owner: str, effect: str, arn: str) -> tuple[str, str]:
    """Check an owner's secret; `effect` says what happens without it."""
    try:
        reader = ManagedSecrets(stage.client("secretsmanager"), {owner: arn})
        count = len(reader.active(owner))
    except SecretError as error:
        command = f"aws secretsmanager put-secret-value --secret-id {arn} --secret-string …"
        return f"{owner} {effect}: its secret {error.reason}", f"store the secret that the service shows you: {command}"
    return f"{owner} has {count} active secret{'' if count == 1 else 's'}", ""
