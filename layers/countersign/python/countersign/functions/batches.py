"""Asynchronous invocations: batches of queues and streams, and single documents.

Records are independent: failed ones are reported back for a retry, and the log has the reasons without the content.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from countersign.domain.errors import NotHandledError
from countersign.functions.http import where_it_failed
from countersign.functions.log import logger
from countersign.functions.telemetry import about, in_one_line

Record = Mapping[str, Any]
"""A message of a queue, or a record of a stream, as Lambda passes it."""


class Batch:
    """Records of a queue or a stream; failed ones are reported back for a retry, and the log says why.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html

    Attributes:
        records: The records, in their order.
    """

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.records: Sequence[Record] = event["Records"]
        self._failed: dict[str, None] = {}

    @contextmanager
    def trying(self, *records: Record) -> Iterator[None]:
        """Let these records fail if the block raises."""
        about()
        try:
            yield
        except Exception as error:  # noqa: BLE001  one record must not keep the others from being handled
            logger.error("record failed, to be tried again", **where_it_failed(error))
            self._failed |= dict.fromkeys(map(_identifier, records))

    @property
    def response(self) -> dict[str, Any]:
        """The partial batch response: the identifiers of the records that failed."""
        return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in self._failed]}


def run_batch(handle: Callable[[Record], None], event: Mapping[str, Any]) -> dict[str, Any]:
    """Handle each record of a batch on its own, and return the partial batch response."""
    batch = Batch(event)
    with in_one_line():
        for record in batch.records:
            with batch.trying(record):
                handle(record)
    return batch.response


def run_one(handle: Callable[[Any], None], document: Any) -> None:
    """Handle the document of an asynchronous invocation, and log the error if `handle` raises.

    Raises:
        NotHandledError: It failed. The error itself is left out, since Lambda would log its text.
    """
    failed = False
    about()
    try:
        handle(document)
    except Exception as error:  # noqa: BLE001  no text of any error leaves the function
        logger.error("invocation failed, to be tried again", **where_it_failed(error))
        failed = True
    if failed:
        raise NotHandledError


def _identifier(record: Record) -> str:
    identifier: str = record["messageId"] if "messageId" in record else record["dynamodb"]["SequenceNumber"]
    return identifier
