"""The channels to people: one of each name, with what it needs, and the same names wherever one is chosen."""

import pytest

import stacks.components.flow.channels
from approver.channels import CHANNELS, channel_of
from countersign.domain.errors import MissingSettingError
from countersign.functions.environment import Environment
from stacks.stage.settings import CHANNEL_NAMES


def test_a_stage_may_choose_what_is_deployed_and_what_is_deployed_can_send() -> None:
    assert set(CHANNEL_NAMES) == set(stacks.components.flow.channels.CHANNELS) == set(CHANNELS)


@pytest.mark.parametrize(("name", "variable"), [("email", "MAIL_SENDER"), ("sns", "TOPIC_ARN")])
def test_a_variable_that_a_channel_lacks_is_named(name: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("approver.channels.client", lambda service: service)
    with pytest.raises(MissingSettingError, match=variable):
        channel_of(Environment({}), name)
    channel_of(Environment({variable: "anything"}), name)


def test_a_channel_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(LookupError, match="no channel named pigeon; there is email, sns"):
        channel_of(Environment({}), "pigeon")
