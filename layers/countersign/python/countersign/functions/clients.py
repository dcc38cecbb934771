"""The one place that makes AWS clients, each once, on first use.

Clients come from botocore; boto3 would add a fifth to the cold start and nothing that is used here. The vendor layer
contains the service models named in calls of `client`, which a test checks.
"""

import gc
import os
from functools import cache
from typing import Any

CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 4
ATTEMPTS = 2
"""A call without an answer takes 10 seconds in all, less than the shortest time-out of a function."""

UNCHECKED = frozenset({"dynamodb"})
"""Services whose parameters botocore does not check.

DynamoDB checks them itself, and a check of a transaction here takes a third of its processor time.
"""


@cache
def client(service: str, attempts: int = ATTEMPTS, read_seconds: int = READ_TIMEOUT_SECONDS) -> Any:
    """Return the shared client of a service, such as `dynamodb`.

    Region, credentials and endpoint come from the environment, as in AWS's own tools.

    Args:
        service: Its name in botocore.
        attempts: How often botocore tries a call; 1 if the caller retries.
        read_seconds: How long a call may wait for its answer.
    """
    found = made(session(), service, attempts, (CONNECT_TIMEOUT_SECONDS, read_seconds))
    gc.freeze()  # what a cold start has made stays: Python never looks for garbage in it, 25 ms each time
    return found


@cache
def session() -> Any:
    """Return the session of all clients. Another session would read botocore's tables again, longer than a client."""
    from botocore.session import get_session

    found = get_session()
    if "AWS_ACCESS_KEY_ID" in os.environ:
        # Lambda sets the credentials there. To look elsewhere too, botocore would prepare two HTTP sessions.
        from botocore.credentials import CredentialResolver, EnvProvider

        found.register_component("credential_provider", CredentialResolver([EnvProvider()]))
    return found


def made(session: Any, service: str, attempts: int, time_outs: tuple[int, int], region: str | None = None) -> Any:
    """Return a new client of a service.

    Args:
        session: The botocore session with the credentials and the configuration.
        service: Its name in botocore.
        attempts: How often botocore tries a call.
        time_outs: Seconds for a connection, and for an answer.
        region: The AWS region; by default that of the session.
    """
    from botocore.config import Config

    connect_timeout, read_timeout = time_outs
    config = Config(
        user_agent=session.user_agent(),  # otherwise botocore builds it twice for each call
        parameter_validation=service not in UNCHECKED,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return session.create_client(service, region_name=region, config=config)
