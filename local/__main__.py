"""`python -m local`. From its first moment a signal unwinds it, so that it stops the processes that it started."""

import signal
import sys
from types import FrameType

_came: list[int] = []


def _end(number: int, _: FrameType | None) -> None:
    """Unwind. Python's own handling of Ctrl-C would kill an import, or leave the import as another error."""
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
