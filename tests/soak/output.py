"""What the functions write while they are soaked: their logs, everybody else's, and the metrics."""

import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any

from aws_lambda_powertools import Logger


class Output:
    """Everything that is written to a log or printed, and the alarms that ring for it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._text = StringIO()

    @contextmanager
    def captured(self) -> Iterator[None]:
        """Capture every logger from INFO on, and what is printed, for as long as the block lasts."""
        streams = [each for each in Logger().handlers if isinstance(each, logging.StreamHandler)]
        before = {handler: handler.setStream(self._text) for handler in streams}
        everything, root = logging.StreamHandler(self._text), logging.getLogger()
        level, others = root.level, root.handlers[:]
        root.handlers[:] = [everything]
        root.setLevel(logging.INFO)
        try:
            with redirect_stdout(self._text):
                yield
        finally:
            root.handlers[:] = others
            root.setLevel(level)
            for handler, stream in before.items():
                handler.setStream(stream or sys.stdout)

    def new(self) -> tuple[str, list[dict[str, Any]]]:
        """Return what was written since the last call, and of it the entries that are JSON; metrics are counted."""
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        entries = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        for entry in entries:
            for directive in entry.get("_aws", {}).get("CloudWatchMetrics", []):
                for metric in directive["Metrics"]:
                    self.counts[metric["Name"]] += int(sum(entry[metric["Name"]]))
        return text, entries
