"""Commands that act on tasks and queues. The audit names the person who runs them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from countersign.adapters.keys import TASK
from countersign.domain.clock import to_text
from countersign.domain.errors import CountersignError, TransientError
from countersign.domain.rules import Outcome
from countersign.domain.tasks import Ring, RingState, Status, Task
from operate import errors
from operate.context import Context
from operate.dead_letters import DeadLetters
from operate.errors import OperateError, usage
from operate.parsing import TaskId, address, duration

_LONGEST_COMMENT = 500


def extend(
    call: typer.Context,
    task_id: TaskId,
    by: Annotated[timedelta, typer.Option(metavar="SPAN", parser=duration, help="How much later, such as 2h or 3d.")],
) -> None:
    """Move the deadline of an open task. Review links stay valid."""
    context: Context = call.obj
    until = to_text(context.operations.extend(task_id, by).expires_at)
    context.terminal.result(f"{task_id} is open until {until}", {"task_id": task_id, "expires_at": until})


def withdraw(
    call: typer.Context,
    task_id: TaskId,
    because: Annotated[str, typer.Option(help="The reason. The audit keeps it, and the review page shows it.")],
) -> int:
    """Withdraw an open task. Nobody can answer it any more, and its workflow is rung."""
    context: Context = call.obj
    if not because.strip() or len(because) > _LONGEST_COMMENT:
        raise usage(f"--because must give a reason of at most {_LONGEST_COMMENT} characters")
    task = context.operations.withdraw(task_id, because)
    try:
        rung = _ring(context, task).state is not RingState.FAILED
    except TransientError:
        rung = False
    document = {"task_id": task_id, "status": task.status.value, "workflow_rung": rung}
    context.terminal.result(f"{task_id} is withdrawn", document)
    if not rung:
        advice = f"The sweeper rings it within minutes. To ring it at once, run `ring {task_id}`."
        context.terminal.error("the task is withdrawn, but its workflow could not be rung", advice)
    return errors.Status.DONE if rung else errors.Status.TRY_AGAIN


def resend(call: typer.Context, task_id: TaskId) -> None:
    """Send a reminder to the approvers who have not voted. It has a fresh link; earlier links stay valid."""
    context: Context = call.obj
    people = list(context.operations.resend(task_id))
    context.terminal.result(f"{task_id}: a reminder goes to {', '.join(people)}", {"task_id": task_id, "to": people})


def reassign(
    call: typer.Context,
    task_id: TaskId,
    by: Annotated[
        str, typer.Option("--from", metavar="ADDRESS", parser=address, help="The approver who is no longer asked.")
    ],
    to: Annotated[str, typer.Option(metavar="ADDRESS", parser=address, help="The person who is asked instead.")],
    because: Annotated[str, typer.Option(help="The reason, for the audit, all approvers and the requester.")],
) -> None:
    """Ask another person in the place of an approver who has not voted. The approver's links stop working."""
    context: Context = call.obj
    if context.target.table:
        raise usage("reassign reads the ledger and the directory of a stage", "Name the stage without --table.")
    domains = context.stage.settings.requests.approver_domains
    context.operations.reassign(task_id, by, to, because, context.stage.directory, domains)
    line = f"{task_id}: {to} is asked in place of {by}, and gets a link of their own"
    context.terminal.result(line, {"task_id": task_id, "from": by, "to": to})


def resolve(
    call: typer.Context,
    task_id: TaskId,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST", help="Id of the refund's request.")],
    because: Annotated[str, typer.Option(help="How you know. The audit keeps it.")],
    refunded: Annotated[
        bool, typer.Option("--refunded/--not-refunded", help="Whether the provider has the refund.", show_default=False)
    ],
) -> None:
    """Say whether the provider has a refund in doubt. TASK is the payment's task, as `show` lists its reservations."""
    context: Context = call.obj
    if not because.strip() or len(because) > _LONGEST_COMMENT:
        raise usage(f"--because must give a reason of at most {_LONGEST_COMMENT} characters")
    context.operations.resolve_refund(task_id, request_id, because, refunded=refunded)
    line = f"{task_id}: the money for {request_id} is {'refunded' if refunded else 'free again'}"
    context.terminal.result(line, {"task_id": task_id, "request_id": request_id, "refunded": refunded})


