"""The review function: pages for people, and 404 for unknown paths."""

from __future__ import annotations

from collections.abc import Mapping

from constructs import Construct

from countersign.presentation.brand import Brand
from stacks.components.actors.actor import Actor
from stacks.components.edge.api import PublicApi, Route, Throttle
from stacks.components.house.function_options import FunctionOptions
from stacks.components.state.directory import Directory
from stacks.components.state.ledger import Ledger
from stacks.components.state.limits import Limits

_PAGES_ARE_PUBLIC = (
    "people have no AWS identity: the 256-bit token of their link is the credential, checked by the function"
)
_UNKNOWN_PATHS_ARE_PUBLIC = "anyone may learn that a path does not exist: the answer is fixed, and reads no data"

_PAGES = (
    *("GET /review", "HEAD /review", "POST /review", "POST /delegate"),
    *("GET /inbox", "HEAD /inbox", "POST /inbox"),
    *("GET /request", "HEAD /request", "POST /request"),
)


class Review(Actor):
    """Serves people. It cannot read providers' secrets or machines' tokens, and cannot send heartbeats.

    Args:
        ledger: The ledger.
        directory: The directory.
        limits: The limits of its requests.
        brand: The brand of its pages.
        readers: The language and time zone of people about whom neither directory nor browser says anything.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        ledger: Ledger,
        directory: Directory,
        limits: Limits,
        brand: Brand,
        readers: Mapping[str, str],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            folder="review",
            description="Pages for people: the review, delegation, the inbox, and the status of a request",
            ledger=ledger,
            options=FunctionOptions(reserved_concurrency=limits.concurrency),
            environment={**directory.environment, **limits.review, **readers},
            tables={"brand": brand},
        )
        ledger.grant_reviews(self.function)
        directory.grant_read(self.function)
        limits.grant_count(self.function)
        self.function.watch_counts("Answers", "Clicks", shown=("AnswersRecorded", "AnswersRefused"))

    def add_routes(self, api: PublicApi, *, pages: Throttle, unknown: Throttle) -> None:
        """Add the routes that it answers.

        Args:
            api: The API.
            pages: The throttle of each page and method.
            unknown: The throttle of all unknown paths together.
        """
        routes = [Route(key, pages, public_because=_PAGES_ARE_PUBLIC) for key in _PAGES]
        routes.append(Route("$default", unknown, public_because=_UNKNOWN_PATHS_ARE_PUBLIC))
        api.add_routes(self, self.function, *routes)
