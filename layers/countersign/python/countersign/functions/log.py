"""Log lines: each is one JSON document, with the fields that Powertools for AWS Lambda gives its lines.

These are `level`, `location` of a warning or an error, `message`, `timestamp`, `service` (POWERTOOLS_SERVICE_NAME),
the ids of `telemetry.about`, the call's own fields, and `xray_trace_id`. Lambda keeps a JSON line as it is. Powertools
itself would take a twentieth of a page's cold start, and a third of the relay's.
"""

import json
import logging
import os
from datetime import UTC, datetime
from typing import Any

ids: dict[str, str] = {}
"""The ids in all following lines."""

_TRACE, _KEPT = "Root=", "Sampled=1"


class Logger:
    """Writes lines; fields that are None are left out."""

    def __init__(self) -> None:
        self._log = logging.getLogger(__name__)
        self._log.setLevel(logging.INFO)
        self._log.propagate = False  # Lambda's runtime would write each line a second time
        self._log.handlers[:] = [_Lines()]

    def info(self, message: str, **fields: Any) -> None:
        """Write a line of level INFO."""
        self._log.info(message, extra={"fields": fields}, stacklevel=2)

    def warning(self, message: str, **fields: Any) -> None:
        """Write a line of level WARNING."""
        self._log.warning(message, extra={"fields": fields}, stacklevel=2)

    def error(self, message: str, **fields: Any) -> None:
        """Write a line of level ERROR."""
        self._log.error(message, extra={"fields": fields}, stacklevel=2)


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        at = datetime.fromtimestamp(record.created, UTC)
        document = {
            "level": record.levelname,
            "location": f"{record.funcName}:{record.lineno}" if record.levelno > logging.INFO else None,
            "message": record.getMessage(),
            "timestamp": f"{at:%Y-%m-%d %H:%M:%S},{int(record.msecs):03}+0000",
            "service": service(),
            **ids,
            **record.__dict__["fields"],
            "xray_trace_id": _trace_id(),
        }
        said = {name: value for name, value in document.items() if value is not None}
        print(json.dumps(said, default=str, separators=(",", ":")))  # noqa: T201  a function's standard output is its log


def service() -> str:
    """Return the function's name in logs and metrics."""
    return os.environ.get("POWERTOOLS_SERVICE_NAME", "service_undefined")


def _trace_id() -> str | None:
    """Return the id of the X-Ray trace; None if X-Ray keeps none, though Lambda gives each invocation an id."""
    root, *others = os.environ.get("_X_AMZN_TRACE_ID", "").split(";")
    return root.removeprefix(_TRACE) if _KEPT in others else None


logger = Logger()
"""The function's log."""
