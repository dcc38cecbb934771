"""What the count assumes about AWS, because the handlers cannot show it. `make cost` prints all of it."""

import json
from collections.abc import Sequence

APPROVALS_A_SECOND = 10
STREAM_SHARDS = 4
"""The shards of the stream of a new on-demand table, one for each of its partitions."""

TRANSACTION = "transact_write_items"
CALL_MS = {"dynamodb": 5, TRANSACTION: 10, "sesv2": 60}
OTHER_CALL_MS = 25
"""How long a function waits for the answer to a call: to DynamoDB, for a transaction, to SES, and to other services."""

PROCESSOR_MS, PROCESSOR_MS_A_CALL = 2, 1
FULL_CORE_MB = 1769
"""How long a warm invocation, and each of its calls, computes on a full core. A function has one at FULL_CORE_MB, and
with less memory a share of it: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html. All times are
estimates: nothing is measured on AWS."""

POLLERS, POLL_SECONDS = 5, 20
"""Lambda's long polls of a queue: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html."""

LOG_EVENT_BYTES = 26
"""What CloudWatch Logs adds to a line: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html."""

LOGS_COMPRESSED = 0.15
"""The share of the written bytes that is stored, in the examples of CloudWatch's price page."""

TRACED = 0.05
"""The share of requests that X-Ray samples by default, on a stage with tracing."""

MONTH_DAYS = 365 / 12
LEDGER_DAYS = 400
"""How long closed tasks and requests are kept: `RETENTION` in `adapters/task_items.py`."""

_ID = "79b4f56e-95b1-4643-9700-2807f4e68189"
_TIME = "2026-03-01T09:00:00.000Z"
_REPORTED = {"durationMs": 119.21, "billedDurationMs": 120, "memorySizeMB": 512, "maxMemoryUsedMB": 118}
PLATFORM_RECORDS = (
    json.dumps({"time": _TIME, "type": "platform.start", "record": {"requestId": _ID, "version": "42"}}),
    json.dumps(
        {
            "time": _TIME,
            "type": "platform.report",
            "record": {"requestId": _ID, "metrics": _REPORTED, "status": "success"},
        }
    ),
)
"""Lambda's own records of a warm invocation at the system log level INFO; WARN leaves them out."""

RUNTIME_FIELDS = json.dumps(
    {"timestamp": _TIME, "level": "INFO", "message": "", "logger": "a.module", "requestId": _ID}
)
"""What Lambda's runtime adds to a line of a logger without a formatter of its own."""

RESPONSE_HEADERS = "".join(
    f"{line}\r\n"
    for line in (
        "HTTP/1.1 200 OK",
        "Date: Sun, 01 Mar 2026 09:00:00 GMT",
        "Connection: keep-alive",
        "Apigw-Requestid: XqX3pdhY8oAMEMWw=",
    )
)
"""What API Gateway adds to a response."""


def seconds(memory_mb: int, calls: Sequence[str]) -> float:
    """Return the duration of an invocation that makes these calls, named as in CALL_MS."""
    waiting = sum(CALL_MS.get(call, OTHER_CALL_MS) for call in calls)
    processor = PROCESSOR_MS + PROCESSOR_MS_A_CALL * len(calls)
    return (waiting + processor * FULL_CORE_MB / memory_mb) / 1000
