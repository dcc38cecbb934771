"""How often one network, and one token from it, may ask: counted before anything else is done."""

import os
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

from aws_lambda_powertools import Logger

from countersign.adapters.counters import DynamoCounters
from countersign.domain.clock import SystemClock
from countersign.domain.errors import TooManyRequestsError
from countersign.functions import http
from countersign.functions.clients import client
from countersign.functions.telemetry import count
from countersign.services.limits import Limiter
from webhook.form import token_of
from webhook.review import Event
from webhook.settings import Settings

logger = Logger()

_TOKENS: Mapping[str, Callable[[Event], str]] = MappingProxyType(
    {"review": token_of, "delegate": token_of, "inbox": token_of, "callbacks": http.bearer_of}
)
"""Where the token is, by the first part of the path. Webhooks have none: providers sign, post from few networks, and
post again for days what was refused."""


@cache
def limiters() -> Mapping[str, Limiter]:
    """Return what limits the pages and the callbacks, each counted by itself, made once."""
    settings = Settings.load(os.environ)
    counters = DynamoCounters(client("dynamodb"), settings.limits_table)
    return {name: Limiter(name, rates, counters, SystemClock()) for name, rates in settings.limits.items()}


def admit(event: Event) -> None:
    """Count a request, and let it pass or not. Where the counters are out of order, everything passes.

    Raises:
        TooManyRequestsError: It is one too many; nothing of it has been looked at.
    """
    path = event["routeKey"].partition(" /")[2].partition("/")[0]
    if path not in _TOKENS:
        return
    limiter = limiters()["callbacks" if path == "callbacks" else "review"]
    try:
        limiter.admit(http.source_of(event), _TOKENS[path](event))
    except TooManyRequestsError:
        count("RequestsLimited")
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, an answer must not be lost by it
        count("LimiterUnavailable")
        logger.error("nothing was limited", **http.where_it_failed(error))  # noqa: TRY400  it may quote data
