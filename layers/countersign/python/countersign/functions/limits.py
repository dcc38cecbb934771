"""How often one network, and one token from it, may ask a public function: counted before anything else is done."""

from collections.abc import Callable

from aws_lambda_powertools import Logger

from countersign.domain.errors import TooManyRequestsError
from countersign.functions import http
from countersign.functions.http import Event
from countersign.functions.telemetry import count

logger = Logger()


def admit(count_request: Callable[[str, str], None], event: Event, token: str) -> None:
    """Count a request by a limiter's `admit`, and let it pass or not. While the counters fail, every request passes.

    Raises:
        TooManyRequestsError: The network or the token is over its limit; nothing of the request has been looked at.
    """
    try:
        count_request(http.source_of(event), token)
    except TooManyRequestsError:
        count("RequestsLimited")
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, an answer must not be lost by it
        count("LimiterUnavailable")
        logger.error("nothing was limited", **http.where_it_failed(error))  # noqa: TRY400  it may quote data
