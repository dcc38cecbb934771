"""AWS clients and variables for the emulator. The user's own AWS configuration is never read."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

REGION = "eu-central-1"
ACCOUNT = "000000000000"
ACCESS_KEY_ID = "test"
# No AWS account accepts these; for the emulator they are its account's root.
SECRET_ACCESS_KEY = "test"  # noqa: S105  not a secret  # nosec B105

_NOWHERE = os.devnull
LOOPBACK = ("127.0.0.1", "localhost")
"""The hosts of an embedded cloud."""


def variables(endpoint_url: str) -> dict[str, str]:
    """Return the variables that make AWS's tools and SDKs use the emulator only.

    They exclude the user's credentials, profiles, proxies and the instance's metadata.
    """
    loopback = ",".join(LOOPBACK)
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": _NOWHERE,
        "AWS_SHARED_CREDENTIALS_FILE": _NOWHERE,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": loopback,
        "no_proxy": loopback,
    }


def environment(endpoint_url: str) -> dict[str, str]:
    """Return this process's environment with everything about AWS replaced, for programs that deploy.

    A program run with it cannot act on a real account.
    """
    rest = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_DEFAULT_"))}
    return rest | variables(endpoint_url)


def session() -> Any:
    """Return a botocore session with the credentials that the emulator accepts."""
    from botocore.session import Session

    # Each variable: its name in the config file, its name in the environment, its default, its conversion.
    unread = dict.fromkeys(("profile", "ca_bundle", "ignore_configured_endpoint_urls"), (None, None, None, None))
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, _NOWHERE, None))
    made = Session(session_vars=unread | files)
    made.set_credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    return made


@cache
def client(service: str, endpoint_url: str) -> Any:
    """Return the client of one AWS service at the emulator; cached, because making one takes as long as 100 calls."""
    from botocore.config import Config

    config = Config(proxies={})
    return session().create_client(service, region_name=REGION, endpoint_url=endpoint_url, config=config)
