"""The one place that makes AWS clients: once each, when first asked for.

Clients come from botocore itself; boto3 would add a fifth to the cold start and nothing that is used here. The vendor
layer keeps the service models that are named in calls of `client`, and a test holds it to that.
"""

from functools import cache
from typing import Any

_CONNECT_TIMEOUT_SECONDS = 2
_READ_TIMEOUT_SECONDS = 8
_ATTEMPTS = 3


@cache
def client(service: str) -> Any:
    """Return the shared client of a service, such as `dynamodb`.

    Region, credentials and endpoint come from the environment as AWS's own tools read it.
    """
    from botocore.config import Config
    from botocore.session import get_session

    config = Config(
        connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        read_timeout=_READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    )
    return get_session().create_client(service, config=config)
