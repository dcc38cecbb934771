"""How often one network, and one token from it, may ask a public function: counted before anything else is done."""

import json
import os
from functools import cache

from aws_lambda_powertools import Logger

from countersign.adapters.counters import DynamoCounters
from countersign.domain.clock import SystemClock
from countersign.domain.errors import TooManyRequestsError
from countersign.functions import http
from countersign.functions.clients import client
from countersign.functions.environment import required
from countersign.functions.http import Event
from countersign.functions.telemetry import count
from countersign.services.limits import Limiter, Rates

logger = Logger()


@cache
def limiter(name: str) -> Limiter:
    """Return the limiter of a function, made once.

    Reads LIMITS_TABLE, the table of counters, and LIMITS, `{"per_source", "per_token"}` for a minute.

    Args:
        name: The group of routes; each name is counted by itself.
    """
    rates = Rates(**json.loads(required(os.environ, "LIMITS")))
    counters = DynamoCounters(client("dynamodb"), required(os.environ, "LIMITS_TABLE"))
    return Limiter(name, rates, counters, SystemClock())


def admit(name: str, event: Event, token: str) -> None:
    """Count a request, and let it pass or not. While the counters fail, every request passes.

    Args:
        name: The group of routes.
        event: The API Gateway event, payload format 2.0.
        token: The token that the request shows; any text.

    Raises:
        TooManyRequestsError: The network or the token is over its limit; nothing of the request has been looked at.
    """
    counted = limiter(name)
    try:
        counted.admit(http.source_of(event), token)
    except TooManyRequestsError:
        count("RequestsLimited")
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, an answer must not be lost by it
        count("LimiterUnavailable")
        logger.error("nothing was limited", **http.where_it_failed(error))  # noqa: TRY400  it may quote data
