"""The channels that messages to people go out on, by the names that settings know them by.

A channel is an adapter with `countersign.ports.Channel`'s one method, a line in `CHANNELS` that makes it from the
function's environment, and a line in `stacks.components.flow.channels.CHANNELS` that deploys what it needs.
"""

from collections.abc import Callable, Mapping

from countersign.adapters.ses import SesChannel
from countersign.adapters.sns import SnsChannel
from countersign.functions.clients import client
from countersign.functions.environment import Environment
from countersign.ports import Channel

DEFAULT_CHANNEL = "email"

CHANNELS: Mapping[str, Callable[[Environment], Channel]] = {
    "email": lambda environment: SesChannel(client("sesv2"), environment.text("MAIL_SENDER")),
    "sns": lambda environment: SnsChannel(client("sns"), environment.text("TOPIC_ARN")),
}
"""What makes each channel from the variables that its construct sets."""


def channel_of(environment: Environment, name: str) -> Channel:
    """Return the channel of a name.

    Raises:
        MissingSettingError: A variable that the channel needs is not set.
        LookupError: There is no such channel.
    """
    if name not in CHANNELS:
        raise LookupError(f"no channel named {name}; there is {', '.join(CHANNELS)}")
    return CHANNELS[name](environment)
