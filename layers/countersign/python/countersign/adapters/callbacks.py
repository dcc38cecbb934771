"""The callback API of Lambda durable functions, with its answers translated to the state of a ring."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from countersign.domain.errors import CallbackUnavailableError, TaskClosedError
from countersign.domain.tasks import Ring, RingState
from countersign.retries import pause_seconds

ATTEMPTS = 4
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 2

_CLOSED = "CallbackTimeoutException"
_GONE = "ResourceNotFoundException"
_NO_HEARTBEAT = frozenset({_CLOSED, _GONE, "InvalidParameterValueException"})
_RETRYABLE = frozenset({"TooManyRequestsException", "ServiceException", "ThrottlingException"})


_FAILED = "Countersign.Failed"
"""The error type of a ring for a machine's failure."""


class CallbackDoorbell:
    """Rings callbacks with SendDurableExecutionCallbackSuccess.

    https://docs.aws.amazon.com/lambda/latest/api/API_SendDurableExecutionCallbackSuccess.html
    """

    def __init__(self, client: Any, pause: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._pause = pause

    def ring(self, callback_id: str, at: datetime, *, failed: bool = False) -> Ring:
        """See `countersign.ports.Doorbell.ring`. The ring has no content: the ledger has the answer."""
        send = self._fail if failed else self._client.send_durable_execution_callback_success
        uncertain = False
        for attempt in range(ATTEMPTS):
            self._pause_before(attempt)
            try:
                send(CallbackId=callback_id)
            except ParamValidationError:
                return Ring(RingState.FAILED, at, "ParamValidationError")
            except (ClientError, BotoCoreError) as error:
                if isinstance(error, ClientError) and not _is_retryable(error):
                    return _ring_of(error, at, uncertain=uncertain)
                uncertain = uncertain or _may_have_arrived(error)
            else:
                return Ring(RingState.DELIVERED, at)
        raise CallbackUnavailableError(f"Lambda did not take the ring in {ATTEMPTS} attempts")

    def _fail(self, **callback: str) -> None:
        self._client.send_durable_execution_callback_failure(**callback, Error={"ErrorType": _FAILED})

    def _pause_before(self, attempt: int) -> None:
        if attempt:
            self._pause(pause_seconds(attempt - 1, _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS))


def _is_retryable(error: ClientError) -> bool:
    code = error.response["Error"]["Code"]
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    return code in _RETRYABLE or code.startswith("KMS") or status >= 500


def _may_have_arrived(error: ClientError | BotoCoreError) -> bool:
    """Tell whether Lambda may have acted although the call failed; it ignores throttled calls."""
    if isinstance(error, ClientError):
        return bool(error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500)
    return True


def _ring_of(error: ClientError, at: datetime, *, uncertain: bool) -> Ring:
    """Translate an error; a callback that is gone after an uncertain attempt was closed by that attempt."""
    code = error.response["Error"]["Code"]
    retried = error.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
    closed = code == _CLOSED or (code == _GONE and (uncertain or retried))
    return Ring(RingState.CLOSED if closed else RingState.FAILED, at, code)


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
            if error.response["Error"]["Code"] in _NO_HEARTBEAT:
                raise TaskClosedError from error
            raise CallbackUnavailableError("Lambda did not take the heartbeat") from error
        except BotoCoreError as error:
            raise CallbackUnavailableError("Lambda did not take the heartbeat") from error
