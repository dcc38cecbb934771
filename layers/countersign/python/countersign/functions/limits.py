"""Rate limits of public functions, for each network and each token from it; checked before anything else."""

from collections.abc import Callable

from countersign.domain.errors import TooManyRequestsError
from countersign.functions import http
from countersign.functions.http import Event
from countersign.functions.log import logger
from countersign.functions.telemetry import count


def admit(count_request: Callable[[str, str], None], event: Event, token: str) -> None:
    """Count a request by a limiter's `admit`, which refuses it over the limit. Every request passes if that fails.

    Raises:
        TooManyRequestsError: The network or the token is over its limit; the request was not read.
    """
    try:
        count_request(http.source_of(event), token)
    except TooManyRequestsError:
        count("RequestsLimited")
        raise
    except Exception as error:  # noqa: BLE001  no error of the limiter may lose an answer
        count("LimiterUnavailable")
        logger.error("nothing was limited", **http.where_it_failed(error))
