"""Contact confirmation: ask three channels at once; the first answer counts, and later ones get 409."""

from typing import Any

from countersign.workflows import Answered, DurableContext, ExternalTask, Failed, await_result, workflow

CHANNELS = {"email_confirmation": "email", "phone_confirmation": "phone", "web_confirmation": "web"}


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return `confirmed` or `bounced` with the channel that answered, or failed, first; or `expired`."""
    task = ExternalTask(
        "contact_confirmation",
        {name: document[name] for name in ("user_id", "email", "phone")},
        document["deadline_seconds"],
        answer_contract="contact-confirmation.confirmation",
        channels=tuple(CHANNELS),
    )
    match await_result(context, "confirmation", task):
        case Answered(by=by, document=answer):
            return {"status": "confirmed" if answer["confirmed"] else "bounced", "channel": CHANNELS.get(by, by)}
        case Failed(by=by):
            return {"status": "bounced", "channel": CHANNELS.get(by, by)}
        case _:
            return {"status": "expired", "channel": None}
