"""Heartbeats of durable callbacks."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from countersign.domain.errors import CallbackUnavailableError, TaskClosedError

_OVER = frozenset({"CallbackTimeoutException", "ResourceNotFoundException", "InvalidParameterValueException"})


class CallbackHeartbeats:
    """Implements `countersign.ports.Heartbeats` with SendDurableExecutionCallbackHeartbeat.

    https://docs.aws.amazon.com/lambda/latest/api/API_SendDurableExecutionCallbackHeartbeat.html
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def beat(self, callback_id: str) -> None:
        """See `countersign.ports.Heartbeats.beat`."""
        try:
            self._client.send_durable_execution_callback_heartbeat(CallbackId=callback_id)
        except ParamValidationError as error:
            raise TaskClosedError from error
        except ClientError as error:
            if error.response["Error"]["Code"] in _OVER:
                raise TaskClosedError from error
            raise CallbackUnavailableError("Lambda did not take the heartbeat") from error
        except BotoCoreError as error:
            raise CallbackUnavailableError("Lambda did not take the heartbeat") from error
