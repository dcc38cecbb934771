"""Asynchronous invocations: batches of queues and streams, and single documents.

Records are independent: failed ones are reported back for a retry, and the log has the reasons without the content.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.base import FailureResponse
from aws_lambda_powertools.utilities.batch.exceptions import ExceptionInfo

from countersign.domain.errors import NotHandledError
from countersign.functions.http import where_it_failed
from countersign.functions.telemetry import about, in_one_line


class _LoggedBatch(BatchProcessor):
    """Powertools' processor, which also logs why records failed, without their content."""

    def __init__(self, event_type: EventType, logger: Logger) -> None:
        super().__init__(event_type=event_type, raise_on_entire_batch_failure=False)
        self._logger = logger

    def failure_handler(self, record: Any, exception: ExceptionInfo) -> FailureResponse:
        _, error, _ = exception
        if error is not None:
            self._logger.error("record failed, to be tried again", **where_it_failed(error))
        return super().failure_handler(record, exception)


def run_batch(
    event_type: EventType, handle: Callable[[Any], None], event: dict[str, Any], context: Any, logger: Logger
) -> dict[str, Any]:
    """Handle each record of a batch; log those for which `handle` raises, and report them back for a retry.

    Returns:
        The partial batch response: the identifiers of the records that failed.
    """

    def handle_alone(record: Any) -> None:
        about()
        handle(record)

    processor = _LoggedBatch(event_type, logger)
    with in_one_line():
        return dict(
            process_partial_response(event=event, record_handler=handle_alone, processor=processor, context=context)
        )


class StreamBatch:
    """Stream records that are handled together; failed ones are reported back for a retry, and the log says why.

    Attributes:
        records: The records, in the order of the stream.
    """

    def __init__(self, event: Mapping[str, Any], logger: Logger) -> None:
        self.records: Sequence[Mapping[str, Any]] = event["Records"]
        self._logger = logger
        self._failed: dict[str, None] = {}

    @contextmanager
    def trying(self, *records: Mapping[str, Any]) -> Iterator[None]:
        """Let these records fail if the block raises."""
        about()
        try:
            yield
        except Exception as error:  # noqa: BLE001  one record must not keep the others from being handled
            self._logger.error("record failed, to be tried again", **where_it_failed(error))  # noqa: TRY400  it may quote data
            self._failed |= dict.fromkeys(record["dynamodb"]["SequenceNumber"] for record in records)

    @property
    def response(self) -> dict[str, Any]:
        """The partial batch response: the identifiers of the records that failed."""
        return {"batchItemFailures": [{"itemIdentifier": number} for number in self._failed]}


def run_one(handle: Callable[[Any], None], document: Any, logger: Logger) -> None:
    """Handle the document of an asynchronous invocation, and log the error if `handle` raises.

    Raises:
        NotHandledError: It failed. The error itself is left out, since Lambda would log its text.
    """
    failed = False
    about()
    try:
        handle(document)
    except Exception as error:  # noqa: BLE001  no text of any error leaves the function
        logger.error("invocation failed, to be tried again", **where_it_failed(error))  # noqa: TRY400  it may quote data
        failed = True
    if failed:
        raise NotHandledError
