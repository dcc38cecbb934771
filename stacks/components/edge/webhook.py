"""The webhook function: what providers post, and what machines answer."""

from __future__ import annotations

from constructs import Construct

from stacks.components.edge.api import PublicApi, Route
from stacks.components.house.function_options import FunctionDefaults, FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.state.answers_key import AnswersKey
from stacks.components.state.ledger import Ledger
from stacks.components.state.limits import Limits
from stacks.components.state.providers import Providers
from stacks.stage.settings import Throttle

_WEBHOOKS_ARE_PUBLIC = (
    "providers have no AWS identity: they sign what they post with a secret of their own, checked by the function"
)
_CALLBACKS_ARE_PUBLIC = (
    "workers may be anywhere: the 256-bit token of their hand-off is the credential, checked by the function"
)


class Webhook(Construct):
    """Serves machines. It reads no link of a person and no directory; workflows grant it their heartbeats.

    Attributes:
        function: The function.
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
        defaults: FunctionDefaults,
    ) -> None:
        """Build the function.

        Args:
            scope: The parent.
            construct_id: The id.
            base_url: The address of the API as providers know it, without a slash at the end.
            ledger: Where the answers go.
            providers: The providers and their secrets.
            answers: The key that encrypts answers, where a workflow wants that.
            limits: What its callbacks are held to.
            defaults: What it has in common with the stack's other functions.
        """
        super().__init__(scope, construct_id)
        self.function = PythonFunction(
            self,
            "Webhook",
            folder="webhook",
            description="What providers post, and what machines answer",
            defaults=defaults,
            options=FunctionOptions(reserved_concurrency=limits.concurrency),
            environment={
                "LEDGER_TABLE": ledger.table.table_name,
                "BASE_URL": base_url,
                **limits.callbacks,
                **providers.environment,
                **(answers.environment if answers else {}),
            },
        )
        ledger.grant_answers(self.function)
        providers.grant_read(self.function)
        if answers:
            answers.grant_encrypt(self.function)
        limits.grant_count(self.function)

    def add_routes(self, api: PublicApi, *, webhooks: Throttle, callbacks: Throttle) -> None:
        """Send its routes to it.

        Args:
            api: The API.
            webhooks: The throttle of what providers post, all of them together.
            callbacks: The throttle of each way in which machines answer.
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
