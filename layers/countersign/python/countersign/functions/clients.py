"""The one place that makes AWS clients: once each, when first asked for.

Clients come from botocore itself; boto3 would add a fifth to the cold start and nothing that is used here. The vendor
layer keeps the service models that are named in calls of `client`, and a test holds it to that.
"""

from functools import cache
from typing import Any

CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 4
ATTEMPTS = 2
"""Together 10 seconds for a call that nobody answers: less than the shortest time-out of a function."""

UNCHECKED = frozenset({"dynamodb"})
"""Services whose calls botocore sends without checking their parameters first.

DynamoDB checks them itself; to go through the attributes of a transaction here takes a third of its processor time.
"""


@cache
def client(service: str, attempts: int = ATTEMPTS) -> Any:
    """Return the shared client of a service, such as `dynamodb`.

    Region, credentials and endpoint come from the environment as AWS's own tools read it.

    Args:
        service: Its name in botocore.
        attempts: How often botocore tries a call; 1 where the caller tries again by itself.
    """
    from botocore.session import get_session

    return made(get_session(), service, attempts, (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS))


def made(session: Any, service: str, attempts: int, time_outs: tuple[int, int], region: str | None = None) -> Any:
    """Return a new client of a service.

    Args:
        session: The botocore session whose credentials and configuration it uses.
        service: Its name in botocore.
        attempts: How often botocore tries a call.
        time_outs: Seconds for a connection, and for an answer.
        region: Its AWS region; that of the session by default.
    """
    from botocore.config import Config

    connect_timeout, read_timeout = time_outs
    config = Config(
        user_agent=session.user_agent(),  # or botocore puts it together anew, twice, at each call
        parameter_validation=service not in UNCHECKED,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return session.create_client(service, region_name=region, config=config)
