"""Starts MiniStack with the corrections applied, in MiniStack's own interpreter.

    .local/ministack-venv/bin/python local/emulator/corrected_ministack.py [--uncorrected] [--with-parent PID]

`--uncorrected` leaves the corrections out, for the tests that compare. With `--with-parent` it and its functions end
when the process PID, which started it, has ended in any way.
"""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

_LOOK_FOR_PARENT_SECONDS = 0.5


def main() -> None:
    """Run MiniStack until a signal ends it; its settings are environment variables."""
    parser = argparse.ArgumentParser(description="The corrected AWS emulator of the embedded cloud.")
    parser.add_argument("--uncorrected", action="store_true", help="leave the corrections out")
    parser.add_argument("--with-parent", metavar="PID", type=int, help="end with that process, which started this one")
    options = parser.parse_args()
    if options.with_parent:
        threading.Thread(target=_end_with, args=(options.with_parent,), daemon=True).start()
    # The checkout comes last: its own modules must not hide MiniStack's, or those of its dependencies.
    sys.path[0:1] = []
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    sys.argv[1:] = []
    if not options.uncorrected:
        from local.emulator.corrections.catalog import apply

        apply()
    # Its mail service logs the addresses of recipients; nothing else here does.
    logging.getLogger("ses-v2").setLevel(logging.WARNING)
    from ministack.app import main as serve

    serve()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_FOR_PARENT_SECONDS)
    Path("cloud.json").unlink(missing_ok=True)  # in the cloud's folder: the cloud that it describes ends now
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
