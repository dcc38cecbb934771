"""`python -m local`: from its first moment on, a signal ends it in order, so that what it started is stopped."""

import signal
import sys
from types import FrameType

_came: list[int] = []


def _end(number: int, _: FrameType | None) -> None:
    """Unwind. Python's own answer to Ctrl-C would end an import by the signal, or come out of it as another error."""
    _came.append(number)
    sys.exit()


def main() -> int:
    """Run the command line and return its exit status: after a signal, what shells report for one."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        from local.program import main as run  # takes a moment, in which a signal may come

        status = run()
    except BaseException:
        if not _came:
            raise
    if not _came:
        return status
    sys.stdout.write("\n  Stopped.\n")
    return 128 + _came[0]


if __name__ == "__main__":
    sys.exit(main())