def ring(call: typer.Context, task_id: TaskId) -> int:
    """Ring the workflow of a decided or withdrawn task again. This is safe to repeat."""
    context: Context = call.obj
    task = context.stage.ledger.present(task_id)
    if task.status not in (Status.DECIDED, Status.CANCELLED):
        problem = f"{task_id} is {task.status.value}: only a decided or withdrawn task is rung"
        raise OperateError(problem, f"`show {task_id}` shows the task.")
    found = _ring(context, task)
    document = {"task_id": task_id, "state": found.state, "error": found.error}
    context.terminal.result(f"{task_id}: {_RUNG[found.state]}", document)
    if found.state is not RingState.FAILED:
        return errors.Status.DONE
    context.terminal.error(f"Lambda refused the ring: {found.error}", _ADVICE.get(found.error, _ADVICE[""]))
    return errors.Status.REFUSED


_RUNG = {
    RingState.DELIVERED: "its workflow was rung",
    RingState.CLOSED: "the callback was already closed; the workflow reads the ledger by itself",
    RingState.FAILED: "its workflow was not rung",
}
_ADVICE = {
    "AccessDeniedException": "You need lambda:SendDurableExecutionCallback* on function:<name>:* of the workflow.",
    "": "The execution may have ended: look for it in the Lambda console, and read the workflow's log.",
}


def _ring(context: Context, task: Task) -> Ring:
    return context.rings.ring(task.task_id, task.callback_id, failed=task.outcome is Outcome.FAILED)


def redrive(
    call: typer.Context,
    queue: Annotated[
        str, typer.Argument(metavar="QUEUE", help="Name of a dead-letter queue, such as approvals-dlq.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Every dead-letter queue.")] = False,  # noqa: FBT002
) -> int:
    """Process the messages of dead-letter queues again. First correct the cause of their failure."""
    context: Context = call.obj
    letters = DeadLetters(context.stage)
    if bool(queue) == every:
        raise usage("give one queue, or --all", f"The queues are: {', '.join(letters.names)}.")
    results = [_redriven(context, letters, name) for name in (letters.names if every else [queue])]
    if context.terminal.as_json:
        context.terminal.document(results)
    else:
        _say_redriven(context, [result for result in results if queue or result["moved"] or result["kept"]])
    return errors.Status.REFUSED if any(result["kept"] for result in results) else errors.Status.DONE


def _redriven(context: Context, letters: DeadLetters, name: str) -> dict[str, Any]:
    moved, kept = 0, []
    for message in context.terminal.track(letters.redrive(name), name, letters.waiting(name)):
        if message.kept_because:
            kept.append(message.kept_because)
            continue
        moved += 1
        for task_id in message.task_ids:
            context.operations.redriven(task_id, name)
    return {"queue": name, "moved": moved, "kept": kept}


def _say_redriven(context: Context, results: list[dict[str, Any]]) -> None:
    if not results:
        context.terminal.say("All dead-letter queues are empty.")
    for result in results:
        name, kept = result["queue"], result["kept"]
        context.terminal.say(f"{name}: {result['moved']} processed again{f', {len(kept)} kept' if kept else ''}")
        for why in dict.fromkeys(kept):
            context.terminal.error(f"{name}: {why}")


def restore(
    call: typer.Context,
    source: Annotated[str, typer.Option("--from", metavar="TABLE", help="The restored table.")],
) -> int:
    """Put back lost items from a restored table. Items that the ledger still has are left alone."""
    context: Context = call.obj
    ledger, copied, left, task_ids = context.stage.ledger, 0, 0, []
    for item in ledger.items_of(source):
        if item["sk"]["S"] == "TASK":
            task_ids.append(item["pk"]["S"].removeprefix(TASK))
        elif ledger.put_back(item):
            copied += 1
        else:
            left += 1
    # After all other items: a task is read with its question, and its restoration adds an entry to its audit.
    lost = [task_id for task_id in task_ids if ledger.task(task_id) is None]
    left += len(task_ids) - len(lost)
    tasks, failed = _restored(context, lost, source)
    items = copied + len(tasks)
    document = {"items": items, "left_alone": left, "tasks": tasks, "failed": failed}
    line = f"{items} items are back, {len(tasks)} tasks among them; {left} were left alone"
    context.terminal.result(line, document)
    for task_id, why in failed.items():
        context.terminal.error(f"{task_id} is still missing: {why}", "Run the command again for the missing tasks.")
    return errors.Status.TRY_AGAIN if failed else errors.Status.DONE


def _restored(context: Context, lost: list[str], source: str) -> tuple[list[str], dict[str, str]]:
    tasks, failed = [], {}
    for task_id in lost:
        try:
            if context.operations.restored(task_id, source):
                tasks.append(task_id)
        except CountersignError as error:
            failed[task_id] = str(error)
    return tasks, failed
