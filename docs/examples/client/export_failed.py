"""Write yesterday's failed requests as CSV: `python export_failed.py > failed.csv`."""

import csv
import os
import sys
from datetime import datetime, timedelta, timezone
from typing import TextIO

from countersign.client import Client


def main(output: TextIO) -> int:
    """Write one line for each request that failed since yesterday, and return how many there are."""
    client = Client(os.environ["API_URL"])
    since = datetime.now(timezone.utc) - timedelta(days=1)
    lines = csv.writer(output)
    lines.writerow(["request_id", "workflow", "error", "created_at", "ended_at"])
    count = 0
    for request in client.list(status="failed", since=since):
        code = request.error.code if request.error else ""
        lines.writerow([request.request_id, request.workflow, code, request.created_at, request.ended_at])
        count += 1
    return count


if __name__ == "__main__":
    print(main(sys.stdout), "failed", file=sys.stderr)
