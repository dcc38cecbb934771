"""Commands that act: extend, withdraw, resend, ring, redrive, restore. Each is audited with the caller's identity."""

from __future__ import annotations

import itertools
from typing import Annotated, Any

import typer

from countersign.adapters.keys import TASK
from countersign.domain.clock import to_text
from countersign.domain.errors import CountersignError, TransientError
from countersign.domain.rules import Outcome
from countersign.domain.tasks import Ring, RingState, Status, Task
from operate import errors
from operate.context import Context
from operate.dead_letters import DeadLetters, Redriven
from operate.errors import OperateError, usage
from operate.parsing import duration

_LONGEST_COMMENT = 500

_Task = Annotated[str, typer.Argument(metavar="TASK", help="Id of the task: <request id>.<name of the wait>.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (extend, withdraw, resend, ring, redrive, restore):
        app.command()(command)


def extend(
    call: typer.Context,
    task_id: _Task,
    by: Annotated[str, typer.Option(help="How much later: seconds, or such as 2h or 3d.")],
) -> None:
    """Move the deadline of an open task; every link stays valid."""
    context: Context = call.obj
    task = context.operations.extend(task_id, duration(by))
    until = to_text(task.expires_at)
    context.terminal.result(f"{task.task_id} is open until {until}", {"task_id": task.task_id, "expires_at": until})


def withdraw(
    call: typer.Context,
    task_id: _Task,
    because: Annotated[str, typer.Option(help="Why, in your own words; the audit keeps it.")],
) -> int:
    """Take an open task back: nobody can answer it any more, and its workflow hears so."""
    context: Context = call.obj
    if not because.strip() or len(because) > _LONGEST_COMMENT:
        raise usage(f"--because must say why, in at most {_LONGEST_COMMENT} characters")
    task = context.operations.withdraw(task_id, because)
    heard = _heard_of(context, task)
    document = {"task_id": task_id, "status": task.status.value, "workflow_rung": heard}
    context.terminal.result(f"{task_id} is withdrawn", document)
    if not heard:
        context.terminal.error(
            "its workflow could not be told", f"The sweeper rings it within minutes; `ring {task_id}` does at once."
        )
    return errors.Status.DONE if heard else errors.Status.TRY_AGAIN


def resend(call: typer.Context, task_id: _Task) -> None:
    """Send a reminder with a fresh link to those who have not voted; the links that they have stay valid."""
    context: Context = call.obj
    people = context.operations.resend(task_id)
    context.terminal.result(
        f"{task_id}: a reminder goes to {', '.join(people)}", {"task_id": task_id, "to": list(people)}
    )


def ring(call: typer.Context, task_id: _Task) -> int:
    """Wake the workflow of a decided or withdrawn task again, as the relay does."""
    context: Context = call.obj
    task = context.stage.ledger.present(task_id)
    if task.status not in (Status.DECIDED, Status.CANCELLED):
        raise OperateError(
            f"{task_id} is {task.status.value}: there is nothing to tell its workflow", f"`show {task_id}` says more."
        )
    found = _rung(context, task)
    document = {"task_id": task_id, "state": found.state, "error": found.error}
    context.terminal.result(f"{task_id}: {_SAID[found.state]}", document)
    if found.state is not RingState.FAILED:
        return errors.Status.DONE
    context.terminal.error(f"Lambda refused the ring: {found.error}", _ADVICE.get(found.error, _ADVICE[""]))
    return errors.Status.REFUSED


def redrive(
    call: typer.Context,
    queue: Annotated[
        str, typer.Argument(metavar="QUEUE", help="Name of a dead-letter queue, such as approvals-dlq.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Every dead-letter queue.")] = False,  # noqa: FBT002
) -> int:
    """Have messages processed again that were given up; mend first what they failed on."""
    context: Context = call.obj
    letters = DeadLetters(context.stage)
    if bool(queue) == every:
        raise usage("name one queue, or --all", f"There are: {', '.join(letters.names)}.")
    results = {name: _redriven(context, letters, name) for name in (letters.names if every else [queue])}
    if context.terminal.as_json:
        context.terminal.document([{"queue": name, **_counted(messages)} for name, messages in results.items()])
    else:
        _say_redriven(context, {name: messages for name, messages in results.items() if messages or queue})
    kept = any(message.kept_because for messages in results.values() for message in messages)
    return errors.Status.REFUSED if kept else errors.Status.DONE


def restore(
    call: typer.Context,
    source: Annotated[str, typer.Option("--from", metavar="TABLE", help="The table that was restored.")],
) -> int:
    """Bring back what the ledger has lost, from a table restored to a moment before; what stands is left alone."""
    context: Context = call.obj
    copied, left, lost = _put_back(context, source)
    tasks, failed = [], {}
    # After all of their audit entries: the entry that says so is the next in each chain.
    for task_id in lost:
        try:
            if context.operations.restored(task_id, source):
                tasks.append(task_id)
        except CountersignError as error:
            failed[task_id] = str(error)
    items = copied + len(tasks)
    document = {"items": items, "left_alone": left, "tasks": tasks, "failed": failed}
    context.terminal.result(f"{items} items are back, {len(tasks)} tasks among them; {left} were left alone", document)
    for task_id, why in failed.items():
        context.terminal.error(
            f"{task_id} is not back: {why}", "Run the command again: it goes on with what is missing."
        )
    return errors.Status.TRY_AGAIN if failed else errors.Status.DONE


_SAID = {
    "delivered": "its workflow was rung",
    "closed": "its workflow waits for this no more: it looks, or has looked, by itself",
    "failed": "its workflow was not rung",
}
_ADVICE = {
    "AccessDeniedException": "You need lambda:SendDurableExecutionCallback* on function:<name>:* of the workflow.",
    "": "The execution may be gone: see it in Lambda's console, and the workflow's log.",
}


def _put_back(context: Context, source: str) -> tuple[int, int, list[str]]:
    """Put back all but tasks; return how many items that were, how many were left alone, and the lost tasks' ids."""
    ledger, copied, left, lost = context.stage.ledger, 0, 0, []
    for item in itertools.chain.from_iterable(ledger.items_of(source)):
        task_id = item["pk"]["S"].removeprefix(TASK)
        if item["sk"]["S"] == "TASK" and ledger.task(task_id) is None:
            lost.append(task_id)
        elif ledger.put_back(item):
            copied += 1
        else:
            left += 1
    return copied, left, lost


def _rung(context: Context, task: Task) -> Ring:
    return context.rings.ring(task.task_id, task.callback_id, failed=task.outcome is Outcome.FAILED)


def _heard_of(context: Context, task: Task) -> bool:
    try:
        return _rung(context, task).state is not RingState.FAILED
    except TransientError:
        return False


def _redriven(context: Context, letters: DeadLetters, name: str) -> list[Redriven]:
    messages: list[Redriven] = []
    with context.terminal.progress(name, letters.waiting(name) or None) as progress:
        for message in letters.redrive(name):
            for task_id in message.task_ids:
                context.operations.redriven(task_id, name)
            messages.append(message)
            progress.advance(progress.task_ids[0])
    return messages


def _counted(messages: list[Redriven]) -> dict[str, Any]:
    kept = [message.kept_because for message in messages if message.kept_because]
    return {"moved": len(messages) - len(kept), "kept": kept}


def _say_redriven(context: Context, results: dict[str, list[Redriven]]) -> None:
    if not results:
        context.terminal.say("All dead-letter queues are empty.")
    for name, messages in results.items():
        counted = _counted(messages)
        stay = f", {len(counted['kept'])} stay" if counted["kept"] else ""
        context.terminal.say(f"{name}: {counted['moved']} processed again{stay}")
        for why in dict.fromkeys(counted["kept"]):
            context.terminal.error(f"{name}: {why}")
