"""The webhook function: takes providers' webhooks and machines' answers."""

from __future__ import annotations

from constructs import Construct

from stacks.components.actors.actor import Actor
from stacks.components.actors.looks import LooksFunction
from stacks.components.edge.api import PublicApi, Route, Throttle
from stacks.components.house.function_options import FunctionOptions
from stacks.components.state.answers_key import AnswersKey
from stacks.components.state.kept_events import KeptEvents
from stacks.components.state.ledger import Ledger
from stacks.components.state.limits import Limits
from stacks.components.state.providers import Providers

_WEBHOOKS_ARE_PUBLIC = (
    "providers have no AWS identity: they sign what they post with a secret of their own, checked by the function"
)
_CALLBACKS_ARE_PUBLIC = (
    "workers may be anywhere: the 256-bit token of their hand-off is the credential, checked by the function"
)

_STRAY = {"SignaturesRefused": 10}
"""Refusals in five minutes that are normal. Strangers try a public address now and then; a provider whose secret is
wrong repeats every event."""

_ALARMS = {
    "EventsConflict": "A provider sent two events under one id, and the kit did not apply the second one. First ask the"
    " provider which one is right",
    "EventsMalformed": "A provider's signed event cannot be read, and the provider will give up. First read the log of"
    " webhook",
    "SecretsUnusable": "A webhook came for a provider whose secret is missing or malformed, and none of its events is"
    " recorded. First store the secret",
    "SignaturesRefused": "More than ten webhooks in five minutes had no valid signature, and were refused. First ask"
    " whether the provider's secret was rotated",
}


_NOT_KEPT = {
    "EventsNotKept": "A verified event was handled, and its copy could not be stored: a replay will not find it. First"
    " read the log of webhook",
}


class Webhook(Actor):
    """Serves machines. It cannot read people's links or the directory; workflows grant it their heartbeats.

    Args:
        base_url: The API's public address, without a slash at the end.
        ledger: The ledger.
        providers: The providers and their secrets.
        answers: The key of encrypted answers; None if no workflow asks for them.
        limits: The limits of its callbacks.
        looks: The function that asks providers that sign nothing; None without such a provider.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        base_url: str,
        ledger: Ledger,
        providers: Providers,
        answers: AnswersKey | None,
        limits: Limits,
        looks: LooksFunction | None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            folder="webhook",
            description="Takes providers' webhooks and machines' answers",
            ledger=ledger,
            options=FunctionOptions(reserved_concurrency=limits.concurrency),
            environment={
                "BASE_URL": base_url,
                **limits.callbacks,
                **providers.environment,
                **(answers.environment if answers else {}),
                **(looks.environment if looks else {}),
            },
        )
        ledger.grant_answers(self.function)
        providers.grant_read(self.function)
        if answers:
            answers.grant_encrypt(self.function)
        limits.grant_count(self.function)
        if looks:
            looks.grant_call(self.function.role)
        self.function.watch_counts(
            "Answers", "Events of providers", shown=("EventsRecorded", "EventsHeld"), alarms=_ALARMS, above=_STRAY
        )

    def keep_in(self, events: KeptEvents) -> None:
        """Keep verified events."""
        events.grant_put(self.function)
        for name, value in events.environment.items():
            self.function.function.add_environment(name, value)
        self.function.watch_counts("Answers", "Copies of events", alarms=_NOT_KEPT)

    def add_routes(self, api: PublicApi, *, webhooks: Throttle, callbacks: Throttle) -> None:
        """Add the routes that it answers.

        Args:
            api: The API.
            webhooks: The throttle of all providers together.
            callbacks: The throttle of each callback route.
        """
        api.add_routes(
            self,
            self.function,
            Route("POST /webhooks/{provider}", webhooks, public_because=_WEBHOOKS_ARE_PUBLIC),
            *(
                Route(f"POST /callbacks/{said}", callbacks, public_because=_CALLBACKS_ARE_PUBLIC)
                for said in ("succeed", "fail", "heartbeat")
            ),
        )
