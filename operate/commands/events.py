"""Commands on kept events: list, show and replay what providers sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import typer

from countersign.domain.clock import to_text
from countersign.domain.payments import said_by
from countersign.domain.provider_events import Handling
from operate.context import Context
from operate.errors import usage
from operate.kept_events import KeptEvents, Told
from operate.masking import MASK, masked
from operate.parsing import duration

_LONGEST_REASON = 500
_COLUMNS = ("received", "provider", "event", "status", "external id", "became", "task", "key")
_WITHOUT_EFFECT = (Handling.DUPLICATE, Handling.IGNORED)

Key = Annotated[str, typer.Argument(metavar="KEY", help="Key of the event, as `events` prints it.")]


def events(
    call: typer.Context,
    provider: Annotated[str, typer.Option(help="Events of this provider.", show_default=False)] = "",
    since: Annotated[
        timedelta | None, typer.Option(metavar="SPAN", parser=duration, help="How far back, such as 2h; by default 1d.")
    ] = None,
) -> None:
    """List the kept events of providers, the oldest first, with how they were handled."""
    context: Context = call.obj
    kept, first = KeptEvents(context.stage), context.now - (since or timedelta(days=1))
    found = sorted(
        (told for event in kept.since(first, provider) for told in kept.told(event)),
        key=lambda told: told.kept.received_at,
    )
    for key, reason in kept.unreadable.items():
        context.terminal.error(f"{key}: {reason}")
    if context.terminal.as_json:
        context.terminal.document([_document(told) for told in found])
    elif found:
        context.terminal.table(_COLUMNS, [[each or "-" for each in _document(told).values()] for told in found])
    else:
        context.terminal.note("No event was kept.")


def show(call: typer.Context, key: Key) -> None:
    """Show one kept event. Everything that may be a secret or a person is masked."""
    context: Context = call.obj
    kept = KeptEvents(context.stage)
    event = kept.read(_plain(key))
    told = kept.told(event)
    document = {
        "events": [_document(each) for each in told],
        "headers": dict.fromkeys(event.headers, MASK),
        "body": _body(event.body, told),
    }
    if context.terminal.as_json:
        context.terminal.document(document)
        return
    for each in document["events"]:
        for name, value in each.items():
            context.terminal.say(f"  {name:<12} {value or '-'}")
    context.terminal.say(f"  {'headers':<12} {', '.join(event.headers)}")
    context.terminal.document(document["body"])


def replay(
    call: typer.Context,
    key: Key,
    because: Annotated[str, typer.Option(help="The reason. The audit of the task and the log keep it.")],
) -> None:
    """Handle a kept event again. An event that the ledger has changes nothing."""
    context: Context = call.obj
    if not because.strip() or len(because) > _LONGEST_REASON:
        raise usage(f"--because must give a reason of at most {_LONGEST_REASON} characters")
    kept, key = KeptEvents(context.stage), _plain(key)
    event = kept.read(key)
    said = kept.replay(key, because)
    tasks = sorted({told.task_id for told in kept.told(event) if told.task_id})
    for task_id in tasks if said["handling"] not in _WITHOUT_EFFECT else ():
        context.operations.replayed(task_id, key, because)
    reasons = f" ({', '.join(said['ignored'])})" if said["ignored"] else ""
    about = f", about {', '.join(tasks)}" if tasks else ""
    context.terminal.result(f"{key}: {said['handling']}{reasons}{about}", {"key": key, **said, "tasks": tasks})


def _plain(key: str) -> str:
    return key.removeprefix("events/")


def _document(told: Told) -> dict[str, str]:
    event = told.event
    return {
        "received": to_text(told.kept.received_at),
        "provider": told.kept.provider,
        "event": event.event_id if event else "",
        "status": event.status.value if event else "",
        "external_id": event.external_id if event else "",
        "became": told.became,
        "task": told.task_id,
        "key": told.kept.key,
    }


def _body(body: bytes, told: list[Told]) -> Any:
    """Return a masked body; only its size if it is not JSON."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return f"{len(body)} bytes that are not JSON"
    known: Mapping[str, Any] = {}
    for each in told:
        known = {**known, **(_ids(each) if each.event else {})}
    return masked(document, known)


def _ids(told: Told) -> dict[str, Any]:
    assert told.event
    said = said_by(told.event)
    return {str(said[name]): name for name in ("event_id", "external_id", "payment_id") if name in said}
