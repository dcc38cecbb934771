"""How often one network, and one token from it, may ask a public function: counted before anything else is done."""

from aws_lambda_powertools import Logger

from countersign.composition import Ports
from countersign.domain.errors import TooManyRequestsError
from countersign.functions import http
from countersign.functions.http import Event
from countersign.functions.telemetry import count
from countersign.services.limits import Limiter, Rates

logger = Logger()


def limiter(name: str, ports: Ports) -> Limiter:
    """Return the limiter of a function: LIMITS holds `{"per_source", "per_token"}`, how much is allowed in a minute.

    Args:
        name: The group of routes; each name is counted by itself.
        ports: The function's ports.
    """
    return Limiter(name, Rates(**ports.environment.document("LIMITS")), ports.counters, ports.clock)


def admit(limiter: Limiter, event: Event, token: str) -> None:
    """Count a request, and let it pass or not. While the counters fail, every request passes.

    Args:
        limiter: The limiter of the function.
        event: The API Gateway event, payload format 2.0.
        token: The token that the request shows; any text.

    Raises:
        TooManyRequestsError: The network or the token is over its limit; nothing of the request has been looked at.
    """
    try:
        limiter.admit(http.source_of(event), token)
    except TooManyRequestsError:
        count("RequestsLimited")
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, an answer must not be lost by it
        count("LimiterUnavailable")
        logger.error("nothing was limited", **http.where_it_failed(error))  # noqa: TRY400  it may quote data
