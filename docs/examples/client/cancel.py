"""Cancel a request that nobody needs any more: `python cancel.py REQUEST_ID REASON`. Those who were asked read why."""

import os
import sys

from countersign.client import Client, TooLateError, UnknownRequestError


def main(request_id: str, reason: str) -> str:
    """Return what has become of the request."""
    client = Client(os.environ["API_URL"])
    try:
        client.cancel(request_id, reason)
    except UnknownRequestError:
        return f"{request_id} is not a request of this role"
    except TooLateError as error:
        return f"too late: {error.detail}"
    report = client.wait(request_id, timeout=60)
    return f"{request_id} is {report.status}"


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
