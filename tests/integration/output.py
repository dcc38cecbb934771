"""What functions log, print and count."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any, Self
from urllib.parse import quote, quote_plus


@dataclass(frozen=True)
class Written:
    """What was written since the last look.

    Attributes:
        text: All of it.
        entries: The log entries in it.
        counts: The values of each metric in it, added up.
    """

    text: str
    entries: list[dict[str, Any]]
    counts: Counter[str]

    @property
    def messages(self) -> set[str]:
        return {entry.get("message", "") for entry in self.entries}


class Output:
    """Captures every logger from INFO on, and the standard streams.

    Attributes:
        counts: The values of each metric so far, added up.
    """

    def __init__(self, printed: Callable[[], str] = str) -> None:
        """Take the standard streams from `printed` where pytest captures them, as it does in a test's fixtures."""
        self.counts: Counter[str] = Counter()
        self._text = StringIO()
        self._printed = printed

    @contextmanager
    def captured(self) -> Iterator[Self]:
        everything, root = logging.StreamHandler(self._text), logging.getLogger()
        level, others = root.level, root.handlers[:]
        root.handlers[:] = [everything]
        root.setLevel(logging.INFO)
        try:
            with redirect_stdout(self._text), redirect_stderr(self._text):
                yield self
        finally:
            root.handlers[:] = others
            root.setLevel(level)

    def new(self) -> Written:
        """Return what was written since the last call."""
        text = self._text.getvalue() + self._printed()
        self._text.seek(0)
        self._text.truncate()
        documents = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        counts: Counter[str] = Counter()
        for document in documents:
            for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
                for metric in directive["Metrics"]:
                    counts[metric["Name"]] += int(sum(document[metric["Name"]]))
        self.counts += counts
        return Written(text, [document for document in documents if "_aws" not in document], counts)


def spellings(secret: str) -> set[str]:
    """Return the spellings of a secret in logs, JSON, URLs and forms."""
    return {secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe=""), quote_plus(secret)}
